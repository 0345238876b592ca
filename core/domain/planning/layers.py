"""A route problem as a sequence of layers, swept from the left aisle to the right one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from core.domain.planning.blocks import Blocks, Place, Stretch
from core.domain.planning.frontier import Edges, Kind
from core.domain.planning.stretches import ways


@dataclass(frozen=True, slots=True)
class Touch:
    """The walk must stand on this node of the current aisle; `odd` where it begins or ends."""

    node: int
    odd: int


@dataclass(frozen=True, slots=True)
class Aisle:
    """One stretch of the current aisle and the ways to walk it."""

    x: float
    top: int
    stretch: Stretch
    offers: dict[Kind, tuple[float, Edges]]


@dataclass(frozen=True, slots=True)
class Sideways:
    """From the aisle at x to the next one; `lengths` by cross-aisle, or one length for all."""

    x: float
    to: float
    length: float
    lengths: tuple[float, ...] = ()


Layer = Touch | Aisle | Sideways


@dataclass(slots=True)
class _Column:
    """What lies at one x: heights of stops and how often the walk begins or ends at each."""

    aisle: int | None
    stops: dict[float, int]
    touched: dict[int, int]


def build(layout: Blocks, start: Place, end: Place, stops: Sequence[Place]) -> list[Layer]:
    """Layers for the shortest walk from `start` over all `stops` to `end`.

    Without obstacles and with every place on an aisle, aisles without a place are left out: each
    leg of a shortest walk goes up or down in the aisle it leaves or the one it reaches. Walking a
    stretch there and back only to pass it is never needed on a closed walk over two aisles or more
    whose places are on aisles, stops inside them (Dunn et al., arXiv 2501.14123); else it is tried.
    """
    marks: list[tuple[Place, int]] = [(place, 0) for place in stops]
    marks += [(start, 0)] if start == end else [(start, 1), (end, 1)]
    spare = layout.is_open and all(place.cross < 0 for place, _ in marks)
    columns: dict[float, _Column] = {}
    if not spare:
        columns = {x: _Column(a, {}, {}) for a, x in enumerate(layout.xs)}
    nodes = {y: node for node, y in enumerate(layout.ys)}
    for place, odd in marks:
        x, y = layout.xy(place)
        column = columns.setdefault(x, _Column(place.aisle if place.cross < 0 else None, {}, {}))
        if y in nodes:
            column.touched[nodes[y]] = column.touched.get(nodes[y], 0) ^ odd
        else:
            column.stops[y] = column.stops.get(y, 0) ^ odd
    on_node = any(layout.xy(place)[1] in nodes for place in stops)
    plain = spare and start == end and not on_node and len(columns) > 1
    return _layers(layout, columns, twice=not plain)


def _layers(layout: Blocks, columns: dict[float, _Column], *, twice: bool) -> list[Layer]:
    layers: list[Layer] = []
    ordered = sorted(columns)
    for x, to in zip(ordered, [*ordered[1:], ordered[-1]], strict=True):
        column = columns[x]
        layers += [Touch(node, odd) for node, odd in sorted(column.touched.items())]
        if column.aisle is not None:
            layers += stretches(layout, column.aisle, column.stops, twice=twice)
        layers.append(_sideways(layout, x, to))
    return layers


def stretches(layout: Blocks, aisle: int, stops: dict[float, int], *, twice: bool) -> list[Layer]:
    """The stretches of one aisle with these heights (1 where the walk begins or ends)."""
    walls = sorted(y for a, y in layout.closed_aisles if a == aisle)
    found: list[Layer] = []
    for top in range(len(layout.ys) - 1):
        low, high = layout.ys[top], layout.ys[top + 1]
        inside = sorted(y for y in stops if low < y < high)
        stretch = Stretch(
            low,
            high,
            tuple(inside),
            tuple(bool(stops[y]) for y in inside),
            tuple(y for y in walls if low < y < high),
        )
        found.append(Aisle(layout.xs[aisle], top, stretch, ways(stretch, twice=twice)))
    return found


def _sideways(layout: Blocks, x: float, to: float) -> Sideways:
    if not layout.closed_cross:
        return Sideways(x, to, to - x)
    left = max(a for a, at in enumerate(layout.xs) if at <= x)
    lengths = tuple(
        inf if (cross, left) in layout.closed_cross else to - x for cross in range(len(layout.ys))
    )
    return Sideways(x, to, to - x, lengths)
