"""Reservations in SQL: quants are held by a conditional statement, each hold with its pick task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from core.db.stores.promise import RANK
from core.domain.reservation import Candidate, Chosen

# Pickable: storage or pick face, available, in date, not inside a unit that belongs to an order.
CANDIDATES = """
SELECT q.quant_id, q.item_id, q.lot_id, q.location_id, q.handling_unit_id, l.kind,
  q.on_hand - q.reserved AS free, lot.expires_at, q.received_at, l.walk_order
FROM quant q JOIN location l ON l.site_id = q.site_id AND l.location_id = q.location_id
LEFT JOIN lot ON lot.lot_id = q.lot_id
LEFT JOIN handling_unit h ON h.site_id = q.site_id AND h.handling_unit_id = q.handling_unit_id
WHERE q.site_id = $1 AND q.item_id = ANY($2::bigint[]) AND q.status = 'available'
  AND l.kind IN ('storage', 'pick_face') AND NOT l.locked
  AND (lot.expires_at IS NULL OR lot.expires_at > $3)
  AND h.fulfilment_id IS NULL AND h.shipment_id IS NULL
  AND q.on_hand > q.reserved AND q.quant_id <> ALL($4::bigint[])
ORDER BY q.owner_id, q.item_id, q.lot_id NULLS FIRST, q.location_id,
  q.handling_unit_id NULLS FIRST, q.status
FOR UPDATE OF q
"""
HOLD = """
UPDATE quant q SET reserved = q.reserved + k.quantity
FROM (SELECT c.quant_id, sum(c.quantity)::bigint AS quantity
  FROM unnest($2::bigint[], $3::bigint[]) AS c(quant_id, quantity) GROUP BY c.quant_id) AS k
WHERE q.site_id = $1 AND q.quant_id = k.quant_id AND q.on_hand - q.reserved >= k.quantity
"""
RESERVE = """
INSERT INTO reservation (site_id, reservation_id, purpose, quant_id, owner_id, item_id, quantity,
  fulfilment_id, line_no, task_id, created_at, changed_at)
SELECT $1, r.reservation_id, 'order', r.quant_id, $2, r.item_id, r.quantity, r.fulfilment_id,
  r.line_no, r.task_id, $3, $3
FROM unnest($4::uuid[], $5::uuid[], $6::bigint[], $7::bigint[], $8::bigint[], $9::uuid[],
  $10::bigint[]) AS r(reservation_id, task_id, quant_id, item_id, quantity, fulfilment_id, line_no)
"""
ADD_TASKS = """
INSERT INTO pick_task (site_id, task_id, wave_id, fulfilment_id, line_no, reservation_id, owner_id,
  item_id, lot_id, location_id, handling_unit_id, quantity, walk_order, created_at, changed_at)
SELECT $1, t.task_id, $2, t.fulfilment_id, t.line_no, t.reservation_id, $3, t.item_id, t.lot_id,
  t.location_id, t.handling_unit_id, t.quantity, t.walk_order, $4, $4
FROM unnest($5::uuid[], $6::uuid[], $7::int[], $8::uuid[], $9::bigint[], $10::bigint[],
  $11::bigint[], $12::uuid[], $13::bigint[], $14::int[])
  AS t(task_id, fulfilment_id, line_no, reservation_id, item_id, lot_id, location_id,
  handling_unit_id, quantity, walk_order)
"""
SPLIT = """
WITH part AS (
  INSERT INTO promise (site_id, promise_id, fulfilment_id, line_no, owner_id, item_id, quantity,
    state, created_at, expires_at)
  SELECT site_id, $4, fulfilment_id, line_no, owner_id, item_id, quantity - $3, 'reserved',
    created_at, expires_at
  FROM promise WHERE site_id = $1 AND promise_id = $2
)
UPDATE promise SET quantity = $3 WHERE site_id = $1 AND promise_id = $2 AND state = 'open'
"""
LOCK_HELD = """
SELECT q.quant_id FROM quant q WHERE q.site_id = $1 AND q.quant_id IN (
  SELECT r.quant_id FROM reservation r
  WHERE r.site_id = $1 AND r.fulfilment_id = $2 AND r.state = 'pending')
ORDER BY q.owner_id, q.item_id, q.lot_id NULLS FIRST, q.location_id,
  q.handling_unit_id NULLS FIRST, q.status FOR UPDATE
