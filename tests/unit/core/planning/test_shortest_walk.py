"""The frontier programme against every order of the stops over an independent shortest path."""

from __future__ import annotations

import heapq
from itertools import pairwise, permutations
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.errors import Refused
from core.domain.planning.blocks import Blocks, Place
from core.domain.planning.rules import better_serpentine, length_in_order
from core.domain.planning.sweep import shortest_walk

Corner = tuple[float, float]


def _links(layout: Blocks, places: list[Place]) -> dict[Corner, dict[Corner, float]]:
    """The floor as a graph, built without the code under test: corners, places, walls."""
    links: dict[Corner, dict[Corner, float]] = {}

    def join(a: Corner, b: Corner) -> None:
        length = abs(a[0] - b[0]) + abs(a[1] - b[1])
        links.setdefault(a, {})[b] = length
        links.setdefault(b, {})[a] = length

    for aisle, x in enumerate(layout.xs):
        heights = {*layout.ys, *(p.at for p in places if p.cross < 0 and p.aisle == aisle)}
        for low, high in pairwise(sorted(heights)):
            if not any(a == aisle and low < y < high for a, y in layout.closed_aisles):
                join((x, low), (x, high))
    for cross, y in enumerate(layout.ys):
        across = {*layout.xs, *(p.at for p in places if p.cross == cross)}
        for left, right in pairwise(sorted(across)):
            aisle = max(a for a, x in enumerate(layout.xs) if x <= left)
            if (cross, aisle) not in layout.closed_cross:
                join((left, y), (right, y))
    return links


def _from(links: dict[Corner, dict[Corner, float]], start: Corner) -> dict[Corner, float]:
    best, queue = {start: 0.0}, [(0.0, start)]
    while queue:
        so_far, here = heapq.heappop(queue)
        for to, length in links.get(here, {}).items():
            if so_far + length < best.get(to, inf):
                best[to] = so_far + length
                heapq.heappush(queue, (best[to], to))
    return best


def _brute(layout: Blocks, start: Place, end: Place, stops: list[Place]) -> float:
    links = _links(layout, [start, end, *stops])
    at = [layout.xy(p) for p in (start, *stops, end)]
    legs = [_from(links, corner) for corner in at]
    inner = range(1, len(at) - 1)
    return min(
        sum(legs[a].get(at[b], inf) for a, b in pairwise([0, *order, len(at) - 1]))
        for order in permutations(inner)
    )


@st.composite
def _problems(draw: st.DrawFn) -> tuple[Blocks, Place, Place, list[Place]]:
    aisles, crosses = draw(st.integers(1, 4)), draw(st.integers(2, 4))
    steps = st.integers(1, 5)
    xs, ys = [0.0], [0.0]
    for _ in range(aisles - 1):
        xs.append(xs[-1] + draw(steps))
    for _ in range(crosses - 1):
        ys.append(ys[-1] + 2 * draw(steps))
    on_aisle = st.builds(Place, st.integers(0, aisles - 1), st.integers(0, int(ys[-1])).map(float))
    on_cross = st.builds(
        Place, st.just(-1), st.integers(0, int(xs[-1])).map(float), st.integers(0, crosses - 1)
    )
    anywhere = st.one_of(on_aisle, on_cross)
    start = draw(anywhere)
    end = draw(st.one_of(st.just(start), anywhere))
    stops = draw(st.lists(anywhere, max_size=4))
    walls = st.tuples(
        st.integers(0, aisles - 1), st.integers(0, int(ys[-1]) - 1).map(lambda y: y + 0.5)
    )
    shut = st.tuples(st.integers(0, crosses - 1), st.integers(0, max(0, aisles - 2)))
    some = draw(st.booleans())
    layout = Blocks(
        tuple(xs),
        tuple(ys),
        draw(st.frozensets(walls, max_size=2)) if some else frozenset(),
        draw(st.frozensets(shut, max_size=2)) if some and aisles > 1 else frozenset(),
    )
    return layout, start, end, stops


@settings(max_examples=200, deadline=None)
@given(_problems())
def test_no_order_of_the_stops_is_shorter(
    problem: tuple[Blocks, Place, Place, list[Place]],
) -> None:
    layout, start, end, stops = problem
    least = _brute(layout, start, end, stops)
    if least == inf:
        with pytest.raises(Refused) as refusal:
            shortest_walk(layout, start, end, stops)
        assert refusal.value.code == "plan_unreachable"
        return
    walk = shortest_walk(layout, start, end, stops)
    assert walk.length == pytest.approx(least)
    assert sorted(walk.order) == list(range(len(stops)))
    corners = walk.corners
    assert (corners[0], corners[-1]) == (layout.xy(start), layout.xy(end))
    walked = sum(abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in pairwise(corners))
    assert walked == pytest.approx(walk.length)
    assert {layout.xy(stop) for stop in stops} <= set(corners)
    if layout.is_open:
        order = better_serpentine(layout, start, end, stops)
        simple = length_in_order(layout, start, end, stops, order)
        assert walk.length <= simple + 1e-9


@pytest.mark.parametrize(
    "place", [Place(2, 1.0), Place(0, 11.0), Place(-1, 9.0, 0), Place(-1, 1.0, 2), Place(-1, 1.0)]
)
def test_a_stop_off_the_floor_is_refused(place: Place) -> None:
    layout = Blocks((0.0, 4.0), (0.0, 10.0))
    with pytest.raises(Refused) as refusal:
        shortest_walk(layout, Place(0, 0.0), Place(0, 0.0), [place])
    assert refusal.value.code == "plan_place"


def test_five_cross_aisles_are_refused() -> None:
    layout = Blocks((0.0,), (0.0, 1.0, 2.0, 3.0, 4.0))
    with pytest.raises(Refused, match="plan_layout"):
        shortest_walk(layout, Place(0, 0.0), Place(0, 0.0), [])
