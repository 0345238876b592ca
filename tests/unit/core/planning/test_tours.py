"""Tours over a matrix of shortest paths, against the proven walk and every order of the stops."""

from __future__ import annotations

from itertools import pairwise, permutations
from random import Random

import pytest

from core.domain.errors import Refused
from core.domain.planning.blocks import Blocks, Place
from core.domain.planning.floor import floor, of_blocks
from core.domain.planning.route import plan_floor_route, plan_route
from core.domain.planning.sweep import shortest_walk
from core.domain.planning.tour import Solver, length, nearest, shortest_order
from core.integrations.tours import fast_tours

SOLVERS = [pytest.param(fast_tours(budget_s=0.01), id="fast_tsp"), pytest.param(None, id="own")]


def _layout(random: Random, *, crosses: int) -> Blocks:
    aisles = random.randint(2, 12)
    xs = [0.0]
    ys = [0.0]
    for _ in range(aisles - 1):
        xs.append(xs[-1] + random.choice((2.5, 3.0, 4.0)))
    for _ in range(crosses - 1):
        ys.append(ys[-1] + random.choice((10.0, 17.5, 30.0)))
    closed = {(random.randrange(aisles), ys[0] + 1.25)} if random.random() < 0.3 else set()
    return Blocks(tuple(xs), tuple(ys), frozenset(closed))


def _place(random: Random, layout: Blocks) -> Place:
    if random.random() < 0.2:
        return Place(
            -1, round(random.uniform(0, layout.xs[-1]), 1), random.randrange(len(layout.ys))
        )
    return Place(random.randrange(len(layout.xs)), float(random.randint(0, int(layout.ys[-1]))))


def test_a_tour_is_within_a_thousandth_of_the_proven_walk_on_a_hundred_layouts() -> None:
    random, solver, ratios = Random(8), fast_tours(budget_s=0.02), []
    for number in range(100):
        layout = _layout(random, crosses=2 + number % 2)
        start, end = _place(random, layout), _place(random, layout)
        stops = [_place(random, layout) for _ in range(random.choice((5, 12, 25, 40)))]
        ground, nodes, _ = of_blocks(layout, [start, *stops, end])
        matrix = ground.matrix(nodes)
        order = shortest_order(matrix, nearest(matrix), seed=1, solver=solver)
        assert sorted(order) == list(range(1, len(stops) + 1))
        ratios.append(length(matrix, order) / shortest_walk(layout, start, end, stops).length)
    assert min(ratios) > 1 - 1e-9
    assert max(ratios) <= 1.001


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_one_way_aisle_is_never_walked_against_its_direction(solver: Solver | None) -> None:
    layout = Blocks((0.0, 3.0, 6.0), (0.0, 10.0), one_way=frozenset({(0, 1), (1, -1)}))
    stops = [Place(0, 2.0), Place(0, 8.0), Place(1, 5.0), Place(2, 4.0), Place(1, 9.0)]
    depot = Place(0, 0.0)

    route = plan_route(layout, depot, depot, stops, solver=solver)

    assert route.method == "tour"
    for (ax, ay), (bx, by) in pairwise(route.passed):
        assert not (ax == bx == 0.0 and by < ay)
        assert not (ax == bx == 3.0 and by > ay)
    walked = sum(abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in pairwise(route.passed))
    assert walked == pytest.approx(route.length)
    ground, nodes, _ = of_blocks(layout, [depot, *stops, depot])
    matrix = ground.matrix(nodes)
    assert route.length == min(length(matrix, order) for order in permutations(range(1, 6)))
    assert route.saved >= 0


@pytest.mark.parametrize("solver", SOLVERS)
def test_seven_cross_aisles_are_routed_and_never_worse_than_serpentine(
    solver: Solver | None,
) -> None:
    random = Random(3)
    for _ in range(5):
        layout = _layout(random, crosses=7)
        stops = [_place(random, layout) for _ in range(14)]
        route = plan_route(
            layout, _place(random, layout), _place(random, layout), stops, solver=solver
        )
        assert route.method == "tour"
        assert sorted(route.order) == list(range(14))
        assert route.saved >= 0
        assert {layout.xy(stop) for stop in stops} <= set(route.passed)


def test_a_level_is_reached_by_its_ramp_and_a_cut_off_one_is_refused() -> None:
    both = [(0, 1, 5.0), (1, 0, 5.0), (1, 2, 20.0), (2, 1, 20.0), (2, 3, 4.0), (3, 2, 4.0)]

    route = plan_floor_route(floor(4, both), 0, 0, [3, 1])

    assert (route.length, route.passed) == (58.0, (0, 1, 2, 3, 2, 1, 0))
    with pytest.raises(Refused, match="plan_unreachable"):
        plan_floor_route(floor(4, both[:-2]), 0, 0, [3, 1])
    with pytest.raises(Refused, match="plan_layout"):
        floor(2, [(0, 2, 1.0)])


def test_a_solver_that_answers_nonsense_changes_nothing() -> None:
    layout = Blocks((0.0, 3.0), (0.0, 10.0))
    stops = [Place(0, 3.0), Place(1, 4.0), Place(1, 9.0), Place(0, 7.0)]
    ground, nodes, _ = of_blocks(layout, [Place(0, 0.0), *stops, Place(0, 0.0)])
    matrix = ground.matrix(nodes)

    order = shortest_order(matrix, [1, 2, 3, 4], seed=1, solver=lambda _: [1, 1, 2, 3])

    assert length(matrix, order) == 26.0
