"""`dockledger bench`: ratio to published optima on files of public instances."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, process_time
from typing import Annotated

import typer

from core.domain.errors import Refused
from core.domain.planning.instances import Instance, read_instance
from core.domain.planning.rules import better_serpentine, length_in_order
from core.domain.planning.sweep import shortest_walk
from runtime.cli.exits import Code, CommandError, echo, emit, usage

app = typer.Typer(help="Score the planners on public instances.", no_args_is_help=True)
MAX_LINE = 4 << 20


@app.callback()
def _bench() -> None:
    """Score the planners on public instances."""


@app.command("routes")
def routes_command(
    file: Annotated[Path, typer.Argument(help="SPRP instances: JSON lines, also gzip.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Route every single-location instance; exits 1 where a length is not the optimum."""
    documents = list(_documents(file))
    tables = [_scored(documents, blocks) for blocks in (1, 2)]
    if as_json:
        emit({"tables": tables})
    else:
        echo(
            "blocks  instances  optimal  mean ratio  worst ratio  serpentine"
            "  p50 ms  p99 ms  p99 CPU ms"
        )
        for row in tables:
            echo(
                f"{row['blocks']:>6}  {row['instances']:>9}  {row['optimal']:>7}"
                f"  {row['mean_ratio']:>10.4f}  {row['worst_ratio']:>11.4f}"
                f"  {row['serpentine_ratio']:>10.4f}  {row['p50_ms']:>6.2f}  {row['p99_ms']:>6.2f}"
                f"  {row['p99_cpu_ms']:>10.2f}"
            )
    if any(row["optimal"] != row["instances"] for row in tables):
        raise CommandError(Code.ANSWER_IS_NO, "not_optimal", "some walks are not the optimum")


def _documents(file: Path) -> Iterator[dict[str, object]]:
    try:
        opener = gzip.open if file.suffix == ".gz" else open
        with opener(file, "rb") as source:
            while line := source.readline(MAX_LINE + 1):
                document = json.loads(line) if len(line) <= MAX_LINE else None
                if not isinstance(document, dict):
                    raise Refused("bench_format", "every line is a JSON object of at most 4 MiB")
                yield document
    except (OSError, EOFError, zlib.error) as failure:
        raise usage("the file cannot be read") from failure
    except (ValueError, RecursionError) as failure:
        raise Refused("bench_format", "every line is a JSON object of at most 4 MiB") from failure


def _scored(documents: list[dict[str, object]], blocks: int) -> dict[str, float]:
    ratios: list[float] = []
    simple: list[float] = []
    times: list[float] = []
    busy: list[float] = []
    for document in documents:
        instance = read_instance(document, blocks=blocks)
        if instance.optimum is None:
            continue
        length, serpentine, seconds, worked = _routed(instance)
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


def _routed(instance: Instance) -> tuple[float, float, float, float]:
    """Length of the walk, of the serpentine one, wall and CPU seconds of the first."""
    layout, depot = instance.layout, instance.depot
    stops = [held.place for held in instance.bins if instance.demand.get(held.item)]
    if len({held.item for held in instance.bins}) != len(instance.bins):
        raise Refused("bench_format", "an item lies in several bins: this bench routes given bins")
    began, worked = perf_counter(), process_time()
    walk = shortest_walk(layout, depot, depot, stops)
    took, worked = perf_counter() - began, process_time() - worked
    order = better_serpentine(layout, depot, depot, stops)
    return walk.length, length_in_order(layout, depot, depot, stops, order), took, worked
