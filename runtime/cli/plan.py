"""`dockledger plan`: planners that read and write JSON. A refusal exits 3 with its code."""

from __future__ import annotations

from time import perf_counter
from typing import Annotated

import typer

from core.application.plans.batch import batch_answer
from core.application.plans.bins import bins_answer
from core.application.plans.cartons import cartons_answer
from core.application.plans.route import route_answer
from core.integrations.tours import fast_tours
from runtime.cli.exits import emit
from runtime.cli.plan_file import read_document

app = typer.Typer(help="Plan from JSON; see docs/planning.md.", no_args_is_help=True)
_File = Annotated[str, typer.Argument(help="A JSON file, or - for standard input.")]
_Seed = Annotated[int, typer.Option("--seed", help="Makes a run repeatable.")]

_Budget = Annotated[
    float, typer.Option("--seconds", min=0.01, max=600, help="When the search ends.")
]


@app.callback()
def _plan() -> None:
    """Plan from JSON."""


@app.command("route")
def route_command(file: _File = "-", *, seed: _Seed = 1) -> None:
    """Print the shortest walk over the stops: proven up to 4 cross-aisles, else a tour."""
    emit(route_answer(read_document(file), seed=seed, solver=fast_tours(budget_s=0.1)))


@app.command("bins")
def bins_command(file: _File = "-", *, seed: _Seed = 1, seconds: _Budget = 0.25) -> None:
    """Print which bins serve which items, and the walk over them."""
    emit(bins_answer(read_document(file), seed=seed, clock=perf_counter, budget_s=seconds))


@app.command("batch")
def batch_command(file: _File = "-", *, seed: _Seed = 1, seconds: _Budget = 1.0) -> None:
    """Print which orders are picked together, and the walk of each batch."""
    emit(batch_answer(read_document(file), seed=seed, clock=perf_counter, budget_s=seconds))


@app.command("cartons")
def cartons_command(file: _File = "-", *, seed: _Seed = 1) -> None:
    """Print the smallest carton for an order, or several, and where every item stands."""
    emit(cartons_answer(read_document(file), seed=seed))