"""
VOID = """
WITH gone AS (
  UPDATE reservation SET state = 'voided', changed_at = $3
  WHERE site_id = $1 AND fulfilment_id = $2 AND state = 'pending'
  RETURNING reservation_id, quant_id, line_no, quantity
), freed AS (
  UPDATE quant q SET reserved = q.reserved - g.quantity
  FROM (SELECT quant_id, sum(quantity)::bigint AS quantity FROM gone GROUP BY quant_id) g
  WHERE q.site_id = $1 AND q.quant_id = g.quant_id
), stopped AS (
  UPDATE pick_task SET state = 'cancelled', changed_at = $3, lease_until = NULL
  WHERE site_id = $1 AND reservation_id IN (SELECT reservation_id FROM gone)
    AND state IN ('open', 'assigned')
)
SELECT line_no, sum(quantity)::bigint AS quantity FROM gone GROUP BY line_no
"""
CANCEL_TASKS = """
UPDATE pick_task SET state = 'cancelled', changed_at = $3, lease_until = NULL
WHERE site_id = $1 AND reservation_id = ANY($2::uuid[]) AND state IN ('open', 'assigned')
"""
CANCEL_REPLENISHMENT = """
UPDATE task SET state = 'cancelled', changed_at = $3, reason = 'stock moved'
WHERE site_id = $1 AND reservation_id = ANY($2::uuid[]) AND state IN ('open', 'assigned')
"""
RELEASABLE = f"""
SELECT f.fulfilment_id FROM fulfilment f
WHERE f.site_id = $1 AND f.state IN ('promised', 'partially_promised', 'released', 'picking',
    'partially_shipped')
  AND NOT f.on_hold AND NOT f.cancel_requested
  AND ($3::text[] IS NULL OR f.owner_id = ANY($3))
  AND EXISTS (SELECT 1 FROM promise p WHERE p.site_id = f.site_id
    AND p.fulfilment_id = f.fulfilment_id AND p.state = 'open')
ORDER BY {RANK} DESC, f.ship_by NULLS LAST, f.received_at, f.fulfilment_id LIMIT $2
"""


class PgReservationStore:
    """`ReservationStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def candidates(
        self, items: Iterable[int], *, now: int, excluded: Iterable[int] = ()
    ) -> list[Candidate]:
        """See the port."""
        rows = await self._raw.fetch(
            CANDIDATES, self._site, sorted(set(items)), now, list(excluded)
        )
        return [Candidate(**row) for row in rows]

    async def reserve(
        self,
        chosen: Sequence[tuple[UUID, UUID, Chosen]],
        *,
        owner: str,
        wave_id: UUID | None,
        now: int,
    ) -> None:
        """See the port."""
        if not chosen:
            return
        choices = [choice for _, _, choice in chosen]
        quants = [c.candidate.quant_id for c in choices]
        amounts = [c.quantity for c in choices]
        done = await self._raw.execute(HOLD, self._site, quants, amounts)
        if done != f"UPDATE {len(set(quants))}":
            raise RuntimeError("a locked quant changed under its lock")
        reservations, tasks = [r for r, _, _ in chosen], [t for _, t, _ in chosen]
        fulfilments = [c.demand.fulfilment_id for c in choices]
        lines, items = [c.demand.line_no for c in choices], [c.demand.item_id for c in choices]
        await self._raw.execute(
            RESERVE,
            self._site,
            owner,
            now,
            reservations,
            tasks,
            quants,
            items,
            amounts,
            fulfilments,
            lines,
        )
        await self._raw.execute(
            ADD_TASKS,
            self._site,
            wave_id,
            owner,
            now,
            tasks,
            fulfilments,
            lines,
            reservations,
            items,
            [c.candidate.lot_id for c in choices],
            [c.candidate.location_id for c in choices],
            [c.candidate.handling_unit_id for c in choices],
            amounts,
            [c.candidate.walk_order for c in choices],
        )

    async def split_promise(self, promise_id: UUID, *, left: int, part_id: UUID) -> None:
        """See the port."""
        await self._raw.execute(SPLIT, self._site, promise_id, left, part_id)

    async def void(self, fulfilment_id: UUID, *, now: int) -> dict[int, int]:
        """See the port."""
        await self._raw.execute(LOCK_HELD, self._site, fulfilment_id)
        rows = await self._raw.fetch(VOID, self._site, fulfilment_id, now)
        return {row["line_no"]: row["quantity"] for row in rows}

    async def cancel_tasks(self, reservation_ids: Iterable[UUID], *, now: int) -> None:
        """See the port."""
        wanted = list(reservation_ids)
        await self._raw.execute(CANCEL_TASKS, self._site, wanted, now)
        await self._raw.execute(CANCEL_REPLENISHMENT, self._site, wanted, now)

    async def add_wave(self, wave_id: UUID, *, rule: str, now: int) -> None:
        """See the port."""
        await self._raw.execute(
            "INSERT INTO wave (site_id, wave_id, state, rule, created_at, changed_at)"
            " VALUES ($1, $2, 'released', $3, $4, $4)",
            self._site,
            wave_id,
            rule,
            now,
        )

    async def releasable(self, *, limit: int, owners: Sequence[str] | None) -> list[UUID]:
        """See the port."""
        wanted = None if owners is None else list(owners)
        rows = await self._raw.fetch(RELEASABLE, self._site, limit, wanted)
        return [row["fulfilment_id"] for row in rows]
