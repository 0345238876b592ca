"""Order work in tests, in a few words: orders in, goods through the floor, the book's numbers."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from contracts.gs1.keys import grai_from, grai_key, gtin_from, sgtin_key
from core.application.intake import Accepted, OrderRequest, RequestedLine, accept_order
from core.application.ledger import post_moves
from core.application.packing import Carton, pack_order, stage
from core.application.picking import Picked, confirm_pick, next_tasks
from core.application.ports.uow import UnitOfWork, in_transaction
from core.application.release import release_by_rule
from core.application.shipments import ShipmentPlan, plan_shipment
from core.application.totes import register_tote
from core.application.verify import verify
from core.db.uow import PgUnitOfWork, PgUnitOfWorkFactory, build_engine
from core.domain.errors import Refused
from tests.builders import NOW, OWNER, SITE, Ids, Warehouse, a_move, a_warehouse

T = TypeVar("T")
LEASE = 60_000_000


def tote_key(number: int) -> str:
    """The key of a tote."""
    return grai_key(grai_from("0614141", 1, str(number)))


def unit_key(number: int) -> str:
    """The key of a tagged unit of the item with tags."""
    return sgtin_key(gtin_from("0614141", 1), str(number))


@dataclass
class Floor:
    """One warehouse and the use cases of orders, each call in its own transaction."""

    open_unit: PgUnitOfWorkFactory
    house: Warehouse = field(default_factory=Warehouse)
    ids: Ids = field(default_factory=Ids)
    now: int = NOW
    placed: int = 0
    rng: random.Random = field(default_factory=lambda: random.Random(7))

    async def run(self, work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """Work in one transaction, repeated on contention as the product does."""
        self.now += 1000
        return await in_transaction(self.open_unit, SITE, work, jitter=self.rng.random)

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[PgUnitOfWork]:
        """One transaction; the clock moves on by a millisecond."""
        self.now += 1000
        async with self.open_unit(SITE) as uow:
            yield uow

    async def holds(self, quantity: int, *, at: str = "A-01-01-1", sku: str = "SKU-1") -> None:
        """Untagged goods come from the supplier to a place."""
        async with self.unit() as uow:
            move = a_move(self.house, quantity, target=at, sku=sku, key=f"in:{self.now}")
            await uow.stock.post([move], recorded_at=self.now)

    async def holds_tagged(
        self, numbers: Sequence[int], *, at: str = "A-01-01-1", sku: str = "SKU-1"
    ) -> None:
        """Tagged units come from the supplier to a place."""
        async with self.unit() as uow:
            keys = [unit_key(n) for n in numbers]
            await uow.raw.execute(
                "INSERT INTO unit (site_id, epc_key, owner_id, item_id, changed_at)"
                " SELECT $1, k, $2, $3, $4 FROM unnest($5::text[]) AS k",
                SITE,
                OWNER,
                self.house.items[sku],
                self.now,
                keys,
            )
            moves = [
                a_move(self.house, 1, target=at, sku=sku, key=f"in:{k}", epc_key=k) for k in keys
            ]
            await uow.stock.post(moves, recorded_at=self.now)

    async def order(self, *lines: int, sku: str = "SKU-1", **more: Any) -> UUID:
        """An order with a line of each quantity."""
        return (await self.accept(*lines, sku=sku, **more)).order_id

    async def accept(self, *lines: int, sku: str = "SKU-1", **more: Any) -> Accepted:
        """The same, with what became of it."""
        self.placed += 1
        wanted = a_request(*lines, name=f"SO-{self.placed}", sku=sku, **more)

        async def work(uow: UnitOfWork) -> Accepted:
            return await accept_order(uow, wanted, now=self.now, ids=self.ids)

        return await self.run(work)

    async def release(self) -> int:
        """Release by rule; how many orders."""

        async def work(uow: UnitOfWork) -> int:
            done = await release_by_rule(uow, limit=500, now=self.now, ids=self.ids)
            return len(done.orders)

        return await self.run(work)

    async def tote(self, number: int) -> str:
        """A tote that the site knows."""
        async with self.unit() as uow:
            await register_tote(uow, tote_key(number), now=self.now, ids=self.ids)
        return tote_key(number)

    async def take(self, worker: str = "ann", tote: str | None = None) -> list[UUID]:
        """Work for a picker."""

        async def work(uow: UnitOfWork) -> list[UUID]:
            return await next_tasks(
                uow, worker=worker, tote=tote, owners=None, now=self.now, lease_us=LEASE
            )

        return await self.run(work)

    async def pick(self, task_id: UUID, quantity: int, tote: str, *epcs: str) -> None:
        """Goods into the tote."""
        picked = Picked(quantity=quantity, tote=tote, epcs=epcs)

        async def work(uow: UnitOfWork) -> None:
            await confirm_pick(
                uow, task_id, picked, owners=None, now=self.now, ids=self.ids, actor="ann"
            )

        await self.run(work)

    async def pick_all(self, number: int = 1) -> str:
        """Everything that the most urgent order has on the floor, into one tote."""
        tote = await self.tote(number)
        for task_id in await self.take(tote=tote):
            async with self.unit() as uow:
                task = await uow.picking.lock(task_id)
                here = await uow.carriers.at(task.place, task.item_id)
            keys = [c.epc_key for c in here if c.epc_key is not None][: task.quantity]
            await self.pick(task_id, task.quantity, tote, *keys)
        return tote

    async def pack(self, order_id: UUID, tote: str) -> Carton:
        """The tote's goods into a carton."""
        async with self.unit() as uow:
            return await pack_order(
                uow,
                order_id,
                tote=tote,
                station="PACK-1",
                owners=None,
                now=self.now,
                ids=self.ids,
                actor="pia",
            )

    async def stage(self, carton: Carton, location: str = "STAGE-OUT-1") -> None:
        """The carton to its lane."""
        async with self.unit() as uow:
            await stage(
                uow,
                carton.carrier.epc_key,
                location=location,
                owners=None,
                now=self.now,
                ids=self.ids,
                actor="pia",
            )

    async def shipment(self, *order_ids: UUID) -> UUID:
        """A shipment of these orders."""
        async with self.unit() as uow:
            return await plan_shipment(
                uow, ShipmentPlan(order_ids=order_ids), owners=None, now=self.now, ids=self.ids
            )

    async def carry(self, quantity: int, origin: str, target: str, *, sku: str = "SKU-1") -> bool:
        """Goods from place to place, whoever reserved them; false when there are not so many."""
        key = f"carry:{self.ids()}"
        move = a_move(self.house, quantity, origin=origin, target=target, sku=sku, key=key)

        async def work(uow: UnitOfWork) -> None:
            await post_moves(uow, [move], now=self.now, ids=self.ids)

        try:
            await self.run(work)
        except Refused:
            return False
        return True

    async def see(self, order_id: UUID) -> dict[str, Any]:
        """The order as the interface shows it."""
        async with self.unit() as uow:
            return await uow.order_views.order(order_id, None)

    async def rows(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        """Rows of a statement."""
        async with self.unit() as uow:
            return [tuple(row) for row in await uow.raw.fetch(sql, *arguments)]

    async def stock(self) -> dict[str, tuple[int, int]]:
        """(on hand, reserved) by place code, all items together."""
        rows = await self.rows(
            "SELECT l.code, sum(q.on_hand)::bigint, sum(q.reserved)::bigint FROM quant q"
            " JOIN location l USING (site_id, location_id) GROUP BY 1 ORDER BY 1"
        )
        return {code: (on_hand, reserved) for code, on_hand, reserved in rows}

    async def levels(self, sku: str = "SKU-1") -> tuple[int, int]:
        """(sellable, committed) of an item."""
        rows = await self.rows(
            "SELECT sellable, committed FROM availability WHERE item_id = $1",
            self.house.items[sku],
        )
        return rows[0][0], rows[0][1]

    async def drift(self) -> list[str]:
        """What the ledger check finds."""
        async with self.unit() as uow:
            found = await verify(uow, clock=lambda: self.now)
        return [f"{f.invariant}: {f.subject} {f.fact}" for f in found]

    async def events(self) -> list[str]:
        """Names of the events told, in order."""
        return [row[0] for row in await self.rows("SELECT event FROM outbox ORDER BY id")]


def a_request(*lines: int, name: str, sku: str = "SKU-1", **more: Any) -> OrderRequest:
    """An order request with a line of each quantity."""
    body = {"external_order_id": name, "lines": lines, "sku": sku, **more}
    return OrderRequest(
        owner=OWNER,
        channel="web",
        external_order_id=name,
        lines=tuple(RequestedLine(str(n), sku, q) for n, q in enumerate(lines, start=1)),
        body={"external_order_id": name},
        digest=hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest(),
        **more,
    )


@asynccontextmanager
async def a_floor(database_url: str, *skus: str, pool: int = 10) -> AsyncIterator[Floor]:
    """An empty warehouse in a fresh database."""
    engine = build_engine(database_url, pool_size=pool)
    floor = Floor(PgUnitOfWorkFactory(engine))
    async with floor.unit() as uow:
        floor.house = await a_warehouse(uow, *skus)
    try:
        yield floor
    finally:
        await engine.dispose()
