"""Two sightings of one tag that no vehicle could make: one of the two tags is a copy.

Soonest travel time of a pair of places: the site's own figure where it has one, else what is left
of the straight line after both readers' reach, at the site's top speed. Places within reach of
each other may hear one tag at once and are never compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Spot(NamedTuple):
    """Where a fixed reader listens: a portal or place, in metres from the site's origin."""

    name: str
    x_m: float | None
    y_m: float | None


class Sighting(NamedTuple):
    """A tag heard at a spot from `first_at` to `last_at`, µs UTC by the agent's clock."""

    spot: Spot
    first_at: int
    last_at: int


@dataclass(frozen=True, slots=True)
class Travel:
    """A site's travel rule. `minimum_s` by pair of names, in either order; `clock_s` is how far
    two agents' clocks may differ.
    """

    speed_m_s: float = 8.0
    reach_m: float = 15.0
    clock_s: float = 2.0
    minimum_s: Mapping[frozenset[str], float] = field(default_factory=dict)

    def soonest_s(self, one: Spot, other: Spot) -> float:
        """The shortest time in seconds between the two; 0 where nothing can be said."""
        if one.name == other.name:
            return 0.0
        known = self.minimum_s.get(frozenset((one.name, other.name)))
        if known is not None:
            return known
        if one.x_m is None or one.y_m is None or other.x_m is None or other.y_m is None:
            return 0.0
        way_m = math.hypot(one.x_m - other.x_m, one.y_m - other.y_m) - 2 * self.reach_m
        return max(0.0, way_m) / self.speed_m_s

    def is_too_soon(self, one: Sighting, other: Sighting) -> bool:
        """Whether one tag cannot have made both sightings, in whatever order they came."""
        return self.gap_s(one, other) + self.clock_s < self.soonest_s(one.spot, other.spot)

    @staticmethod
    def gap_s(one: Sighting, other: Sighting) -> float:
        """Seconds between the two sightings; 0 when they overlap."""
        apart_us = max(one.first_at - other.last_at, other.first_at - one.last_at)
        return max(0, apart_us) / 1e6


def travel_of(settings: Mapping[str, object] | None) -> Travel | None:
    """The rule that a site's settings hold; None where it has none, and nothing is compared."""
    if settings is None:
        return None
    pairs = settings.get("minimum", ())
    minimum = {
        frozenset((pair["between"][0], pair["between"][1])): float(pair["seconds"])
        for pair in (pairs if isinstance(pairs, list | tuple) else ())
    }
    figures = {
        name: float(value)
        for name in ("speed_m_s", "reach_m", "clock_s")
        if isinstance(value := settings.get(name), int | float)
    }
    return Travel(**figures, minimum_s=minimum)
