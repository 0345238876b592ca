"""Recompute the book from its moves and print what disagrees; exit 1 on drift, never a repair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from core.application.ports.uow import UnitOfWork
from core.application.ports.verify import Finding
from core.application.verify import verify
from runtime.cli.database import in_database
from runtime.cli.exits import Code, echo, emit
from runtime.cli.role import ConfigOption, JsonOption
from runtime.clock import now_us

app = typer.Typer(add_completion=False)


@app.command(name="verify", help=__doc__)
def command(
    config: ConfigOption,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=100_000, help="Findings per invariant.")
    ] = 100,
    json: JsonOption = False,
) -> int:
    """One snapshot of the database that `database.url` names; the run is recorded."""

    async def work(uow: UnitOfWork) -> Sequence[Finding]:
        return await verify(uow, clock=now_us, limit=limit)

    found = in_database(config, work)
    if json:
        emit({"drift": len(found), "findings": [asdict(one) for one in found]})
    else:
        for one in found:
            echo(f"{one.invariant}  {one.subject}  {one.fact}")
        echo(f"{len(found)} drift" if found else "0 drift: the book agrees with its moves")
    return Code.ANSWER_IS_NO if found else Code.DONE
