"""Generated batching problems of the shape of Henn and Waescher (2012); not their instances.

One block of 10 aisles 5 apart with 45 cells of length 1, depot before the leftmost aisle, orders of
5 to 25 units; half of the sets draw aisles by class: 52 % of the units from 1 aisle, 36 % from
3, 12 % from 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from core.domain.planning.blocks import Blocks, Place

AISLES, CELLS = 10, 45
CAPACITIES = (30, 45, 60, 75)


@dataclass(frozen=True, slots=True)
class OrderSet:
    """Orders as lists of bins, with the capacity of a cart in units."""

    layout: Blocks
    depot: Place
    capacity: int
    orders: tuple[tuple[Place, ...], ...]


def order_set(*, orders: int, number: int, seed: int) -> OrderSet:
    """The n-th set of so many orders; capacity and storage policy follow from the number."""
    dice = Random(f"{seed}/{orders}/{number}")
    layout = Blocks(tuple(5.0 * aisle for aisle in range(AISLES)), (0.0, CELLS + 1.0))
    weights = [52.0, *[36 / 3] * 3, *[12 / 6] * 6] if number % 2 else [1.0] * AISLES
    found = []
    for _ in range(orders):
        aisles = dice.choices(range(AISLES), weights, k=dice.randint(5, 25))
        found.append(tuple(Place(aisle, float(dice.randint(1, CELLS))) for aisle in aisles))
    capacity = CAPACITIES[number // 2 % len(CAPACITIES)]
    return OrderSet(layout, Place(0, CELLS + 1.0), capacity, tuple(found))
