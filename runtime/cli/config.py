"""Check or show a configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, cast

import typer

from runtime import settings
from runtime.cli.exits import Code, echo, emit, usage
from runtime.cli.role import InsecureOption, JsonOption
from runtime.settings_tree import Secret

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)

FileArgument = Annotated[Path | None, typer.Argument(help="The file; site.toml if not given.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="The same as an option.")]
RoleOption = Annotated[
    str | None, typer.Option("--role", help="Check for edge, gateway, api or worker.")
]
_SINGULAR = {
    "devices": "device",
    "antennas": "antenna",
    "sensors": "sensor",
    "outputs": "output",
}
_WITHOUT_KEY = frozenset({"home"})


def _load(
    file: Path | None, config: Path | None, role: str | None, *, insecure: bool
) -> settings.Loaded:
    if file is not None and config is not None:
        raise usage("name the file once")
    if role is not None and role not in {"edge", "gateway", "api", "worker"}:
        raise usage("--role is edge, gateway, api or worker")
    path = file or config or Path("site.toml")
    return settings.load_full(path, role=cast(settings.Role | None, role), insecure=insecure)


@app.command()
def check(
    file: FileArgument = None,
    config: ConfigOption = None,
    role: RoleOption = None,
    insecure: InsecureOption = False,
    json: JsonOption = False,
) -> int:
    """Say whether a configuration is good; exit 2 names what is not."""
    found = _load(file, config, role, insecure=insecure)
    if json:
        emit({"ok": True, "site": found.settings.site})
    else:
        echo("the configuration is good")
    return Code.DONE


@app.command()
def show(
    file: FileArgument = None,
    config: ConfigOption = None,
    role: RoleOption = None,
    insecure: InsecureOption = False,
    json: JsonOption = False,
) -> int:
    """Print every setting with its value and where it comes from; secrets are masked."""
    found = _load(file, config, role, insecure=insecure)
    rows = [
        {"key": key, "value": value, "origin": _origin(found, key)}
        for key, value in _walk(found.settings, "")
    ]
    if json:
        emit({"settings": rows})
        return Code.DONE
    for row in rows:
        echo(f"{row['key']} = {row['value']}  # {row['origin']}")
    return Code.DONE


def _walk(node: object, path: str) -> Iterator[tuple[str, object]]:
    for field in dataclasses.fields(cast(settings.Settings, node)):
        value = getattr(node, field.name)
        name = _SINGULAR.get(field.name, field.name)
        here = f"{path}.{name}" if path else name
        if name in _WITHOUT_KEY:
            continue
        if dataclasses.is_dataclass(value) and not isinstance(value, Secret):
            yield from _walk(value, here)
        elif field.name in _SINGULAR:
            for index, element in enumerate(value):
                yield from _walk(element, f"{here}[{index}]")
        else:
            yield here, _shown(value)


def _shown(value: object) -> object:
    if isinstance(value, Secret | Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _origin(found: settings.Loaded, key: str) -> str:
    entry = found.raw.entries.get(key) or found.raw.entries.get(f"{key}_file")
    if entry is None:
        return "default"
    return f"file:{entry.line}" if entry.origin == "file" else entry.origin
