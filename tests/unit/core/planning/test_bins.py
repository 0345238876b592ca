"""Bin choice against every feasible choice, the sweep arrays against the exact programme."""

from __future__ import annotations

from itertools import combinations, product
from math import inf
from random import Random

import pytest

from core.domain.errors import Refused
from core.domain.planning.bins import Stock, choose_bins, split_windows
from core.domain.planning.blocks import Blocks, Place
from core.domain.planning.marginal import Walker
from core.domain.planning.sweep import shortest_walk


def _layout(random: Random) -> Blocks:
    xs, ys = [0.0], [0.0]
    for _ in range(random.randint(0, 5)):
        xs.append(xs[-1] + random.randint(1, 4))
    for _ in range(random.randint(1, 3)):
        ys.append(ys[-1] + random.randint(3, 12))
    last = len(xs) - 1
    walls = {(random.randint(0, last), 0.5)} if random.random() < 0.3 else set()
    shut = (
        {(random.randint(0, 1), random.randrange(last))} if last and random.random() < 0.3 else ()
    )
    return Blocks(tuple(xs), tuple(ys), frozenset(walls), frozenset(shut))


def _in_aisle(random: Random, layout: Blocks) -> Place:
    return Place(random.randrange(len(layout.xs)), float(random.randint(0, int(layout.ys[-1]))))


def _anywhere(random: Random, layout: Blocks) -> Place:
    if random.random() < 0.6:
        return _in_aisle(random, layout)
    cross = random.randrange(len(layout.ys))
    return Place(-1, random.uniform(0.0, layout.xs[-1]), cross)


def _exact(layout: Blocks, start: Place, end: Place, stops: list[Place]) -> float:
    try:
        return shortest_walk(layout, start, end, stops).length
    except Refused:
        return inf


def test_one_more_stop_costs_what_the_exact_programme_says() -> None:
    random = Random(5)
    for _ in range(25):
        layout = _layout(random)
        start = _anywhere(random, layout)
        end = start if random.random() < 0.5 else _anywhere(random, layout)
        stops = [_in_aisle(random, layout) for _ in range(8)]
        walker, held = Walker(layout, start, end, stops), list[int]()
        for _ in range(4):
            lengths = walker.with_stop(range(8))
            wanted = [_exact(layout, start, end, [stops[s] for s in (*held, n)]) for n in range(8)]
            assert lengths == pytest.approx(wanted)
            if held and random.random() < 0.4:
                walker.drop(held.pop(random.randrange(len(held))))
            held.append(random.randrange(8))
            walker.add(held[-1])


def _least(layout: Blocks, depot: Place, stock: list[Stock], demand: dict[int, int]) -> float:
    covers = []
    for item, units in demand.items():
        bins = [n for n, held in enumerate(stock) if held.item == item]
        sets = [c for size in range(1, 4) for c in combinations(bins, size)]
        covers.append([c for c in sets if sum(stock[n].units for n in c) >= units])
    return min(
        _exact(layout, depot, depot, [stock[n].place for chosen in choice for n in chosen])
        for choice in product(*covers)
    )


def test_small_choices_are_the_best_of_all() -> None:
    random = Random(11)
    for _ in range(6):
        layout = Blocks((0.0, 3.0, 6.0, 9.0), (0.0, 12.0, 25.0))
        stock = [
            Stock(item, _in_aisle(random, layout), random.choice((1, 2, 3)))
            for item in (0, 1, 2)
            for _ in range(3)
        ]
        demand = {item: random.choice((1, 2, 3)) for item in (0, 1, 2)}
        depot = Place(1, 25.0)
        choice = choose_bins(
            layout,
            depot,
            depot,
            stock,
            demand,
            seed=1,
            clock=lambda: 0.0,
            budget_s=1,
            max_rounds=60,
        )
        assert choice.length == pytest.approx(_least(layout, depot, stock, demand))
        assert choice.length <= choice.nearest_length
        for item, units in demand.items():
            taken = {n: t for n, t in choice.takes.items() if stock[n].item == item}
            assert sum(taken.values()) == units
            assert all(0 < t <= stock[n].units for n, t in taken.items())


def test_an_older_window_is_emptied_before_a_newer_one_is_touched() -> None:
    near, far = Place(0, 1.0), Place(5, 30.0)
    stock = [Stock(0, near, 9, window=2), Stock(0, far, 2, window=1), Stock(0, near, 3, window=2)]

    assert split_windows(stock, {0: 4}) == ({1: 2}, {0: (2, [0, 2])})
    assert split_windows(stock, {0: 1}) == ({}, {0: (1, [1])})
    with pytest.raises(Refused, match="plan_short"):
        split_windows(stock, {0: 15})


def test_the_budget_ends_the_search_and_a_seed_repeats_it() -> None:
    random, ticks = Random(2), iter(range(10_000))
    layout = Blocks(tuple(3.0 * a for a in range(10)), (0.0, 40.0))
    stock = [Stock(n % 9, _in_aisle(random, layout), 1) for n in range(45)]
    demand, depot = dict.fromkeys(range(9), 1), Place(4, 0.0)
    limited = choose_bins(
        layout, depot, depot, stock, demand, seed=1, clock=lambda: float(next(ticks)), budget_s=5
    )
    assert 1 <= limited.rounds <= 5
    found = [
        choose_bins(
            layout, depot, depot, stock, demand, seed=3, clock=lambda: 0.0, budget_s=1, max_rounds=9
        )
        for _ in range(2)
    ]
    assert found[0] == found[1]
