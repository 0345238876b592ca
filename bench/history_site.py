"""Thirty days of a site in bulk: pallets that come, rest, are read, and go; ledger, positions,
passes, and the archive segments behind them.

Every pallet of 80 tagged cartons lives the same life, so that what a question must answer is
counted from the same plan.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from simulators.catalog import Item
from simulators.site import Site
from simulators.tags import Tag, sscc18, sscc_tag, unit_tag

MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000
CARTONS = 80
STAYS_US, STAGED_US, LEAVES_US = 3 * DAY_US, 10 * MINUTE_US, 30 * MINUTE_US
PREFIX = "9521700"
FIRST_SERIAL = 50_000_000
# Readings of one carton: at the door in, staged, staged for its truck, at the door out.
DOOR, STAGED, LEAVING = 10, 25, 30
EACH = DOOR + STAGED + LEAVING + DOOR


@dataclass(frozen=True, slots=True)
class Pallet:
    """One pallet's life; all instants in microseconds UTC."""

    number: int
    tag: Tag
    cartons: tuple[Tag, ...]
    item: Item
    bin: str
    came: int

    @property
    def stored(self) -> int:
        """When it was put away."""
        return self.came + STAGED_US

    @property
    def picked(self) -> int:
        """When it was taken to its truck's staging place."""
        return self.came + STAYS_US

    @property
    def gone(self) -> int:
        """When it left."""
        return self.picked + LEAVES_US

    def place_at(self, at: int) -> str | None:
        """Where the book has its cartons; None before and after."""
        if not self.came <= at < self.gone:
            return None
        if at < self.stored:
            return "DOCK-1"
        return self.bin if at < self.picked else "STAGE-OUT-1"

    def seen_at(self, at: int) -> str | None:
        """Where readers have its cartons; nobody hears a bin."""
        if self.came <= at < self.stored:
            return "DOCK-1" if at < self.came + MINUTE_US else "STAGE-IN"
        return "STAGE-OUT-1" if self.picked <= at < self.gone else None


def pallets(site: Site, *, begin: int, days: int, a_day: int) -> list[Pallet]:
    """All of them, evenly over the days."""
    bins = [place.code for place in site.places if place.kind == "storage"]
    found = []
    for number in range(days * a_day):
        item = site.items[number % len(site.items)]
        serial = FIRST_SERIAL + number * CARTONS
        cartons = tuple(unit_tag(item.gtin, serial + n) for n in range(CARTONS))
        came = begin + (number * DAY_US + DAY_US // 2) // a_day
        tag = sscc_tag(sscc18(PREFIX, number))
        found.append(Pallet(number, tag, cartons, item, bins[number % len(bins)], came))
    return found


@dataclass(frozen=True, slots=True)
class Heard:
    """One reading as it leaves an agent."""

    at: int
    agent: str
    text: bytes


def readings(pallet: Pallet) -> Iterator[Heard]:
    """Everything readers say of a pallet's cartons, in no order."""
    rng = random.Random(pallet.number)
    spells = (
        ("dock-1", "dock-1-r", pallet.came - 4_000_000, 5_000_000, DOOR, (1, 2)),
        ("floor-1", "stage-r", pallet.came + MINUTE_US, 9 * MINUTE_US, STAGED, (1,)),
        ("floor-1", "stage-r", pallet.picked, LEAVES_US - MINUTE_US, LEAVING, (2,)),
        ("dock-2", "dock-2-r", pallet.gone - 4_000_000, 5_000_000, DOOR, (2, 1)),
    )
    for carton in pallet.cartons:
        late = rng.randrange(200_000)
        for agent, device, start, length, count, antennas in spells:
            head = b'{"epc":"%s","device":"%s","antenna":' % (carton.hex.encode(), device.encode())
            for n in range(count):
                at = start + late + n * length // count
                antenna = antennas[n * len(antennas) // count]
                rssi = -50 - (n * 7 + late) % 20
                yield Heard(
                    at,
                    agent,
                    head
                    + b'%d,"rssi_dbm":%d.5,"occurred_at":%d,"count":3,"first_at":%d,"last_at":%d}'
                    % (antenna, rssi, at, at - 90_000, at + 90_000),
                )


def ids(number: int, kind: int) -> UUID:
    """An id of the plan: pallet, its pass in, its pass out."""
    return UUID(int=(0x01A2 << 112) | (kind << 64) | number)
