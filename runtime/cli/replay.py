"""Replay archived readings through the tracker, with other thresholds if wanted; writes nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Annotated

import typer

from core.application.ports.tracking import RegistryRows, StreamKey
from core.db.uow import PgUnitOfWorkFactory, build_engine
from gateway.archive_reader import archived
from gateway.replay import replay, with_settings
from gateway.thresholds import Thresholds
from runtime import settings
from runtime.cli.exits import Code, echo, emit, usage
from runtime.cli.role import ConfigOption, JsonOption
from runtime.clock import new_id

app = typer.Typer(add_completion=False)


@app.command(name="replay", help=__doc__)
def command(
    config: ConfigOption,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="A threshold, as name=value; repeatable.")
    ] = None,
    portal: Annotated[str | None, typer.Option("--portal", help="Only this portal.")] = None,
    json: JsonOption = False,
) -> int:
    """List the passes that the archive leads to under these thresholds."""
    tree = settings.load(config)
    if tree.database.url is None:
        raise usage("replay needs database.url_file to know the layout")
    wanted = _changes(changes or [])
    rows, cursors = asyncio.run(_book(tree.database.url.reveal(), tree.site))
    lines = archived(tree.gateway.archive_path, site=tree.site, cursors=cursors)
    calls = replay(
        lines, with_settings(rows, wanted), site=tree.site, cell=tree.gateway.cell, ids=new_id
    )
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
        if portal in (None, call.portal)
    ]
    if json:
        emit({"passes": found})
        return Code.DONE
    for one in found:
        echo(
            f"{one['occurred_at']}  {one['portal']:<12} {one['state']:<12}"
            f" crossed {one['crossed']:>4}  {one['rejected']}"
        )
    return Code.DONE


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
