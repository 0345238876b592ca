"""Rectangular layouts: straight aisles between parallel cross-aisles, with places on them.

Lengths are metres (any one unit will do). Aisles stand at `xs`, cross-aisles at `ys` from the top
down. A place is a point of an aisle (`aisle`, `y`) or of a cross-aisle (`cross`, `x`).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite

from core.domain.errors import Refused


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A point of the floor: on an aisle at height y, or on a cross-aisle (`aisle` -1) at x."""

    aisle: int
    at: float
    cross: int = -1


@dataclass(frozen=True, slots=True)
class Blocks:
    """Aisles and cross-aisles, with what stands in the way.

    `closed_aisles` holds (aisle, y): nobody passes height y there. `closed_cross` holds
    (cross, aisle): nobody passes from this aisle to the next one along that cross-aisle.
    `one_way` holds (aisle, 1 down the heights or -1 up them); only the matrix walks those.
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    closed_aisles: frozenset[tuple[int, float]] = frozenset()
    closed_cross: frozenset[tuple[int, int]] = frozenset()
    one_way: frozenset[tuple[int, int]] = frozenset()

    def __post_init__(self) -> None:
        """Refuse with `plan_layout` what is no rectangular layout."""
        if not self.xs or len(self.ys) < 2:
            raise Refused("plan_layout", "a layout has an aisle and two cross-aisles")
        for name, values in (("aisles", self.xs), ("cross-aisles", self.ys)):
            if not all(map(isfinite, values)) or any(a >= b for a, b in pairwise(values)):
                raise Refused("plan_layout", f"positions of {name} rise")
        for aisle, y in self.closed_aisles:
            if not (0 <= aisle < len(self.xs) and self.ys[0] < y < self.ys[-1]) or y in self.ys:
                raise Refused("plan_layout", "an obstacle stands inside an aisle")
        for cross, aisle in self.closed_cross:
            if not (0 <= cross < len(self.ys) and 0 <= aisle < len(self.xs) - 1):
                raise Refused("plan_layout", "a closed link lies between two aisles")
        directed = {aisle for aisle, way in self.one_way if 0 <= aisle < len(self.xs)}
        if len(directed) != len(self.one_way) or any(way not in (1, -1) for _, way in self.one_way):
            raise Refused("plan_layout", "a one-way aisle is an aisle, once, with one direction")

    @property
    def is_open(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.closed_aisles and not self.closed_cross and not self.one_way

    def check(self, place: Place) -> None:
        """Refuse with `plan_place` a point that is off the floor."""
        if place.cross >= 0:
            on = place.cross < len(self.ys) and self.xs[0] <= place.at <= self.xs[-1]
        else:
            on = 0 <= place.aisle < len(self.xs) and self.ys[0] <= place.at <= self.ys[-1]
        if not on or (place.cross < 0 and (place.aisle, place.at) in self.closed_aisles):
            raise Refused("plan_place", "a stop or an end is not on the layout's floor")

    def xy(self, place: Place) -> tuple[float, float]:
        """The coordinates of a place."""
        if place.cross >= 0:
            return place.at, self.ys[place.cross]
        return self.xs[place.aisle], place.at

    def distance(self, a: Place, b: Place) -> float:
        """Shortest walk between two places of a layout without obstacles."""
        (ax, ay), (bx, by) = self.xy(a), self.xy(b)
        if ax == bx and a.cross < 0 and b.cross < 0:
            return abs(ay - by)
        if ay == by and (a.cross >= 0 or ay in self.ys) and (b.cross >= 0 or by in self.ys):
            return abs(ax - bx)
        if a.cross >= 0 and b.cross >= 0:
            return self._between_crosses(ax, ay, bx, by)
        return abs(ax - bx) + min(abs(ay - y) + abs(y - by) for y in self._through(a, b))

    def _through(self, a: Place, b: Place) -> tuple[float, ...]:
        """Cross-aisles on which the sideways part may be walked."""
        if a.cross >= 0:
            return (self.ys[a.cross],)
        return (self.ys[b.cross],) if b.cross >= 0 else self.ys

    def _between_crosses(self, ax: float, ay: float, bx: float, by: float) -> float:
        """Down some aisle: the one inside, or nearest beside, the two points."""
        return abs(ay - by) + min(abs(ax - x) + abs(x - bx) for x in self.xs)

    def snapped(self, place: Place) -> Place:
        """A point of a cross-aisle where an aisle meets it, as a point of that aisle."""
        if place.cross >= 0 and place.at in self.xs:
            return Place(self.xs.index(place.at), self.ys[place.cross])
        return place


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of one aisle between neighbouring cross-aisles, with the heights of its stops.

    `odd` marks stops where the walk begins or ends; `walls` are heights nobody passes.
    """

    top: float
    bottom: float
    stops: tuple[float, ...] = ()
    odd: tuple[bool, ...] = ()
    walls: tuple[float, ...] = ()

    def gaps(self) -> list[float]:
        """Lengths between neighbouring stops and ends; `inf` across a wall."""
        heights = (self.top, *self.stops, self.bottom)
        gaps = [b - a for a, b in pairwise(heights)]
        for wall in self.walls:
            gaps[bisect_right(heights, wall) - 1] = inf
        return gaps
