"""Pickers: take an order's tasks, fill a tote, send it over the belt, pack, stage.

Everything they tell the product goes through the public API, task by task.
"""

from __future__ import annotations

import logging

from simulators.api import Json, decimal, number, objects, text, texts
from simulators.catalog import OWNER_PREFIX
from simulators.floor import Floor, StagedOrder, tag_of
from simulators.loads import tote
from simulators.tags import Tag, tote_tag

log = logging.getLogger("simulators.pickers")

IDLE_S = 8.0
SHELF_S = 6.0
PACK_S = 25.0
TOTES = 24
STAGING = ("STAGE-OUT-1", "STAGE-OUT-2")


class Picker:
    """One picker with a pool of totes of their own."""

    def __init__(self, number: int, floor: Floor) -> None:
        self.name = f"picker-{number}"
        self._floor = floor
        self._number = number
        self._totes = [tote_tag(OWNER_PREFIX, 1, number * 100 + i) for i in range(TOTES)]
        self._next = 0
        self._at = (26.0, 8.0)
        self._registered: set[str] = set()

    async def work(self) -> None:
        """One order from the first shelf to the staging place."""
        api = self._floor.api
        box = await self._tote()
        answer = await api.post("/v1/pick-tasks/next", {"worker": self.name, "tote": box.key})
        tasks = objects(answer, "tasks")
        if not tasks:
            await self._floor.spend(IDLE_S)
            return
        self._next += 1
        inside: list[Tag] = []
        for task in tasks:
            inside += await self._pick(task, box)
        order_id = text(tasks[0], "order_id")
        if await self._is_picked(order_id):
            await self._floor.walk(20.0)
            await self._floor.world.convey(tote(box.key, [box, *inside]))
            await self._pack(order_id, box, inside)

    async def _tote(self) -> Tag:
        box = self._totes[self._next % TOTES]
        if box.key not in self._registered:
            await self._floor.api.post("/v1/totes", {"key": box.key})
            self._registered.add(box.key)
        return box

    async def _pick(self, task: Json, box: Tag) -> list[Tag]:
        """Walk to the shelf, take what the task says, tagged units first."""
        spot = (decimal(task, "x_m"), decimal(task, "y_m"))
        await self._floor.walk(abs(spot[0] - self._at[0]) + abs(spot[1] - self._at[1]))
        await self._floor.spend(SHELF_S)
        self._at = spot
        wanted = number(task, "quantity")
        keys = texts(task, "epcs_here")[:wanted]
        body: Json = {"quantity": wanted, "tote": box.key}
        if len(keys) == wanted:
            body["epcs"] = list(keys)
        await self._floor.api.post(f"/v1/pick-tasks/{text(task, 'id')}/confirm", body)
        taken = [tag for tag in map(tag_of, keys) if tag is not None] if "epcs" in body else []
        self._floor.world.remove(taken)
        return taken

    async def _is_picked(self, order_id: str) -> bool:
        order = await self._floor.api.get(f"/v1/orders/{order_id}")
        return text(order, "status") == "picked"

    async def _pack(self, order_id: str, box: Tag, inside: list[Tag]) -> None:
        floor = self._floor
        await floor.spend(PACK_S)
        station = f"PACK-{1 + self._number % 2}"
        answer = await floor.api.post(
            f"/v1/orders/{order_id}/pack", {"tote": box.key, "station": station}
        )
        carton = answer.get("carton")
        if not isinstance(carton, dict):
            return
        tag = tag_of(text(carton, "key")) or Tag(bytes.fromhex(text(carton, "epc_hex")), "")
        place = STAGING[self._number % 2]
        await floor.walk(35.0)
        unit = text(carton, "id")
        await floor.api.post("/v1/stage", {"handling_unit": unit, "location": place})
        floor.world.place([tag], at=place)
        floor.contents[tag.key] = inside
        await floor.staged.put(StagedOrder(order_id, unit, tag, place))
        log.info("order_staged", extra={"order": order_id, "place": place})
        self._at = (26.0, 8.0)
