"""A day of the demo's history: a truck in the morning, orders by the hour, trucks out.

Passes are recorded as a gateway records them, without radio features: history has no reads.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import httpx

from core.application.decisions import GroupDecision, PassCall, TagCall
from core.application.ownership import CellClaim
from core.application.ports.tracking import PassOpening
from core.application.ports.uow import UnitOfWorkFactory
from core.application.record import record_decision
from core.domain.judgement import Direction
from simulators.catalog import CHANNEL, OWNER_PREFIX, Item
from simulators.demand import Demand
from simulators.site import SITE_ID, Site
from simulators.tags import Tag, sscc18, sscc_tag, tote_tag, unit_tag

HOUR_US, MINUTE_US, SECOND_US = 3_600_000_000, 60_000_000, 1_000_000
SUPPLIER = "9521500"
ORDERS_A_DAY = 30
FIRST_HOUR, LAST_HOUR = 7, 19
BOXES = 24
CELL = "site"
Json = dict[str, Any]


class Clock(Protocol):
    """A clock that can be set."""

    now: int

    def __call__(self) -> int: ...


@dataclass(slots=True)
class Yard:
    """The application, the cell's claim and the virtual clock."""

    http: httpx.AsyncClient
    open_unit: UnitOfWorkFactory
    claim: CellClaim
    clock: Clock
    ids: Callable[[], UUID]

    async def post(self, path: str, body: Json | None = None) -> Json:
        """A write; raises when the application refuses it."""
        headers = {"Idempotency-Key": str(self.ids())}
        answer = await self.http.post(path, json=body or {}, headers=headers)
        return _body(answer)

    async def post_csv(self, path: str, text: str) -> Json:
        """An import."""
        answer = await self.http.post(
            path, content=text.encode(), headers={"Content-Type": "text/csv"}
        )
        return _body(answer)

    async def get(self, path: str) -> Json:
        """A read."""
        return _body(await self.http.get(path))

    def wait(self, us: int) -> None:
        """Let virtual time pass."""
        self.clock.now += us

    async def drive(self, tags: Sequence[Tag], *, portal: str, direction: Direction) -> None:
        """One load through a door: opened, then closed three seconds after its last tag."""
        opened, pass_id = self.clock(), self.ids()
        self.wait(8 * SECOND_US)
        closed = self.clock()
        opening = PassOpening(
            pass_id=pass_id,
            portal=portal,
            opened_at=opened,
            agent=portal,
            boot=0,
            seq=0,
            thresholds="history",
        )
        call = PassCall(
            pass_id=pass_id,
            portal=portal,
            direction=direction,
            early=False,
            tags={tag.key: TagCall(epc=tag.hex, crossed=True) for tag in tags},
            confidence=1.0,
            decider="timer",
            decider_at=closed,
            occurred_at=closed,
            closed_at=closed,
            features={},
        )
        epoch = self.claim.epoch or await self.claim.try_take()
        if epoch is None:
            raise RuntimeError("a gateway holds the cell: history is written before it starts")
        decision = GroupDecision(cell=CELL, epoch=epoch, openings=[opening], calls=[call])
        async with self.open_unit(SITE_ID) as unit:
            await record_decision(unit, decision, now=closed, ids=self.ids)


def _body(answer: httpx.Response) -> Json:
    if answer.status_code == httpx.codes.NO_CONTENT:
        return {}
    if answer.is_error:
        raise RuntimeError(f"{answer.request.method} {answer.request.url.path}: {answer.text}")
    found: Json = answer.json()
    return found


