"""Replay archived readings through the tracker, with other thresholds if wanted; writes nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from core.application.decisions import PassCall
from core.application.ports.tracking import RegistryRows, StreamKey
from core.db.uow import PgUnitOfWorkFactory, build_engine
from gateway.archive_reader import archived
from gateway.booked import at_closing, booked_call
from gateway.replay import replay, with_portal_settings, with_settings, within
from gateway.thresholds import Thresholds
from gateway.trace_time import TraceTimeError, parse_time
from gateway.what_if import compare
from runtime import settings
from runtime.cli.exits import Code, echo, emit, usage
from runtime.cli.role import ConfigOption, JsonOption
from runtime.clock import new_id
from runtime.what_if_report import other_thresholds, show

app = typer.Typer(add_completion=False)


@app.command(name="replay", help=__doc__)
def command(
    config: ConfigOption,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="A threshold, as name=value; repeatable.")
    ] = None,
    portal: Annotated[str | None, typer.Option("--portal", help="Only this portal.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="First moment, ISO 8601 or a day.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="End, not included; ISO 8601 or a day.")
    ] = None,
    what_if: Annotated[
        Path | None,
        typer.Option("--what-if", help="TOML with other [thresholds]; prints what would differ."),
    ] = None,
    json: JsonOption = False,
) -> int:
    """List the passes that the archive leads to under these thresholds."""
    tree = settings.load(config)
    if tree.database.url is None:
        raise usage("replay needs database.url_file to know the layout")
    wanted = _changes(changes or [])
    rows, cursors = asyncio.run(_book(tree.database.url.reveal(), tree.site))
    window = _moment(since), _moment(until)

    def run(layout: RegistryRows) -> list[PassCall]:
        lines = archived(tree.gateway.archive_path, site=tree.site, cursors=cursors)
        calls = replay(
            within(lines, since=window[0], until=window[1]),
            layout,
            site=tree.site,
            cell=tree.gateway.cell,
            ids=new_id,
        )
        return [c for c in calls if portal in (None, c.portal) and _inside(c, *window)]

    calls = run(with_settings(rows, wanted))
    if what_if is not None:
        general, by_portal = other_thresholds(what_if)
        other = run(with_portal_settings(rows, {**wanted, **general}, by_portal))
        booked = asyncio.run(_booked(tree.database.url.reveal(), tree.site, window))
        theirs = [call for call in booked if portal in (None, call.portal)]
        against = compare(theirs, at_closing(other))
        show(compare(calls, other), as_json=json, book=against)
        return Code.DONE
    _list(calls, as_json=json)
    return Code.DONE


def _list(calls: list[PassCall], *, as_json: bool) -> None:
    """Print the passes of one replay."""
    found = [
        {
            "portal": call.portal,
            "state": call.direction,
            "occurred_at": call.occurred_at,
            "confidence": call.confidence,
            "crossed": sum(tag.crossed for tag in call.tags.values()),
            "rejected": dict(Counter(t.reason or "" for t in call.tags.values() if not t.crossed)),
        }
        for call in calls
    ]
    if as_json:
        emit({"passes": found})
        return
    for one in found:
        echo(
            f"{one['occurred_at']}  {one['portal']:<12} {one['state']:<12}"
            f" crossed {one['crossed']:>4}  {one['rejected']}"
        )


def _inside(call: PassCall, since: int | None, until: int | None) -> bool:
    """Whether the pass happened in the window."""
    return (since or 0) <= call.occurred_at and (until is None or call.occurred_at < until)


def _moment(given: str | None) -> int | None:
    """Microseconds UTC of an ISO text; a day is its midnight UTC."""
    if given is None:
        return None
    try:
        return parse_time(f"{given}T00:00:00Z" if len(given) == len("2026-01-31") else given)
    except TraceTimeError:
        raise usage(f"{given} is no moment; write 2026-01-31 or 2026-01-31T08:00:00Z") from None


def _changes(given: list[str]) -> dict[str, float]:
    """Thresholds by name; an unknown one is a usage error."""
    known = Thresholds.__dataclass_fields__
    found: dict[str, float] = {}
    for one in given:
        name, _, value = one.partition("=")
        if name not in known:
            raise usage(f"the thresholds are {', '.join(sorted(known))}")
        try:
            found[name] = float(value)
        except ValueError:
            raise usage(f"{name} wants a number") from None
    return found


async def _booked(url: str, site: str, window: tuple[int | None, int | None]) -> list[PassCall]:
    """The booked passes of the span; read only."""
    engine = build_engine(url, pool_size=1)
    try:
        async with PgUnitOfWorkFactory(engine)(site) as uow:
            rows = await uow.inbound_views.booked(since=window[0], until=window[1])
    finally:
        await engine.dispose()
    return [booked_call(row) for row in rows]


async def _book(url: str, site: str) -> tuple[RegistryRows, dict[StreamKey, int]]:
    """The layout, and how far each stream is in the ledger."""
    engine = build_engine(url, pool_size=1)
    try:
        async with PgUnitOfWorkFactory(engine)(site) as uow:
            rows = await uow.tracking.registry()
            cursors = await uow.tracking.cursors()
    finally:
        await engine.dispose()
    return rows, {stream: row.seq for stream, row in cursors.items()}
