"""Places and movement: vectors, paths of a body through the site, and when it breaks a light beam.

Metres and seconds; x runs along the dock wall, y into the building (yard: y < 0), z is height.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Vector = tuple[float, float, float]


def unit(vector: Vector) -> Vector:
    """The direction of a vector."""
    length = math.sqrt(sum(c * c for c in vector))
    return (vector[0] / length, vector[1] / length, vector[2] / length)


@dataclass(frozen=True, slots=True)
class Path:
    """Waypoints (time, place); straight and even between them, at rest before and after."""

    times: tuple[float, ...]
    places: tuple[Vector, ...]

    @property
    def start(self) -> float:
        """When the body appears."""
        return self.times[0]

    @property
    def end(self) -> float:
        """When the body has arrived."""
        return self.times[-1]

    def at(self, t: float) -> Vector:
        """Where the body's foot stands at `t`."""
        times = self.times
        if t <= times[0]:
            return self.places[0]
        if t >= times[-1]:
            return self.places[-1]
        i = bisect_right(times, t)
        share = (t - times[i - 1]) / (times[i] - times[i - 1])
        a, b = self.places[i - 1], self.places[i]
        return (
            a[0] + share * (b[0] - a[0]),
            a[1] + share * (b[1] - a[1]),
            a[2] + share * (b[2] - a[2]),
        )

    def crossings(self, y: float) -> list[float]:
        """The moments at which the body's centre passes the line `y`."""
        found = []
        pairs = zip(self.times, self.times[1:], self.places, self.places[1:], strict=False)
        for t0, t1, a, b in pairs:
            if (a[1] - y) * (b[1] - y) < 0 or (b[1] == y and a[1] != y):
                found.append(t0 + (t1 - t0) * (y - a[1]) / (b[1] - a[1]))
        return found


def path_along(places: Sequence[Vector], *, start: float, speed_mps: float) -> Path:
    """A path that visits `places` at one speed."""
    times = [start]
    for a, b in pairwise(places):
        times.append(times[-1] + max(math.dist(a, b) / speed_mps, 1e-3))
    return Path(tuple(times), tuple(places))


def standing(place: Vector, *, start: float = 0.0) -> Path:
    """A body that does not move."""
    return Path((start,), (place,))


@dataclass(frozen=True, slots=True)
class Edge:
    """One change of a light beam: high while something interrupts it."""

    at: float
    port: int
    high: bool


def beam_edges(path: Path, *, y: float, half_length: float, port: int) -> list[Edge]:
    """When a body of this half length, moving along y, interrupts and frees the beam at `y`."""
    moments = sorted({*path.crossings(y - half_length), *path.crossings(y + half_length)})
    edges = []
    blocked = abs(path.at(path.start)[1] - y) < half_length
    for i, moment in enumerate(moments):
        after = (moment + (moments[i + 1] if i + 1 < len(moments) else path.end)) / 2
        now_blocked = abs(path.at(after)[1] - y) < half_length
        if now_blocked != blocked:
            edges.append(Edge(moment, port, now_blocked))
            blocked = now_blocked
    return edges
