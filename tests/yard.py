"""The buyer's truck and its yard: what is announced, what comes, what stands beside the door.

Forty strays: fifteen of the neighbour's notice, fifteen of this one received before, ten unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from simulators.site import build_site
from simulators.tags import Tag
from simulators.truck import Truck, build_truck, unknown_strays

Json = dict[str, Any]


@dataclass(frozen=True)
class Yard:
    """The truck, what stands beside the door, and what was received before."""

    truck: Truck
    before: Truck
    neighbour: Truck
    unknown: tuple[Tag, ...]

    @property
    def strays(self) -> list[Tag]:
        """All forty."""
        return [*units(self.neighbour), *units(self.before), *self.unknown]

    def notice(self) -> Json:
        """The truck's notice with the pallet that came ahead of it."""
        both = [self.truck.notice(), self.before.notice()]
        pallets = [unit for one in both for unit in listed(one, "handling_units")]
        counts = Counter(content["sku"] for unit in pallets for content in unit["contents"])
        lines = [
            {"line_no": number, "sku": sku, "quantity": counts[sku]}
            for number, sku in enumerate(sorted(counts), start=1)
        ]
        return {**both[0], "lines": lines, "handling_units": pallets}

    def lacking(self, number: int) -> set[str]:
        """The boxes that the notice names on this pallet, from 0, and that did not come."""
        boxes = {tag.key for tag, _ in self.truck.pallets[number].boxes}
        return boxes & {tag.key for tag in self.truck.missing}

    def strays_in(self, keys: Iterable[str]) -> set[str]:
        """The strays among these keys."""
        return set(keys) & {tag.key for tag in self.strays}


def listed(notice: Json, name: str) -> list[Json]:
    """A list of a notice."""
    found = notice[name]
    return list(found)


def units(truck: Truck) -> list[Tag]:
    """The announced boxes of a truck."""
    return [tag for one in truck.pallets for tag, _ in one.boxes]


def a_yard(seed: int, number: int) -> Yard:
    """Goods placed by the seed, with serials of their own for each number."""
    site = build_site(seed)
    small = partial(build_truck, site, pallets=1, cartons=15, missing=0, foreign=0)
    return Yard(
        build_truck(site, number=number),
        small(number=number + 1),
        small(number=number + 2),
        tuple(unknown_strays(10, number=number)),
    )
