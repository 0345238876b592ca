"""Pick tasks in SQL. SKIP LOCKED hands out orders only; stock is never skipped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from core.db.stores.promise import RANK
from core.domain.errors import not_found
from core.domain.picking import PickTask

TASK = """
SELECT t.task_id, t.fulfilment_id, t.line_no, t.reservation_id, r.quant_id, t.owner_id, t.item_id,
  t.lot_id, t.location_id, l.kind AS location_kind, t.handling_unit_id, t.quantity, t.picked,
  t.state, t.wave_id, t.assigned_to
FROM pick_task t
JOIN reservation r ON r.site_id = t.site_id AND r.reservation_id = t.reservation_id
JOIN location l ON l.site_id = t.site_id AND l.location_id = t.location_id
WHERE t.site_id = $1 AND t.task_id = $2
"""
# Locked on its own first: a join would be read from before the wait for the lock.
LOCK_TASK = "SELECT 1 FROM pick_task WHERE site_id = $1 AND task_id = $2 FOR UPDATE"
HELD_BY = """
SELECT t.fulfilment_id FROM pick_task t
JOIN fulfilment f ON f.site_id = t.site_id AND f.fulfilment_id = t.fulfilment_id
WHERE t.site_id = $1 AND t.state = 'assigned' AND t.assigned_to = $2
ORDER BY t.changed_at LIMIT 1
"""
NEXT_ORDER = f"""
SELECT f.fulfilment_id FROM fulfilment f
WHERE f.site_id = $1 AND f.state IN ('released', 'picking', 'partially_shipped')
  AND NOT f.on_hold AND NOT f.cancel_requested
  AND ($2::text[] IS NULL OR f.owner_id = ANY($2))
  AND EXISTS (SELECT 1 FROM pick_task t WHERE t.site_id = f.site_id
    AND t.fulfilment_id = f.fulfilment_id AND t.state = 'open')
  AND NOT EXISTS (SELECT 1 FROM pick_task t WHERE t.site_id = f.site_id
    AND t.fulfilment_id = f.fulfilment_id AND t.state = 'assigned')
ORDER BY {RANK} DESC, f.ship_by NULLS LAST, f.released_at, f.fulfilment_id
LIMIT 1 FOR UPDATE OF f SKIP LOCKED
"""
ASSIGN = """
UPDATE pick_task SET state = 'assigned', assigned_to = $3, lease_until = $4, changed_at = $5,
  started_at = COALESCE(started_at, $5)
WHERE site_id = $1 AND fulfilment_id = $2
  AND (state = 'open' OR (state = 'assigned' AND assigned_to = $3))
"""
HAND_ON = """
UPDATE pick_task SET state = 'assigned', assigned_to = $3, changed_at = $4, started_at = $4,
  lease_until = COALESCE((SELECT max(o.lease_until) FROM pick_task o WHERE o.site_id = $1
    AND o.assigned_to = $3 AND o.state = 'assigned'), $4::bigint + 600000000)
WHERE site_id = $1 AND fulfilment_id = $2 AND state = 'open'
"""
TOTE_START = """
SELECT location_id FROM location WHERE site_id = $1 AND kind IN ('conveyor', 'packing', 'staging')
ORDER BY CASE kind WHEN 'conveyor' THEN 0 WHEN 'packing' THEN 1 ELSE 2 END, location_id LIMIT 1
"""
MINE = """
SELECT task_id FROM pick_task
WHERE site_id = $1 AND fulfilment_id = $2 AND state = 'assigned' AND assigned_to = $3
ORDER BY walk_order, task_id
"""
PROGRESS = """
UPDATE pick_task SET state = $3, picked = $4, reason = COALESCE($5, reason), assigned_to = $6,
  changed_at = $7, done_at = CASE WHEN $3 IN ('picked', 'short') THEN $7::bigint END,
  lease_until = CASE WHEN $3::text = 'assigned' THEN lease_until END
WHERE site_id = $1 AND task_id = $2
"""
FREE_QUANT = """
UPDATE quant SET reserved = reserved - $3 WHERE site_id = $1 AND quant_id = $2
"""
POST_ALL = """
UPDATE reservation SET state = 'posted', changed_at = $3
WHERE site_id = $1 AND reservation_id = $2 AND state = 'pending' AND quantity = $4
RETURNING quant_id
"""
POST_PART = """
WITH part AS (
  INSERT INTO reservation (site_id, reservation_id, purpose, quant_id, owner_id, item_id, quantity,
    fulfilment_id, line_no, task_id, state, created_at, changed_at)
  SELECT site_id, $5, purpose, quant_id, owner_id, item_id, $4, fulfilment_id, line_no, task_id,
    'posted', created_at, $3
  FROM reservation WHERE site_id = $1 AND reservation_id = $2 AND state = 'pending'
)
UPDATE reservation SET quantity = quantity - $4, changed_at = $3
WHERE site_id = $1 AND reservation_id = $2 AND state = 'pending' AND quantity > $4
RETURNING quant_id
"""
VOID = """
UPDATE reservation SET state = 'voided', changed_at = $3
WHERE site_id = $1 AND reservation_id = $2 AND state = 'pending' RETURNING quant_id, quantity
"""
HOLDERS = """
SELECT h.handling_unit_id, h.location_id FROM handling_unit h
WHERE h.site_id = $1 AND h.fulfilment_id = $2 AND h.state <> 'gone'
  AND EXISTS (SELECT 1 FROM quant q WHERE q.site_id = h.site_id
    AND q.handling_unit_id = h.handling_unit_id)
