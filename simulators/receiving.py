"""The inbound dock: a supplier's notice, its truck's visit, pallets through the door, putaway.

Which goods come is read from the product's own availability; what is on the pallets is the truth.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from simulators.api import Json, number, text
from simulators.catalog import FOREIGN_PREFIX, Item
from simulators.floor import Floor
from simulators.loads import Load, pallet
from simulators.tags import Tag, gtin14, sscc18, sscc_tag, unit_tag

log = logging.getLogger("simulators.receiving")

DOOR = "dock-1"
SUPPLIER_PREFIX = "9521500"
TRUCK_EVERY_S = 1800.0
PALLETS = (1, 2)
BOXES = (16, 36)
MISSING_SHARE, FOREIGN_SHARE = 0.06, 0.04
RECEIVED_WITHIN_S = 15.0
SERIAL_BLOCK = 1_000_000
POLL_S = 0.5
PUTAWAY_IDLE_S = 10.0


@dataclass(frozen=True, slots=True)
class TruckPallet:
    """A pallet as announced (`boxes`) and as it really is (`load`)."""

    sscc: Tag
    boxes: tuple[tuple[Tag, str], ...]
    load: Load


class Receiver:
    """The supplier's system, the clerk and the forklift of the inbound door."""

    def __init__(self, floor: Floor, *, guarantee_reads: int = 2) -> None:
        self._floor = floor
        self._reads = guarantee_reads

    async def work(self) -> None:
        """One truck, then the wait for the next."""
        floor = self._floor
        items = await self._scarce()
        pallets = [self._build(items) for _ in range(floor.rng.choice(PALLETS))]
        asn = await floor.api.post("/v1/asns", self._notice(pallets))
        visit = await floor.api.post(
            "/v1/visits", {"portal": DOOR, "asn_ids": [text(asn, "id")], "truck": "inbound"}
        )
        visit_id = text(visit, "id")
        for one in pallets:
            await self._unload(one, visit_id)
        await floor.spend(30.0)
        await floor.api.post(f"/v1/visits/{visit_id}/close")
        log.info("truck_unloaded", extra={"asn": text(asn, "id"), "pallets": len(pallets)})
        await floor.spend(TRUCK_EVERY_S * floor.rng.uniform(0.6, 1.4))

    async def _scarce(self) -> list[Item]:
        """The four items with the least to sell."""
        items = self._floor.world.site.items
        answers: list[Json] = []
        for start in range(0, len(items), 20):
            query = "&".join(f"sku={item.sku}" for item in items[start : start + 20])
            answer = await self._floor.api.get(f"/v1/availability?{query}")
            answers += [a for a in _rows(answer)]
        free = {text(row, "sku"): number(row, "available") for row in answers}
        return sorted(items, key=lambda item: (free.get(item.sku, 0), item.sku))[:4]

    def _build(self, items: list[Item]) -> TruckPallet:
        floor = self._floor
        serial = next(floor.serials)
        sscc = sscc_tag(sscc18(SUPPLIER_PREFIX, _serial(floor.run, serial) % 10**9))
        chosen = floor.rng.sample(items, 2)
        boxes = tuple(
            (unit_tag(item.gtin, _serial(floor.run, serial) * 100 + i), item.sku)
            for i, item in enumerate(floor.rng.choices(chosen, k=floor.rng.randint(*BOXES)))
        )
        present = [tag for tag, _ in boxes]
        if floor.rng.random() < MISSING_SHARE:
            present.pop(floor.rng.randrange(len(present)))
        if floor.rng.random() < FOREIGN_SHARE:
            present.append(unit_tag(gtin14(FOREIGN_PREFIX, 1), _serial(floor.run, serial)))
        load = pallet(sscc.key, present, sscc=sscc, seed=floor.world.seed, material="dry")
        return TruckPallet(sscc, boxes, load)

    def _notice(self, pallets: list[TruckPallet]) -> Json:
        counts: dict[str, int] = {}
        for one in pallets:
            for _, sku in one.boxes:
                counts[sku] = counts.get(sku, 0) + 1
        return {
            "external_asn_id": f"ASN-{self._floor.run}-{next(self._floor.serials):04d}",
            "supplier": "Northwind Supply",
            "lines": [
                {"line_no": i, "sku": sku, "quantity": count}
                for i, (sku, count) in enumerate(sorted(counts.items()), start=1)
            ],
            "handling_units": [
                {
                    "key": one.sscc.key,
                    "contents": [{"epc": tag.hex, "sku": sku} for tag, sku in one.boxes],
                }
                for one in pallets
            ],
        }

    async def _unload(self, one: TruckPallet, visit_id: str) -> None:
        """Drive in until the product has received something of the pallet; then leave it staged."""
        floor = self._floor
        world = floor.world
        reader = world.readers[world.site.door(DOOR).device]
        before = await self._received(visit_id)
        while True:
            await reader.on_air.wait()
            await world.run_pass(one.load, door=DOOR, direction="in", guarantee_reads=self._reads)
            if await self._received_more(visit_id, before):
                break
            log.info("pallet_not_seen", extra={"visit": visit_id})
            await world.run_pass(one.load, door=DOOR, direction="out", guarantee_reads=self._reads)
            await asyncio.sleep(RECEIVED_WITHIN_S / 2)
        tags = [placed.tag for placed in one.load.tags]
        world.place(tags, at="STAGE-IN")
        floor.contents[one.sscc.key] = tags
        await floor.walk(15.0)

    async def _received_more(self, visit_id: str, before: int) -> bool:
        deadline = asyncio.get_running_loop().time() + RECEIVED_WITHIN_S
        while asyncio.get_running_loop().time() < deadline:
            if await self._received(visit_id) > before:
                return True
            await asyncio.sleep(POLL_S)
        return False

    async def _received(self, visit_id: str) -> int:
        visit = await self._floor.api.get(f"/v1/visits/{visit_id}")
        remainder = visit.get("remainder")
        return number(remainder, "received") if isinstance(remainder, dict) else 0


class Stacker:
    """Puts received pallets away and fills pick faces, task by task."""

    def __init__(self, number_: int, floor: Floor, *, kinds: tuple[str, ...]) -> None:
        self.name = f"stacker-{number_}"
        self._floor = floor
        self._kinds = kinds

    async def work(self) -> None:
        """One task of the first kind that has one."""
        floor = self._floor
        for kind in self._kinds:
            task = await floor.api.post("/v1/tasks/next", {"kind": kind, "worker": self.name})
            if not text(task, "id"):
                continue
            await floor.walk(45.0)
            await floor.spend(15.0)
            await floor.api.post(f"/v1/tasks/{text(task, 'id')}/confirm")
            unit = text(task, "handling_unit_key") or text(task, "handling_unit")
            floor.world.remove(floor.contents.pop(unit, []))
            return
        await floor.spend(PUTAWAY_IDLE_S)


def _serial(run: str, serial: int) -> int:
    """A serial no other run has used: the run is its start in seconds."""
    return int(run, 36) % SERIAL_BLOCK * 1000 + serial % 1000


def _rows(answer: Json) -> list[Json]:
    found = answer.get("items")
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
