"""EPCs that were read and stand for nothing here: list them, ignore one, or watch it again."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated

import typer

from contracts.gs1.epc import EpcError, key_of
from core.application.inbox import ignore_epc, watch_epc
from core.application.ports.inbox import HeldEpc
from core.application.ports.uow import UnitOfWork
from runtime.cli.database import in_database
from runtime.cli.exits import Code, echo, emit, usage
from runtime.cli.role import ConfigOption, JsonOption
from runtime.clock import now_us

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
Epc = Annotated[str, typer.Argument(help="Hex digits, as the list shows them.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with your name.")]
By = Annotated[str, typer.Option("--by", help="Your name.")]
STATES = ("held", "ignored", "released")


@app.command("list")
def list_inbox(
    config: ConfigOption,
    state: Annotated[str, typer.Option("--state", help=", ".join(STATES))] = "held",
    limit: Annotated[int, typer.Option("--limit", min=1, max=500)] = 50,
    json: JsonOption = False,
) -> int:
    """Latest seen first, with the code that says why it moves nothing."""
    if state not in STATES:
        raise usage(f"--state is one of {', '.join(STATES)}")

    async def read(uow: UnitOfWork) -> list[HeldEpc]:
        return await uow.inbox.held(state=state, limit=limit)

    found = in_database(config, read)
    if json:
        emit({"items": [_row(one) for one in found]})
        return Code.DONE
    for one in found:
        seen = datetime.fromtimestamp(one.last_seen_at // 1_000_000, tz=UTC)
        place = f"{one.agent}/{one.device}"
        echo(f"{one.epc}  {one.code:<20} {one.count:>6}  {seen:%Y-%m-%dT%H:%M:%SZ}  {place}")
    return Code.DONE


def _row(one: HeldEpc) -> dict[str, object]:
    try:
        key: str | None = key_of(one.epc)
    except EpcError:
        key = None
    return {**dataclasses.asdict(one), "key": key}


@app.command()
def ignore(config: ConfigOption, epc: Epc, reason: Reason, by: By, json: JsonOption = False) -> int:
    """Put a stranger's tag aside; it is counted when read, and asks for nothing."""
    return _decided(
        config,
        lambda uow: ignore_epc(uow, epc, reason=reason, now=now_us(), actor=by),
        as_json=json,
    )


@app.command()
def watch(config: ConfigOption, epc: Epc, reason: Reason, by: By, json: JsonOption = False) -> int:
    """Take an ignored EPC back into the inbox."""
    return _decided(
        config,
        lambda uow: watch_epc(uow, epc, reason=reason, now=now_us(), actor=by),
        as_json=json,
    )


def _decided(
    config: ConfigOption, work: Callable[[UnitOfWork], Awaitable[HeldEpc]], *, as_json: bool
) -> int:
    done = in_database(config, work)
    if as_json:
        emit(_row(done))
    else:
        echo(f"{done.epc} {done.state}")
    return Code.DONE