"""
ADD_TASK = """
INSERT INTO task (site_id, task_id, kind, owner_id, item_id, lot_id, handling_unit_id, quantity,
  source_location_id, reason, created_at, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
"""
LET_GO = """
UPDATE handling_unit SET fulfilment_id = NULL, shipment_id = NULL, changed_at = $3
WHERE site_id = $1 AND fulfilment_id = $2
"""
OFF_SHIPMENTS = """
DELETE FROM shipment_unit u USING shipment s
WHERE u.site_id = $1 AND u.fulfilment_id = $2 AND s.site_id = u.site_id
  AND s.shipment_id = u.shipment_id AND s.state IN ('planned', 'staged')
"""
SETTLE_WAVE = """
UPDATE wave w SET changed_at = $3, state = CASE
  WHEN EXISTS (SELECT 1 FROM pick_task t WHERE t.site_id = $1 AND t.wave_id = $2
    AND t.state IN ('open', 'assigned')) THEN 'picking' ELSE 'done' END
WHERE w.site_id = $1 AND w.wave_id = $2 AND w.state IN ('released', 'picking')
"""
EXPIRE = """
UPDATE pick_task SET state = 'open', assigned_to = NULL, lease_until = NULL, changed_at = $2
WHERE site_id = $1 AND state = 'assigned' AND lease_until < $2
"""


class PgPickStore:
    """`PickStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def order_of(self, task_id: UUID, owners: Sequence[str] | None) -> UUID:
        """See the port."""
        found: UUID | None = await self._raw.fetchval(
            "SELECT fulfilment_id FROM pick_task WHERE site_id = $1 AND task_id = $2"
            " AND ($3::text[] IS NULL OR owner_id = ANY($3))",
            self._site,
            task_id,
            None if owners is None else list(owners),
        )
        if found is None:
            raise not_found("pick task")
        return found

    async def lock(self, task_id: UUID) -> PickTask:
        """See the port."""
        await self._raw.execute(LOCK_TASK, self._site, task_id)
        row = await self._raw.fetchrow(TASK, self._site, task_id)
        if row is None:
            raise not_found("pick task")
        return PickTask(**row)

    async def held_by(self, worker: str) -> UUID | None:
        """See the port."""
        found: UUID | None = await self._raw.fetchval(HELD_BY, self._site, worker)
        return found

    async def next_order(self, owners: Sequence[str] | None) -> UUID | None:
        """See the port."""
        scope = None if owners is None else list(owners)
        found: UUID | None = await self._raw.fetchval(NEXT_ORDER, self._site, scope)
        return found

    async def assign(
        self, fulfilment_id: UUID, *, worker: str, lease_until: int, now: int
    ) -> list[UUID]:
        """See the port."""
        await self._raw.execute(ASSIGN, self._site, fulfilment_id, worker, lease_until, now)
        rows = await self._raw.fetch(MINE, self._site, fulfilment_id, worker)
        return [row["task_id"] for row in rows]

    async def hand_on(self, fulfilment_id: UUID, *, worker: str, now: int) -> None:
        """See the port."""
        await self._raw.execute(HAND_ON, self._site, fulfilment_id, worker, now)

    async def tote_start(self) -> int:
        """See the port."""
        found = await self._raw.fetchval(TOTE_START, self._site)
        if found is None:
            raise not_found("place for totes")
        return int(found)

    async def progress(self, task: PickTask, *, reason: str | None, now: int) -> None:
        """See the port."""
        await self._raw.execute(
            PROGRESS,
            self._site,
            task.task_id,
            task.state,
            task.picked,
            reason,
            task.assigned_to,
            now,
        )

    async def consume(self, task: PickTask, quantity: int, *, part_id: UUID, now: int) -> None:
        """See the port."""
        where = (self._site, task.reservation_id, now, quantity)
        quant_id = await self._raw.fetchval(POST_ALL, *where)
        if quant_id is None:
            quant_id = await self._raw.fetchval(POST_PART, *where, part_id)
        if quant_id is None:
            raise RuntimeError("a task in hand lost its reservation under its lock")
        await self._raw.execute(FREE_QUANT, self._site, quant_id, quantity)

    async def void_rest(self, task: PickTask, *, now: int) -> int:
        """See the port."""
        row = await self._raw.fetchrow(VOID, self._site, task.reservation_id, now)
        if row is None:
            return 0
        await self._raw.execute(FREE_QUANT, self._site, row["quant_id"], row["quantity"])
        return int(row["quantity"])

    async def put_back(self, fulfilment_id: UUID, *, now: int, ids: Callable[[], UUID]) -> int:
        """See the port."""
        rows = await self._raw.fetch(HOLDERS, self._site, fulfilment_id)
        for row in rows:
            values = (ids(), "put_back", None, None, None, row["handling_unit_id"], 0)
            place = row["location_id"]
            await self._raw.execute(ADD_TASK, self._site, *values, place, "cancelled", now)
        await self._raw.execute(OFF_SHIPMENTS, self._site, fulfilment_id)
        await self._raw.execute(LET_GO, self._site, fulfilment_id, now)
        return len(rows)

    async def count_task(self, task: PickTask, *, task_id: UUID, reason: str, now: int) -> None:
        """See the port."""
        goods = (task.owner_id, task.item_id, task.lot_id, task.handling_unit_id, 0)
        await self._raw.execute(
            ADD_TASK, self._site, task_id, "count", *goods, task.location_id, reason, now
        )

    async def settle_wave(self, wave_id: UUID, *, now: int) -> None:
        """See the port."""
        await self._raw.execute(SETTLE_WAVE, self._site, wave_id, now)

    async def expire_leases(self, *, now: int) -> int:
        """See the port."""
        done = await self._raw.execute(EXPIRE, self._site, now)
        return int(done.split()[-1])
