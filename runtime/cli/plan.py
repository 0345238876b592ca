"""`dockledger plan`: planners that read and write JSON. A refusal exits 3 with its code."""

from __future__ import annotations

from typing import Annotated

import typer

from core.application.plans.route import route_answer
from core.integrations.tours import fast_tours
from runtime.cli.exits import emit
from runtime.cli.plan_file import read_document

app = typer.Typer(help="Plan from JSON; see docs/planning.md.", no_args_is_help=True)
_File = Annotated[str, typer.Argument(help="A JSON file, or - for standard input.")]
_Seed = Annotated[int, typer.Option("--seed", help="Makes a run repeatable.")]


@app.callback()
def _plan() -> None:
    """Plan from JSON."""


@app.command("route")
def route_command(file: _File = "-", *, seed: _Seed = 1) -> None:
    """Print the shortest walk over the stops: proven up to 4 cross-aisles, else a tour."""
    emit(route_answer(read_document(file), seed=seed, solver=fast_tours(budget_s=0.1)))
