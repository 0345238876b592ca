"""Pickers: take an order's tasks, fill a tote, send it over the belt, pack, stage.

Everything they tell the product goes through the public API, task by task.
"""

from __future__ import annotations

import logging

from simulators.api import ApiRefusedError, Json, decimal, number, objects, text, texts
from simulators.catalog import OWNER_PREFIX
from simulators.floor import Floor, StagedOrder, tag_of
from simulators.loads import tote
from simulators.tags import Tag, tote_tag

log = logging.getLogger("simulators.pickers")

IDLE_S = 8.0
SHELF_S = 6.0
PACK_S = 25.0
TOTES = 24
CONVEYOR = (26.0, 8.0)
STAGING = ("STAGE-OUT-1", "STAGE-OUT-2")


class Picker:
    """One picker with a pool of totes; a tote is kept until its order is packed."""

    def __init__(self, number: int, floor: Floor) -> None:
        self.name = f"picker-{number}"
        self._floor = floor
        self._number = number
        self._totes = [tote_tag(OWNER_PREFIX, 1, number * 100 + i) for i in range(TOTES)]
        self._next = 0
        self._at = CONVEYOR
        self._registered: set[str] = set()
        self._order_id: str | None = None
        self._inside: list[Tag] = []

    async def work(self) -> None:
        """One order from the first shelf to the staging place, or a part of it."""
        tasks = await self._tasks()
        box = self._bound(tasks) or await self._tote()
        for task in tasks:
            self._order_id = text(task, "order_id")
            self._inside += await self._pick(task, box)
        if self._order_id is None:
            await self._floor.spend(IDLE_S)
            return
        order = await self._floor.api.get(f"/v1/orders/{self._order_id}")
        status = text(order, "status")
        if status == "picked":
            await self._floor.walk(20.0)
            await self._floor.world.convey(tote(box.key, [box, *self._inside]))
            await self._pack(self._order_id, box, self._inside)
        if status not in ("released", "picking"):
            self._change_tote()

    async def _tasks(self) -> list[Json]:
        return objects(
            await self._floor.api.post("/v1/pick-tasks/next", {"worker": self.name}), "tasks"
        )

    @staticmethod
    def _bound(tasks: list[Json]) -> Tag | None:
        """The tote that already holds a part of this order, perhaps from an earlier shift."""
        return tag_of(text(tasks[0], "tote")) if tasks else None

    def _change_tote(self) -> None:
        self._order_id, self._inside = None, []
        self._next += 1

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
        wanted = number(task, "quantity") - number(task, "picked")
        keys = texts(task, "epcs_here")[:wanted]
        body: Json = {"quantity": wanted, "tote": box.key, "epcs": list(keys)}
        task_id = text(task, "id")
        try:
            await self._floor.api.post(f"/v1/pick-tasks/{task_id}/confirm", body)
        except ApiRefusedError:
            # Someone else took these units, or the tote is in use: back to the pool, another tote.
            await self._floor.api.post(f"/v1/pick-tasks/{task_id}/handback")
            self._next += 1
            return []
        taken = [tag for tag in map(tag_of, keys) if tag is not None]
        self._floor.world.remove(taken)
        return taken

    async def _pack(self, order_id: str, box: Tag, inside: list[Tag]) -> None:
        floor = self._floor
        floor.known.add(order_id)
        await floor.spend(PACK_S)
        station = f"PACK-{1 + self._number % 2}"
        answer = await floor.api.post(
            f"/v1/orders/{order_id}/pack", {"tote": box.key, "station": station}
        )
        carton = answer.get("carton")
        if not isinstance(carton, dict):
            floor.known.discard(order_id)
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
        self._at = CONVEYOR
