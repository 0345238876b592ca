"""The buyer's truck: three pallets, 240 announced cartons, two missing, one foreign, strays.

All a scorer needs is here as data: what is announced, what really comes, who stands beside.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from simulators.catalog import FOREIGN_PREFIX, Item
from simulators.loads import Load, pallet
from simulators.site import Site
from simulators.tags import Tag, gtin14, sscc18, sscc_tag, unit_tag

SUPPLIER_PREFIX = "9521500"
ITEMS = 12
FOREIGN_SERIAL = 7_000_000
Document = dict[str, object]


@dataclass(frozen=True, slots=True)
class Announced:
    """One pallet of a notice: its SSCC and its boxes with their SKUs."""

    sscc: Tag
    boxes: tuple[tuple[Tag, str], ...]


@dataclass(frozen=True, slots=True)
class Truck:
    """A notice and the goods that really come. `foreign` is known to nobody's notice."""

    external_id: str
    pallets: tuple[Announced, ...]
    loads: tuple[Load, ...]
    missing: tuple[Tag, ...]
    foreign: tuple[Tag, ...]

    @property
    def present(self) -> list[Tag]:
        """Announced boxes that are on the truck."""
        gone = {tag.epc for tag in self.missing}
        return [tag for one in self.pallets for tag, _ in one.boxes if tag.epc not in gone]

    def notice(self) -> Document:
        """The body of `POST /v1/asns`."""
        counts: dict[str, int] = {}
        for one in self.pallets:
            for _, sku in one.boxes:
                counts[sku] = counts.get(sku, 0) + 1
        return {
            "external_asn_id": self.external_id,
            "supplier": "Northwind Supply",
            "lines": [
                {"line_no": i, "sku": sku, "quantity": counts[sku]}
                for i, sku in enumerate(sorted(counts), start=1)
            ],
            "handling_units": [
                {
                    "key": one.sscc.key,
                    "contents": [{"epc": tag.hex, "sku": sku} for tag, sku in one.boxes],
                }
                for one in self.pallets
            ],
        }


def build_truck(
    site: Site,
    *,
    number: int = 1,
    pallets: int = 3,
    cartons: int = 240,
    missing: int = 2,
    foreign: int = 1,
    foreign_item: Item | None = None,
) -> Truck:
    """A truck; `number` keeps its serials apart from other trucks'.

    A foreign box carries an unknown GTIN unless `foreign_item` says which known item it is.
    """
    rng = random.Random(f"{site.seed}/truck/{number}")
    items = site.items[:ITEMS]
    announced, loads, gone = [], [], []
    shares = [cartons // pallets + (i < cartons % pallets) for i in range(pallets)]
    absent = set(rng.sample(range(cartons), missing))
    others = tuple(_foreign(number, i, foreign_item) for i in range(foreign))
    serial = 0
    for index, share in enumerate(shares):
        sscc = sscc_tag(sscc18(SUPPLIER_PREFIX, number * 100 + index))
        boxes = []
        real = []
        for _ in range(share):
            item = items[serial % ITEMS]
            tag = unit_tag(item.gtin, number * 10_000 + serial)
            boxes.append((tag, item.sku))
            if serial in absent:
                gone.append(tag)
            else:
                real.append(tag)
            serial += 1
        if index == pallets - 1:
            real += others
        announced.append(Announced(sscc, tuple(boxes)))
        loads.append(pallet(sscc.key, real, sscc=sscc, seed=site.seed))
    return Truck(f"TRUCK-{number}", tuple(announced), tuple(loads), tuple(gone), others)


def unknown_strays(count: int, *, number: int = 1) -> Sequence[Tag]:
    """Tags of a company that the site does not know."""
    return [unit_tag(gtin14(FOREIGN_PREFIX, 77), number * 10_000 + 5_000 + i) for i in range(count)]


def _foreign(number: int, index: int, item: Item | None) -> Tag:
    gtin = item.gtin if item is not None else gtin14(FOREIGN_PREFIX, 1)
    return unit_tag(gtin, FOREIGN_SERIAL + number * 100 + index)
