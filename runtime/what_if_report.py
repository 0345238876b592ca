"""What-if of a replay: other thresholds from a TOML file, and the difference printed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from gateway.thresholds import Thresholds
from gateway.what_if import Difference
from runtime.cli.exits import echo, emit
from runtime.portal_report import iso
from runtime.settings_errors import ConfigError

MAX_FILE = 1 << 20


def other_thresholds(path: Path) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """`[thresholds]` for all portals and `[portals.NAME]` for one. Raises `ConfigError`."""
    if not path.is_file():
        raise ConfigError("config-not-found", advice="name a TOML file").at(str(path))
    try:
        data = path.read_bytes()[: MAX_FILE + 1]
        if len(data) > MAX_FILE:
            raise ConfigError("config-too-large", advice="at most 1 MiB").at(str(path))
        document = tomllib.loads(data.decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        raise ConfigError("config-syntax", advice=str(wrong)).at(str(path)) from None
    try:
        return _read(document)
    except ConfigError as wrong:
        raise wrong.at(str(path)) from None


def _read(
    document: Mapping[str, object],
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    for key in document:
        if key not in ("thresholds", "portals"):
            advice = "the tables are [thresholds] and [portals.NAME]"
            raise ConfigError("config-unknown-key", key=key, advice=advice)
    portals = document.get("portals", {})
    if not isinstance(portals, dict):
        raise ConfigError("config-type", key="portals", advice="tables: [portals.NAME]")
    by_portal = {name: _numbers(table, f"portals.{name}") for name, table in portals.items()}
    return _numbers(document.get("thresholds", {}), "thresholds"), by_portal


def _numbers(table: object, where: str) -> dict[str, float]:
    if not isinstance(table, dict):
        raise ConfigError("config-type", key=where, advice=f"a table: [{where}]")
    known = Thresholds.__dataclass_fields__
    for name, value in table.items():
        key = f"{where}.{name}"
        if name not in known:
            advice = f"the thresholds are {', '.join(sorted(known))}"
            raise ConfigError("config-unknown-key", key=key, advice=advice)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError("config-type", key=key, advice="a number")
    return dict(table)


def show(found: Difference, *, as_json: bool, book: Difference | None = None) -> None:
    """Print passes, moves and stock that would differ, and the same against the booked passes."""
    if as_json:
        emit({**asdict(found), "book": None if book is None else asdict(book)})
        return
    _say(found)
    if book is not None:
        echo("against the booked passes:")
        _say(book)


def _say(found: Difference) -> None:
    for one in found.changed:
        echo(
            f"{iso(one.at)}  {one.portal:<12} {one.before or 'no pass'} -> "
            f"{one.after or 'no pass'}  +{len(one.joined)} -{len(one.left)} tags"
        )
    echo(f"{found.same} passes the same, {len(found.changed)} differ")
    echo(f"moves: {found.moves_before} -> {found.moves_after}")
    for what, change in found.stock.items():
        echo(f"stock inside  {what}: {change:+d}")