class Days:
    """Lives one day after the other until an instant; counts what happened."""

    def __init__(self, yard: Yard, site: Site, rng: random.Random) -> None:
        self._yard = yard
        self._site = site
        self._rng = rng
        self._demand = Demand(site.items, seed=rng.randrange(1 << 30), run="history")
        self._serials = itertools.count(1)
        self.orders = self.trucks = self.passes = 0

    async def live(self, until: int) -> None:
        """Whole days first; the last hours before `until` are those of today."""
        while self._yard.clock.now + 24 * HOUR_US <= until + HOUR_US:
            morning = self._yard.clock.now
            await self._receive()
            per_hour = ORDERS_A_DAY // (LAST_HOUR - FIRST_HOUR)
            for hour in range(LAST_HOUR - FIRST_HOUR):
                self._yard.clock.now = max(self._yard.clock.now, morning + (2 + hour) * HOUR_US)
                wanted = per_hour + (1 if hour < ORDERS_A_DAY % (LAST_HOUR - FIRST_HOUR) else 0)
                await self._serve(wanted)
            self._yard.clock.now = max(self._yard.clock.now, morning + 24 * HOUR_US)

    async def _receive(self) -> None:
        """A truck with one pallet, in, received, put away."""
        yard = self._yard
        number = next(self._serials)
        items = self._rng.sample(self._site.items, 2)
        boxes = [self._box(items[n % 2], number * 100 + n) for n in range(BOXES)]
        pallet = sscc_tag(sscc18(SUPPLIER, number))
        asn = await yard.post("/v1/asns", self._notice(number, pallet, boxes))
        visit = await yard.post(
            "/v1/visits", {"portal": "dock-1", "asn_ids": [asn["id"]], "truck": f"IN-{number}"}
        )
        yard.wait(3 * MINUTE_US)
        await yard.drive([pallet, *(tag for tag, _ in boxes)], portal="dock-1", direction="in")
        yard.wait(4 * MINUTE_US)
        await yard.post(f"/v1/visits/{visit['id']}/close")
        self.trucks += 1
        self.passes += 1
        yard.wait(self._rng.randrange(20, 60) * MINUTE_US)
        await self._do_tasks("putaway")

    def _box(self, item: Item, serial: int) -> tuple[Tag, str]:
        return unit_tag(item.gtin, serial), item.sku

    def _notice(self, number: int, pallet: Tag, boxes: list[tuple[Tag, str]]) -> Json:
        counts: dict[str, int] = {}
        for _, sku in boxes:
            counts[sku] = counts.get(sku, 0) + 1
        return {
            "external_asn_id": f"ASN-H-{number:04d}",
            "supplier": "Northwind Supply",
            "lines": [
                {"line_no": n, "sku": sku, "quantity": quantity}
                for n, (sku, quantity) in enumerate(sorted(counts.items()), start=1)
            ],
            "handling_units": [
                {
                    "key": pallet.key,
                    "contents": [{"epc": tag.hex, "sku": sku} for tag, sku in boxes],
                }
            ],
        }

    async def _do_tasks(self, kind: str) -> None:
        while True:
            task = await self._yard.post("/v1/tasks/next", {"kind": kind, "worker": "history"})
            if not task:
                return
            self._yard.wait(2 * MINUTE_US)
            await self._yard.post(f"/v1/tasks/{task['id']}/confirm")

    async def _serve(self, wanted: int) -> None:
        """Some orders from intake to the truck."""
        yard = self._yard
        taken = [await self._order() for _ in range(wanted)]
        self.orders += wanted
        yard.wait(5 * MINUTE_US)
        await yard.post("/v1/releases", {"order_ids": [i for i in taken if i is not None]})
        ready: list[str] = []
        while (packed := await self._pick_and_pack()) is not None:
            ready.append(packed)
        if not ready:
            return
        shipment = await yard.post("/v1/shipments", {"order_ids": ready, "portal": "dock-2"})
        body = {"portal": "dock-2", "shipment_ids": [shipment["id"]], "truck": "OUT"}
        visit = await yard.post("/v1/visits", body)
        tags = [sscc_tag(unit["sscc"]) for unit in shipment["units"]]
        await yard.drive(tags, portal="dock-2", direction="out")
        yard.wait(2 * MINUTE_US)
        await yard.post(f"/v1/visits/{visit['id']}/close")
        self.passes += 1
        self.trucks += 1

    async def _order(self) -> str | None:
        order = self._demand.next_order()
        answer = await self._yard.post(
            "/v1/orders",
            {
                "external_order_id": f"H-{next(self._serials):05d}",
                "channel": CHANNEL,
                "lines": [{"sku": line.sku, "quantity": line.quantity} for line in order.lines],
                "ship_to": {
                    "name": "Customer",
                    "line1": "Main street 1",
                    "city": order.city,
                    "postal_code": order.postal_code,
                    "country": "DE",
                },
            },
        )
        self._yard.wait(self._rng.randrange(1, 6) * MINUTE_US)
        return str(answer["id"]) if answer["status"] == "promised" else None

    async def _pick_and_pack(self) -> str | None:
        """Every stop of the next order into a tote, then a carton at its lane; None when done."""
        yard, worker = self._yard, "history"
        tote = tote_tag(OWNER_PREFIX, 9, next(self._serials))
        await yard.post("/v1/totes", {"key": tote.key})
        while True:
            found = await yard.post("/v1/pick-tasks/next", {"worker": worker})
            tasks = found.get("tasks", [])
            if not tasks:
                return None
            order_id = str(tasks[0]["order_id"])
            for task in tasks:
                yard.wait(self._rng.randrange(30, 120) * SECOND_US)
                body = {
                    "quantity": task["quantity"],
                    "tote": tote.key,
                    "epcs": task["epcs_here"][: task["quantity"]],
                }
                await yard.post(f"/v1/pick-tasks/{task['id']}/confirm", body)
            order = await yard.get(f"/v1/orders/{order_id}")
            if order["status"] == "picked":
                break
        yard.wait(3 * MINUTE_US)
        answer = await yard.post(
            f"/v1/orders/{order_id}/pack", {"tote": tote.key, "station": "PACK-1"}
        )
        carton = answer["carton"]
        await yard.post("/v1/stage", {"handling_unit": carton["id"], "location": "STAGE-OUT-1"})
        return order_id
