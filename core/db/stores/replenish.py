"""Replenishment in SQL: low faces locked in key order, reserve stock held for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from core.application.ports.replenish import Hold
from core.db.stores.reservation import HOLD
from core.domain.replenishment import Face, Refill
from core.domain.stock import Place

LOW_FACES = """
SELECT pf.location_id, i.owner_id, pf.item_id, pf.min_quantity, pf.max_quantity,
  COALESCE(q.on_hand, 0) AS on_hand, COALESCE(q.reserved, 0) AS reserved,
  COALESCE(t.coming, 0) AS coming
FROM pick_face pf JOIN item i ON i.item_id = pf.item_id
LEFT JOIN LATERAL (SELECT sum(q.on_hand)::bigint AS on_hand, sum(q.reserved)::bigint AS reserved
  FROM quant q WHERE q.site_id = pf.site_id AND q.location_id = pf.location_id
    AND q.item_id = pf.item_id AND q.owner_id = i.owner_id AND q.status = 'available') q ON true
LEFT JOIN LATERAL (SELECT sum(t.quantity)::bigint AS coming FROM task t
  WHERE t.site_id = pf.site_id AND t.kind = 'replenishment' AND t.state IN ('open', 'assigned')
    AND t.target_location_id = pf.location_id AND t.item_id = pf.item_id) t ON true
WHERE pf.site_id = $1
  AND COALESCE(q.on_hand, 0) - COALESCE(q.reserved, 0) + COALESCE(t.coming, 0) < pf.min_quantity
ORDER BY pf.location_id, pf.item_id LIMIT $2
"""
# Locked first, so that a second worker reads the tasks which the first one made.
LOCK_FACES = """
SELECT 1 FROM pick_face WHERE site_id = $1 ORDER BY location_id, item_id FOR UPDATE
"""
RESERVE = """
INSERT INTO reservation (site_id, reservation_id, purpose, quant_id, owner_id, item_id, quantity,
  task_id, created_at, changed_at)
SELECT $1, r.reservation_id, 'replenishment', r.quant_id, r.owner_id, r.item_id, r.quantity,
  r.task_id, $2, $2
FROM unnest($3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[])
  AS r(reservation_id, task_id, quant_id, owner_id, item_id, quantity)
"""
ADD_TASKS = """
INSERT INTO task (site_id, task_id, kind, state, owner_id, item_id, lot_id, quantity,
  source_location_id, target_location_id, reservation_id, reason, created_at, changed_at)
SELECT $1, t.task_id, 'replenishment', 'open', t.owner_id, t.item_id, t.lot_id, t.quantity,
  t.source, t.target, t.reservation_id, 'pick face is low', $2, $2
FROM unnest($3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
  $9::bigint[], $10::uuid[])
  AS t(task_id, owner_id, item_id, lot_id, quantity, source, target, reservation_id)
"""
HOLD_OF = """
SELECT r.reservation_id, r.quant_id, q.item_id, q.lot_id, r.quantity, q.location_id, l.kind,
  q.handling_unit_id, q.status
FROM reservation r JOIN quant q ON q.site_id = r.site_id AND q.quant_id = r.quant_id
JOIN location l ON l.site_id = q.site_id AND l.location_id = q.location_id
WHERE r.site_id = $1 AND r.reservation_id = $2 AND r.state = 'pending'
"""
LOCK_HOLD = "SELECT 1 FROM reservation WHERE site_id = $1 AND reservation_id = $2 FOR UPDATE"
SETTLE = """
UPDATE reservation SET state = $3, quantity = $4, changed_at = $5
WHERE site_id = $1 AND reservation_id = $2
"""
FREE = "UPDATE quant SET reserved = reserved - $3 WHERE site_id = $1 AND quant_id = $2"


class PgReplenishStore:
    """`ReplenishStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def low_faces(self, *, limit: int) -> list[Face]:
        """See the port."""
        await self._raw.execute(LOCK_FACES, self._site)
        faces = [Face(**row) for row in await self._raw.fetch(LOW_FACES, self._site, limit)]
        return sorted(faces, key=lambda face: (face.left, face.location_id))

    async def reserve(self, refills: Sequence[tuple[UUID, UUID, Refill]], *, now: int) -> None:
        """See the port."""
        plans = [refill for _, _, refill in refills]
        quants = [p.candidate.quant_id for p in plans]
        amounts = [p.quantity for p in plans]
        done = await self._raw.execute(HOLD, self._site, quants, amounts)
        if done != f"UPDATE {len(set(quants))}":
            raise RuntimeError("a locked quant changed under its lock")
        reservations, tasks = [r for r, _, _ in refills], [t for _, t, _ in refills]
        owners, items = [p.face.owner_id for p in plans], [p.face.item_id for p in plans]
        await self._raw.execute(
            RESERVE, self._site, now, reservations, tasks, quants, owners, items, amounts
        )
        await self._raw.execute(
            ADD_TASKS,
            self._site,
            now,
            tasks,
            owners,
            items,
            [p.candidate.lot_id for p in plans],
            amounts,
            [p.candidate.location_id for p in plans],
            [p.face.location_id for p in plans],
            reservations,
        )

    async def hold(self, reservation_id: UUID) -> Hold | None:
        """See the port."""
        await self._raw.execute(LOCK_HOLD, self._site, reservation_id)
        row = await self._raw.fetchrow(HOLD_OF, self._site, reservation_id)
        if row is None:
            return None
        place = Place(row["location_id"], row["kind"], row["handling_unit_id"], row["status"])
        return Hold(
            row["reservation_id"],
            row["quant_id"],
            row["item_id"],
            row["lot_id"],
            row["quantity"],
            place,
        )

    async def settle(self, hold: Hold, *, posted: int, now: int) -> None:
        """See the port."""
        state, kept = ("posted", posted) if posted else ("voided", hold.quantity)
        await self._raw.execute(FREE, self._site, hold.quant_id, hold.quantity)
        await self._raw.execute(SETTLE, self._site, hold.reservation_id, state, kept, now)
