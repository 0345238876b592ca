"""One route over any floor: proven where the layout allows it, else by a tour over its matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.domain.planning.blocks import Blocks, Place
from core.domain.planning.floor import Corner, Floor, of_blocks
from core.domain.planning.rules import serpentine
from core.domain.planning.sweep import MAX_CROSS_AISLES, shortest_walk
from core.domain.planning.tour import Solver, length, nearest, shortest_order


@dataclass(frozen=True, slots=True)
class Route:
    """A walk, what it passes, and the simple walk that it is measured against."""

    method: Literal["exact", "tour"]
    length: float
    order: tuple[int, ...]
    passed: tuple[Corner, ...]
    simple_length: float

    @property
    def saved(self) -> float:
        """Metres less than the simple walk; never below 0."""
        return self.simple_length - self.length


def plan_route(
    layout: Blocks,
    start: Place,
    end: Place,
    stops: Sequence[Place],
    *,
    seed: int = 0,
    solver: Solver | None = None,
) -> Route:
    """The shortest walk of a layout of aisles; measured against its serpentine bin order."""
    ground, nodes, corners = of_blocks(layout, [start, *stops, end])
    matrix = ground.matrix(nodes)
    ahead = [s + 1 for s in serpentine(layout, stops)]
    simple = min(ahead, ahead[::-1], key=lambda order: length(matrix, order))
    before = length(matrix, simple)
    if len(layout.ys) <= MAX_CROSS_AISLES and not layout.one_way:
        walk = shortest_walk(layout, start, end, stops)
        if walk.length > before + 1e-6:
            raise AssertionError("the proven walk is never longer than the serpentine one")
        return Route("exact", walk.length, walk.order, walk.corners, max(before, walk.length))
    order = shortest_order(matrix, simple, seed=seed, solver=solver)
    passed = ground.path([nodes[0], *(nodes[s] for s in order), nodes[-1]])
    return Route(
        "tour",
        length(matrix, order),
        tuple(s - 1 for s in order),
        tuple(corners[node] for node in passed),
        before,
    )


@dataclass(frozen=True, slots=True)
class FloorRoute:
    """A walk over a free floor: the nodes passed, measured against always-the-nearest."""

    length: float
    order: tuple[int, ...]
    passed: tuple[int, ...]
    simple_length: float


def plan_floor_route(
    ground: Floor,
    start: int,
    end: int,
    stops: Sequence[int],
    *,
    seed: int = 0,
    solver: Solver | None = None,
) -> FloorRoute:
    """The shortest walk over the nodes of any floor: ramps, levels, one-way aisles."""
    matrix = ground.matrix([start, *stops, end])
    simple = nearest(matrix)
    order = shortest_order(matrix, simple, seed=seed, solver=solver)
    passed = ground.path([start, *(stops[s - 1] for s in order), end])
    return FloorRoute(
        length(matrix, order), tuple(s - 1 for s in order), tuple(passed), length(matrix, simple)
    )
