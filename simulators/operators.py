"""Everybody who works at the demo site, set to work together: customers, dock, floor, lead.

They act through the public API alone. Stopping them stops picking; the readers go on.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from datetime import datetime

from simulators.api import Api, ApiRefusedError, Json, text
from simulators.catalog import CHANNEL
from simulators.demand import Demand, WantedOrder
from simulators.floor import Floor
from simulators.lead import Lead
from simulators.pickers import Picker
from simulators.receiving import Receiver, Stacker
from simulators.shipping import Shipper
from simulators.world import World

log = logging.getLogger("simulators.operators")

PICKERS = 3
ORDERS_AN_HOUR = 24.0
MOST_OPEN = 30
STALE_S = 5.0


class Customers:
    """The web shop: places orders while the backlog is bearable."""

    def __init__(self, floor: Floor, *, orders_an_hour: float) -> None:
        self._floor = floor
        self._rate = orders_an_hour
        self._demand = Demand(floor.world.site.items, seed=floor.world.seed, run=floor.run)

    async def work(self) -> None:
        """One order after its gap."""
        if self._rate <= 0:
            await asyncio.Event().wait()
        hour = time.localtime(self._floor.world.clock()).tm_hour
        await self._floor.spend(self._demand.gap_s(hour=hour, orders_an_hour=self._rate))
        await self._floor.open.wait()
        answer = await self._floor.api.get("/v1/orders", status="released", limit=MOST_OPEN)
        waiting = answer.get("items")
        if isinstance(waiting, list) and len(waiting) >= MOST_OPEN:
            return
        await self._floor.api.post("/v1/orders", order_body(self._demand.next_order()))


def order_body(order: WantedOrder) -> Json:
    """An order as the web shop sends it."""
    return {
        "external_order_id": order.external_id,
        "channel": CHANNEL,
        "lines": [
            {"external_line_id": str(i), "sku": line.sku, "quantity": line.quantity}
            for i, line in enumerate(order.lines, start=1)
        ],
        "ship_to": {
            "name": "Web customer",
            "line1": "Main street 1",
            "city": order.city,
            "postal_code": order.postal_code,
            "country": "DE",
        },
    }


class Crew:
    """All of them, with one switch."""

    def __init__(
        self,
        world: World,
        *,
        api: Api,
        speed: float,
        orders_an_hour: float = ORDERS_AN_HOUR,
    ) -> None:
        self._api = api
        run = _base36(int(world.clock()))
        rng = random.Random(f"{world.seed}/crew/{run}")
        self.floor = Floor(world=world, api=self._api, speed=speed, run=run, rng=rng)
        self._rate = orders_an_hour
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Everybody to work."""
        floor = self.floor
        lead = Lead(floor)
        shipper = Shipper(floor)
        jobs = {
            "customers": Customers(floor, orders_an_hour=self._rate).work,
            "receiver": Receiver(floor).work,
            "stacker": Stacker(1, floor, kinds=("putaway", "replenishment", "discrepancy")).work,
            "filler": Stacker(2, floor, kinds=("replenishment", "putaway")).work,
            "shipper": shipper.work,
            "sweeper": shipper.sweep,
            "lead": lead.work,
            "reader": lead.read_exceptions,
        }
        pickers = {f"picker-{i}": Picker(i, floor).work for i in range(1, PICKERS + 1)}
        floor.open.set()
        self._tasks.append(asyncio.create_task(self._clear_doors(), name="opening"))
        for name, work in {**jobs, **pickers}.items():
            self._tasks.append(asyncio.create_task(floor.forever(name, work), name=name))

    async def _clear_doors(self) -> None:
        """Close the visits that an earlier shift left open: their trucks are gone."""
        await self.floor.open.wait()
        now = self.floor.world.clock()
        try:
            for visit in await self._api.items("/v1/visits", state="open"):
                opened = text(visit, "opened_at")
                if not opened or datetime.fromisoformat(opened).timestamp() < now - STALE_S:
                    await self._api.post(f"/v1/visits/{text(visit, 'id')}/close")
        except (ApiRefusedError, ValueError):
            log.info("doors_not_cleared")

    def pause(self) -> None:
        """Nobody begins a new piece of work."""
        self.floor.open.clear()

    def resume(self) -> None:
        """Back to work."""
        self.floor.open.set()

    async def stop(self) -> None:
        """Send everybody home."""
        for task in self._tasks:
            task.cancel()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(outcome, Exception) and not isinstance(outcome, ApiRefusedError):
                log.error("operator_failed", exc_info=outcome)
        await self._api.close()


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits or "0"
