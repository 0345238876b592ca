"""The score of bin choice on SPRP instances whose items lie in several bins."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from core.domain.errors import Refused
from core.domain.planning.bins import Stock, choose_bins
from core.domain.planning.instances import read_instance


def scored_bins(
    documents: Sequence[dict[str, object]], *, seconds: float, seed: int
) -> list[dict[str, object]]:
    """Mean and worst ratio to the published value, by blocks and kind of demand."""
    ratios: dict[tuple[int, str], list[tuple[float, float, float]]] = {}
    for document in documents:
        for blocks in (1, 2):
            instance = read_instance(document, blocks=blocks)
            if instance.optimum is None:
                continue
            stock = [Stock(held.item, held.place, held.units) for held in instance.bins]
            began = perf_counter()
            choice = choose_bins(
                instance.layout,
                instance.depot,
                instance.depot,
                stock,
                instance.demand,
                seed=seed,
                clock=perf_counter,
                budget_s=seconds,
            )
            took = perf_counter() - began
            kind = "one unit" if max(instance.demand.values()) == 1 else "varying"
            optimum = instance.optimum
            ratios.setdefault((blocks, kind), []).append(
                (choice.length / optimum, choice.nearest_length / optimum, took)
            )
    if not ratios:
        raise Refused("bench_format", "no instance has an optimum")
    return [_row(blocks, kind, found) for (blocks, kind), found in sorted(ratios.items())]


def _row(blocks: int, kind: str, found: Sequence[tuple[float, float, float]]) -> dict[str, object]:
    ours = [ratio for ratio, _, _ in found]
    return {
        "blocks": blocks,
        "demand": kind,
        "instances": len(found),
        "reached": sum(ratio < 1 + 1e-9 for ratio in ours),
        "mean_ratio": sum(ours) / len(ours),
        "worst_ratio": max(ours),
        "nearest_bins": sum(simple for _, simple, _ in found) / len(found),
        "worst_seconds": max(took for _, _, took in found),
    }
