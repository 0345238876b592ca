"""The outbound dock: staged cartons on a pallet, a truck's visit, the load out, the close.

Nobody scans here: a carton counts as loaded when the product says so, from what its readers saw.
"""

from __future__ import annotations

import asyncio
import logging

from simulators.api import ApiRefusedError, Json, objects, text
from simulators.floor import Floor, StagedOrder
from simulators.loads import carried, pallet
from simulators.tags import Tag, sscc_tag

log = logging.getLogger("simulators.shipping")

DOOR = "dock-2"
GATHER_S = 150.0
MOST_CARTONS = 12
LOADED_WITHIN_S = 20.0
CLOSE_S = 20.0
SWEEP_S = 200.0
POLL_S = 0.5


class Shipper:
    """The clerk and the forklift of the outbound door."""

    def __init__(self, floor: Floor, *, guarantee_reads: int = 2) -> None:
        self._floor = floor
        self._reads = guarantee_reads
        self._waiting: list[StagedOrder] = []
        self._most = MOST_CARTONS
        self._door = asyncio.Lock()

    async def work(self) -> None:
        """One truck; after a refusal its orders are looked up again, one truck for each."""
        orders = await self._gather()
        try:
            await self._ship(orders)
            self._most = MOST_CARTONS
        except ApiRefusedError:
            self._most = 1
            raise
        finally:
            self._floor.known.difference_update(order.order_id for order in orders)

    async def sweep(self) -> None:
        """Take up packed and staged orders that nobody has in hand, as after a restart."""
        await self._floor.spend(SWEEP_S)
        for status in ("packed", "staged"):
            for row in await self._floor.api.items("/v1/orders", status=status):
                order_id = text(row, "id")
                if order_id not in self._floor.known:
                    self._floor.known.add(order_id)
                    try:
                        await self._take_up(order_id)
                    except ApiRefusedError:
                        self._floor.known.discard(order_id)

    async def _take_up(self, order_id: str) -> None:
        api = self._floor.api
        order = await api.get(f"/v1/orders/{order_id}")
        for carton in objects(order, "cartons"):
            unit, tag = text(carton, "id"), sscc_tag(text(carton, "sscc"))
            if text(carton, "shipment_id"):
                if await self._cleared(text(carton, "shipment_id")):
                    self._floor.known.discard(order_id)
                    return
                await api.post(f"/v1/shipments/{text(carton, 'shipment_id')}/cancel")
            if text(carton, "state") == "closed":
                await api.post("/v1/stage", {"handling_unit": unit, "location": "STAGE-OUT-1"})
            self._floor.world.place([tag], at="STAGE-OUT-1")
            await self._floor.staged.put(StagedOrder(order_id, unit, tag, "STAGE-OUT-1"))

    async def _cleared(self, shipment_id: str) -> bool:
        """One that is all on its truck yet stayed: the clerk looked, what held it is not there."""
        api = self._floor.api
        shipment = await api.get(f"/v1/shipments/{shipment_id}")
        state = text(shipment, "state")
        if state not in ("held", "verifying", "verified") or not _all_loaded(shipment):
            return False
        async with self._door:
            if state == "held":
                await api.post(f"/v1/shipments/{shipment_id}/resume")
            visit = await self._visit(shipment_id)
            await self._floor.spend(CLOSE_S)
            await api.post(f"/v1/visits/{visit}/close")
        log.info("held_shipment_left", extra={"shipment": shipment_id})
        return True

    async def _visit(self, shipment_id: str) -> str:
        """The truck's visit at the door."""
        body: dict[str, object] = {"portal": DOOR, "truck": f"T-{shipment_id[-4:]}"}
        visit = await self._floor.api.post("/v1/visits", {**body, "shipment_ids": [shipment_id]})
        return text(visit, "id")

    async def _ship(self, orders: list[StagedOrder]) -> None:
        async with self._door:
            await self._load_truck(orders)

    async def _load_truck(self, orders: list[StagedOrder]) -> None:
        floor = self._floor
        order_ids: list[object] = [*dict.fromkeys(order.order_id for order in orders)]
        shipment = await floor.api.post("/v1/shipments", {"order_ids": order_ids, "portal": DOOR})
        shipment_id = text(shipment, "id")
        visit = await self._visit(shipment_id)
        await floor.walk(20.0)
        floor.world.remove([order.tag for order in orders])
        await self._load(orders, shipment_id)
        await floor.spend(CLOSE_S)
        await floor.api.post(f"/v1/visits/{visit}/close")
        for order in orders:
            floor.contents.pop(order.tag.key, None)
        log.info("truck_left", extra={"shipment": shipment_id, "cartons": len(orders)})

    async def _gather(self) -> list[StagedOrder]:
        """The first staged carton, and what joins it within the time a truck waits."""
        self._waiting.append(await self._floor.staged.get())
        deadline = asyncio.get_running_loop().time() + GATHER_S / self._floor.speed
        while len(self._waiting) < self._most:
            left = deadline - asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(max(left, 0.0)):
                    self._waiting.append(await self._floor.staged.get())
            except TimeoutError:
                break
        taken, self._waiting = self._waiting, []
        return taken

    async def _load(self, orders: list[StagedOrder], shipment_id: str) -> None:
        """Drive the load out until every carton counts as loaded; back in between tries."""
        world = self._floor.world
        tags = [tag for order in orders for tag in self._tags(order)]
        if len(orders) == 1:
            load = carried(orders[0].tag.key, tags)
        else:
            load = pallet(orders[0].tag.key, tags, size=(0.8, 1.2, 1.0))
        reader = world.readers[world.site.door(DOOR).device]
        while True:
            # A dark light means that the portal is out of order: nobody drives.
            await reader.on_air.wait()
            await world.run_pass(load, door=DOOR, direction="out", guarantee_reads=self._reads)
            if await self._loaded(shipment_id, LOADED_WITHIN_S):
                return
            log.info("load_not_seen", extra={"shipment": shipment_id})
            await world.run_pass(load, door=DOOR, direction="in", guarantee_reads=self._reads)
            await asyncio.sleep(LOADED_WITHIN_S / 2)
            if await self._loaded(shipment_id, 0.0):
                # The return was not seen either: the book says loaded, so the goods go out again.
                await world.run_pass(load, door=DOOR, direction="out", guarantee_reads=self._reads)
                return

    def _tags(self, order: StagedOrder) -> list[Tag]:
        return [order.tag, *self._floor.contents.get(order.tag.key, [])]

    async def _loaded(self, shipment_id: str, within_s: float) -> bool:
        deadline = asyncio.get_running_loop().time() + within_s
        while True:
            shipment = await self._floor.api.get(f"/v1/shipments/{shipment_id}")
            if _all_loaded(shipment):
                return True
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(POLL_S)


def _all_loaded(shipment: Json) -> bool:
    units = objects(shipment, "units")
    return bool(units) and all(unit.get("loaded") is True for unit in units)
