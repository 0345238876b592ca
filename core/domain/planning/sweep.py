"""The exact shortest walk: a dynamic programme over the states of the frontier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from core.domain.errors import Refused
from core.domain.planning.blocks import Blocks, Place
from core.domain.planning.frontier import Edges
from core.domain.planning.layers import Aisle, Layer, Sideways, Touch, build
from core.domain.planning.tables import (
    FINISHED,
    REFUSED,
    beginning,
    cross_table,
    stretch_table,
    touch_table,
)
from core.domain.planning.trail import Multigraph, trail

MAX_CROSS_AISLES = 4
# Least cost by the number of a state, and the state and the edges that each came from.
Front = dict[int, float]
_Back = dict[int, tuple[int, Edges]]


@dataclass(frozen=True, slots=True)
class Walk:
    """A shortest walk: its length, the order of the given stops, and the corners it passes."""

    length: float
    order: tuple[int, ...]
    corners: tuple[tuple[float, float], ...]


def shortest_walk(layout: Blocks, start: Place, end: Place, stops: Sequence[Place]) -> Walk:
    """The proven shortest walk from `start` over all `stops` to `end`, up to 4 cross-aisles.

    Refuses with `plan_place` what is off the floor, with `plan_unreachable` what obstacles cut
    off, and with `plan_layout` more cross-aisles than the programme sweeps.
    """
    if len(layout.ys) > MAX_CROSS_AISLES:
        raise Refused("plan_layout", "the exact programme sweeps up to 4 cross-aisles")
    if layout.one_way:
        raise Refused("plan_layout", "the exact programme knows no one-way aisles")
    for place in (start, end, *stops):
        layout.check(place)
    start, end = layout.snapped(start), layout.snapped(end)
    stops = [layout.snapped(place) for place in stops]
    layers = build(layout, start, end, stops)
    front: Front = {beginning(len(layout.ys)): 0.0}
    backs: list[_Back] = []
    for layer in layers:
        front, back = step(front, layer)
        backs.append(back)
    length = front.get(FINISHED, inf)
    if length == inf:
        raise Refused("plan_unreachable", "obstacles cut a stop or an end off")
    corners = trail(_graph(layout, layers, backs), layout.xy(start))
    first: dict[tuple[float, float], int] = {}
    for position, corner in enumerate(corners):
        first.setdefault(corner, position)
    order = sorted(range(len(stops)), key=lambda s: first[layout.xy(stops[s])])
    return Walk(length, tuple(order), tuple(corners))


def step(front: Front, layer: Layer) -> tuple[Front, _Back]:
    """States after one layer with their least cost, and where each came from."""
    if isinstance(layer, Aisle):
        return _along(front, layer)
    if isinstance(layer, Sideways):
        return _sideways(front, layer)
    table = touch_table(layer.node, layer.odd)
    after: Front = {}
    back: _Back = {}
    for state, cost in front.items():
        reached = table[state]
        if reached != REFUSED and cost < after.get(reached, inf):
            after[reached] = cost
            back[reached] = (state, ())
    return after, back


def _along(front: Front, layer: Aisle) -> tuple[Front, _Back]:
    after: Front = {}
    back: _Back = {}
    for kind, (added, edges) in layer.offers.items():
        table = stretch_table(layer.top, kind)
        for state, cost in front.items():
            reached = table[state]
            if reached != REFUSED and cost + added < after.get(reached, inf):
                after[reached] = cost + added
                back[reached] = (state, edges)
    return after, back


def _sideways(front: Front, layer: Sideways) -> tuple[Front, _Back]:
    table = cross_table()
    length, lengths = layer.length, layer.lengths
    after: Front = {}
    back: _Back = {}
    for state, cost in front.items():
        for reached, edges, total in table[state]:
            added = _cost(lengths, edges) if lengths else length * total
            if cost + added < after.get(reached, inf):
                after[reached] = cost + added
                back[reached] = (state, edges)
    return after, back


def _cost(lengths: tuple[float, ...], edges: Edges) -> float:
    return sum(n * length for n, length in zip(edges, lengths, strict=False) if n)


def _graph(layout: Blocks, layers: list[Layer], backs: list[_Back]) -> Multigraph:
    """The edges of the cheapest walk, read backwards from the finished state."""
    graph = Multigraph()
    state = FINISHED
    for layer, back in zip(reversed(layers), reversed(backs), strict=True):
        state, edges = back[state]
        if isinstance(layer, Touch):
            continue
        if isinstance(layer, Sideways):
            for y, times in zip(layout.ys, edges, strict=False):
                graph.add((layer.x, y), (layer.to, y), times)
            continue
        stretch = layer.stretch
        heights = (stretch.top, *stretch.stops, stretch.bottom)
        for above, below, times in zip(heights, heights[1:], edges, strict=False):
            graph.add((layer.x, above), (layer.x, below), times)
    return graph
