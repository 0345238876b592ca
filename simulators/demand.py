"""Orders as customers place them: how many an hour, and what is in them.

A power law over the items and a curve over the day; one seed, one stream.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from simulators.catalog import Item

# Share of the peak hour, local time; the floor keeps a demo alive at night.
HOURS = (
    20,
    15,
    10,
    8,
    8,
    12,
    25,
    45,
    65,
    80,
    92,
    100,
    95,
    88,
    85,
    82,
    80,
    84,
    90,
    95,
    85,
    65,
    45,
    30,
)
FLOOR = 40
CITIES = (("Hamburg", "20095"), ("Munich", "80331"), ("Leipzig", "04109"), ("Cologne", "50667"))


@dataclass(frozen=True, slots=True)
class WantedLine:
    """One line of an order."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class WantedOrder:
    """One customer order."""

    external_id: str
    city: str
    postal_code: str
    lines: tuple[WantedLine, ...]


class Demand:
    """The stream of orders."""

    def __init__(self, items: tuple[Item, ...], *, seed: int, run: str) -> None:
        self._items = items
        self._weights = [item.demand for item in items]
        self._rng = random.Random(f"{seed}/demand/{run}")
        self._run = run
        self._count = 0

    def next_order(self) -> WantedOrder:
        """The next order: one to three lines of distinct items, mostly single units."""
        self._count += 1
        wanted = self._rng.choices((1, 2, 3), weights=(6, 3, 1))[0]
        skus: list[str] = []
        while len(skus) < wanted:
            sku = self._rng.choices(self._items, weights=self._weights)[0].sku
            if sku not in skus:
                skus.append(sku)
        lines = tuple(
            WantedLine(sku, self._rng.choices((1, 2, 3), weights=(7, 2, 1))[0]) for sku in skus
        )
        city, code = self._rng.choice(CITIES)
        return WantedOrder(f"W-{self._run}-{self._count:05d}", city, code, lines)

    def gap_s(self, *, hour: int, orders_an_hour: float) -> float:
        """Seconds to the next order when the peak hour brings so many."""
        rate = orders_an_hour * max(HOURS[hour % 24], FLOOR) / 100.0
        return min(self._rng.expovariate(rate / 3600.0), 3 * 3600.0 / rate)
