"""`dockledger bench`: ratio to published optima on files of public instances."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Annotated

import typer

from core.domain.errors import Refused
from core.domain.planning.blocks import Blocks, Place
from core.domain.planning.floor import of_blocks
from core.domain.planning.instances import Instance, read_instance
from core.domain.planning.rules import better_serpentine, length_in_order
from core.domain.planning.sweep import shortest_walk
from core.domain.planning.tour import length as tour_length
from core.domain.planning.tour import nearest, shortest_order
from core.integrations.tours import fast_tours
from runtime.cli.bench_batches import scored_batches
from runtime.cli.bench_bins import scored_bins
from runtime.cli.bench_file import print_table, read_documents
from runtime.cli.exits import Code, CommandError, emit

app = typer.Typer(help="Score the planners on public instances.", no_args_is_help=True)
MAX_TOUR_RATIO = 1.001
TOUR_BUDGET_S = 0.02


@app.callback()
def _bench() -> None:
    """Score the planners on public instances."""


@app.command("routes")
def routes_command(
    file: Annotated[Path, typer.Argument(help="SPRP instances: JSON lines, also gzip.")],
    *,
    tours: Annotated[bool, typer.Option("--tours", help="By tours over a matrix.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Route every single-location instance; exits 1 where a length is not the optimum."""
    documents = list(read_documents(file))
    by = _by_tour if tours else _proven
    tables = [_scored(documents, blocks, by) for blocks in (1, 2)]
    if as_json:
        emit({"tables": tables})
    else:
        print_table(tables)
    limit = MAX_TOUR_RATIO if tours else 1 + 1e-9
    if any(row["worst_ratio"] > limit for row in tables):
        raise CommandError(Code.ANSWER_IS_NO, "not_optimal", "some walks are not the optimum")


def _proven(layout: Blocks, depot: Place, stops: list[Place]) -> float:
    return shortest_walk(layout, depot, depot, stops).length


def _by_tour(layout: Blocks, depot: Place, stops: list[Place]) -> float:
    ground, nodes, _ = of_blocks(layout, [depot, *stops, depot])
    matrix = ground.matrix(nodes)
    solver = fast_tours(budget_s=TOUR_BUDGET_S)
    return tour_length(matrix, shortest_order(matrix, nearest(matrix), seed=1, solver=solver))


def _scored(
    documents: list[dict[str, object]],
    blocks: int,
    by: Callable[[Blocks, Place, list[Place]], float],
) -> dict[str, float]:
    ratios: list[float] = []
    simple: list[float] = []
    times: list[float] = []
    busy: list[float] = []
    for document in documents:
        instance = read_instance(document, blocks=blocks)
        if instance.optimum is None:
            continue
        length, serpentine, seconds, worked = _routed(instance, by)
        ratios.append(length / instance.optimum)
        simple.append(serpentine / instance.optimum)
        times.append(1_000 * seconds)
        busy.append(1_000 * worked)
    if not ratios:
        raise Refused("bench_format", f"no instance has an optimum for {blocks} blocks")
    times.sort()
    busy.sort()
    late = min(len(times) - 1, len(times) * 99 // 100)
    return {
        "blocks": blocks,
        "instances": len(ratios),
        "optimal": sum(abs(ratio - 1) < 1e-9 for ratio in ratios),
        "mean_ratio": sum(ratios) / len(ratios),
        "worst_ratio": max(ratios),
        "serpentine_ratio": sum(simple) / len(simple),
        "p50_ms": times[len(times) // 2],
        "p99_ms": times[late],
        "p99_cpu_ms": busy[late],
    }


def _routed(
    instance: Instance, by: Callable[[Blocks, Place, list[Place]], float]
) -> tuple[float, float, float, float]:
    """Length of the walk, of the serpentine one, wall and CPU seconds of the first."""
    layout, depot = instance.layout, instance.depot
    stops = [held.place for held in instance.bins if instance.demand.get(held.item)]
    if len({held.item for held in instance.bins}) != len(instance.bins):
        raise Refused("bench_format", "an item lies in several bins: this bench routes given bins")
    began, worked = perf_counter(), process_time()
    length = by(layout, depot, stops)
    took, worked = perf_counter() - began, process_time() - worked
    order = better_serpentine(layout, depot, depot, stops)
    return length, length_in_order(layout, depot, depot, stops, order), took, worked


@app.command("bins")
def bins_command(
    file: Annotated[Path, typer.Argument(help="SPRP instances with items in several bins.")],
    *,
    seconds: Annotated[float, typer.Option("--seconds", min=0.01, max=600)] = 0.25,
    every: Annotated[int, typer.Option("--every", min=1, help="Only each n-th instance.")] = 1,
    seed: Annotated[int, typer.Option("--seed")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Choose bins and route on every instance; the ratios are to the published values."""
    tables = scored_bins(list(read_documents(file))[::every], seconds=seconds, seed=seed)
    if as_json:
        emit({"tables": tables})
    else:
        print_table(tables)


@app.command("batches")
def batches_command(
    *,
    seconds: Annotated[float, typer.Option("--seconds", min=0.01, max=600)] = 1.0,
    sets: Annotated[int, typer.Option("--sets", min=1, max=40, help="Sets of each size.")] = 4,
    seed: Annotated[int, typer.Option("--seed")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Batch generated orders of the Henn and Waescher shape; ratios are to the simple rules."""
    table = scored_batches(seconds=seconds, sets=sets, seed=seed)
    if as_json:
        emit({"table": table})
    else:
        print_table(table)
