"""Batching: the quick walk against the exact programme, and batches against every partition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

import pytest

from core.domain.errors import Refused
from core.domain.planning.batching import first_come, plan_batches, savings
from core.domain.planning.blocks import Blocks, Place
from core.domain.planning.henn import order_set
from core.domain.planning.one_block import OneBlock
from core.domain.planning.sweep import shortest_walk


def test_the_quick_walk_is_the_proven_one_and_s_shape_is_never_shorter() -> None:
    random = Random(4)
    for _ in range(150):
        xs = [0.0]
        for _ in range(random.randint(0, 7)):
            xs.append(xs[-1] + random.randint(1, 6))
        layout = Blocks(tuple(xs), (0.0, float(random.randint(4, 30))))
        depot = Place(random.randrange(len(xs)), random.choice(layout.ys))
        height = int(layout.ys[1])
        stops = [
            Place(random.randrange(len(xs)), float(random.randint(0, height)))
            for _ in range(random.randint(1, 9))
        ]
        block = OneBlock(layout, depot, stops)
        lists = [block.picks(stops[:2]), block.picks(stops[2:])]
        least = shortest_walk(layout, depot, depot, stops).length
        assert block.length(lists) == pytest.approx(least)
        assert block.s_shape(lists) >= least - 1e-9


def _partitions(orders: list[int]) -> Iterator[list[list[int]]]:
    if not orders:
        yield []
        return
    for rest in _partitions(orders[1:]):
        yield [[orders[0]], *rest]
        for at, batch in enumerate(rest):
            yield [*rest[:at], [orders[0], *batch], *rest[at + 1 :]]


def test_small_sets_are_batched_as_well_as_any_partition() -> None:
    random, layout = Random(9), Blocks((0.0, 5.0, 10.0, 15.0), (0.0, 20.0))
    for _ in range(4):
        orders = [
            [Place(random.randrange(4), float(random.randint(1, 19))) for _ in range(2)]
            for _ in range(6)
        ]
        block = OneBlock(layout, Place(0, 20.0), [p for order in orders for p in order])
        picks = [block.picks(order) for order in orders]

        def cost(batch: Sequence[int]) -> float:
            return block.length([picks[order] for order in batch])  # noqa: B023

        found = plan_batches(
            [2] * 6, 4, cost, seed=1, clock=lambda: 0.0, budget_s=1, max_steps=3_000
        )
        least = min(
            sum(map(cost, partition))
            for partition in _partitions(list(range(6)))
            if all(len(batch) <= 2 for batch in partition)
        )
        assert found.length == pytest.approx(least)


def test_batches_hold_every_order_once_within_capacity_and_beat_both_simple_rules() -> None:
    for number in range(2):
        given = order_set(orders=20, number=number, seed=2)
        block = OneBlock(given.layout, given.depot, [p for o in given.orders for p in o])
        picks, sizes = [block.picks(o) for o in given.orders], [len(o) for o in given.orders]

        def cost(batch: Sequence[int]) -> float:
            return block.length([picks[order] for order in batch])  # noqa: B023

        runs = [
            plan_batches(
                sizes,
                given.capacity,
                cost,
                seed=5,
                clock=lambda: 0.0,
                budget_s=1,
                max_steps=1_500,
            )
            for _ in range(2)
        ]
        assert runs[0] == runs[1]
        assert sorted(order for batch in runs[0].batches for order in batch) == list(range(20))
        for batch in runs[0].batches:
            assert sum(sizes[order] for order in batch) <= given.capacity
        assert runs[0].length == pytest.approx(sum(map(cost, runs[0].batches)))
        assert runs[0].savings_length == sum(map(cost, savings(sizes, given.capacity, cost)))
        s_shape = [[picks[o] for o in batch] for batch in first_come(sizes, given.capacity)]
        assert runs[0].length <= runs[0].savings_length
        assert runs[0].length < 0.8 * sum(map(block.s_shape, s_shape))


def test_an_order_larger_than_the_cart_is_refused() -> None:
    with pytest.raises(Refused, match="plan_capacity"):
        first_come([3, 9], 8)
