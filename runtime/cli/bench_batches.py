"""The score of batching on generated sets, by the number of orders."""

from __future__ import annotations

from time import perf_counter

from core.domain.planning.batching import first_come, plan_batches
from core.domain.planning.henn import order_set
from core.domain.planning.one_block import OneBlock

SIZES = (20, 40, 60, 80, 100)


def scored_batches(*, seconds: float, sets: int, seed: int) -> list[dict[str, object]]:
    """Mean ratio of metres to both simple rules, and the worst to savings, a row a size."""
    table: list[dict[str, object]] = []
    every: list[tuple[float, float, float]] = []
    for orders in SIZES:
        found = [_scored(orders, number, seconds, seed) for number in range(sets)]
        every += found
        table.append(_row(str(orders), found))
    return [*table, _row("all", every)]


def _row(orders: str, found: list[tuple[float, float, float]]) -> dict[str, object]:
    return {
        "orders": orders,
        "sets": len(found),
        "to_first_come_s_shape": sum(first for first, _, _ in found) / len(found),
        "to_savings": sum(ratio for _, ratio, _ in found) / len(found),
        "worst_to_savings": max(ratio for _, ratio, _ in found),
        "worst_seconds": max(took for _, _, took in found),
    }


def _scored(orders: int, number: int, seconds: float, seed: int) -> tuple[float, float, float]:
    given = order_set(orders=orders, number=number, seed=seed)
    block = OneBlock(given.layout, given.depot, [p for order in given.orders for p in order])
    picks = [block.picks(order) for order in given.orders]
    sizes = [len(order) for order in given.orders]
    began = perf_counter()
    answer = plan_batches(
        sizes,
        given.capacity,
        lambda batch: block.length([picks[order] for order in batch]),
        seed=seed,
        clock=perf_counter,
        budget_s=seconds,
    )
    took = perf_counter() - began
    simple = sum(
        block.s_shape([picks[order] for order in batch])
        for batch in first_come(sizes, given.capacity)
    )
    return answer.length / simple, answer.length / answer.savings_length, took
