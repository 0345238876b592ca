"""Read side of stock in SQL: keyset pages on ledgers, one statement per question."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

from core.application.ports.stock_views import AsOfPlace, MoveFilter, Owners, Row
from core.db.stores.order_views import scope
from core.domain.errors import not_found
from core.domain.stock import VIRTUAL_KINDS

STOCK = """
SELECT q.quant_id, q.owner_id AS owner, i.sku, i.name, lot.code AS lot, lot.expires_at,
  l.code AS location, l.kind AS location_kind, q.handling_unit_id AS handling_unit,
  h.epc_key AS handling_unit_key, q.status, q.on_hand, q.reserved,
  q.on_hand - q.reserved AS available, q.received_at
FROM quant q JOIN item i ON i.item_id = q.item_id
JOIN location l ON l.site_id = q.site_id AND l.location_id = q.location_id
LEFT JOIN lot ON lot.lot_id = q.lot_id
LEFT JOIN handling_unit h ON h.site_id = q.site_id AND h.handling_unit_id = q.handling_unit_id
WHERE q.site_id = $1 AND ($2::text[] IS NULL OR q.owner_id = ANY($2))
  AND ($3::text IS NULL OR i.sku = $3) AND ($4::text IS NULL OR l.code = $4)
  AND ($5::bigint IS NULL OR q.quant_id > $5) AND q.on_hand > 0
ORDER BY q.quant_id LIMIT $6
"""
# Balances follow record order: today's less what was recorded since.
AS_OF = """
WITH wanted AS (
  SELECT (SELECT array_agg(item_id) FROM item WHERE sku = $4
      AND ($3::text[] IS NULL OR owner_id = ANY($3))) AS items,
    (SELECT array_agg(location_id) FROM location WHERE site_id = $1 AND code = $5) AS places),
held AS (
  SELECT q.owner_id, q.item_id, q.lot_id, q.location_id, q.handling_unit_id, q.status,
    q.on_hand AS n
  FROM quant q, wanted w WHERE q.site_id = $1
    AND ($4::text IS NULL OR q.item_id = ANY(w.items))
    AND ($5::text IS NULL OR q.location_id = ANY(w.places))
  UNION ALL
  SELECT m.owner_id, m.item_id, m.lot_id, m.source_location_id, m.source_handling_unit_id,
    m.source_status, m.quantity
  FROM move m, wanted w WHERE m.site_id = $1 AND m.recorded_at > $2
    AND ($4::text IS NULL OR m.item_id = ANY(w.items))
    AND ($5::text IS NULL OR m.source_location_id = ANY(w.places))
  UNION ALL
  SELECT m.owner_id, m.item_id, m.lot_id, m.target_location_id, m.target_handling_unit_id,
    m.target_status, -m.quantity
  FROM move m, wanted w WHERE m.site_id = $1 AND m.recorded_at > $2
    AND ($4::text IS NULL OR m.item_id = ANY(w.items))
    AND ($5::text IS NULL OR m.target_location_id = ANY(w.places))),
then_held AS (
  SELECT owner_id, item_id, lot_id, location_id, handling_unit_id, status, sum(n)::bigint AS on_hand
  FROM held GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(n) <> 0)
SELECT t.item_id, t.location_id, COALESCE(t.lot_id, 0) AS lot_id,
  COALESCE(t.handling_unit_id::text, '') AS handling_unit_text, t.owner_id AS owner, i.sku, i.name,
  lot.code AS lot, lot.expires_at, l.code AS location, l.kind AS location_kind,
  t.handling_unit_id AS handling_unit, h.epc_key AS handling_unit_key, t.status, t.on_hand
FROM then_held t JOIN item i ON i.item_id = t.item_id
JOIN location l ON l.site_id = $1 AND l.location_id = t.location_id
LEFT JOIN lot ON lot.lot_id = t.lot_id
LEFT JOIN handling_unit h ON h.site_id = $1 AND h.handling_unit_id = t.handling_unit_id
WHERE l.kind <> ALL($6) AND ($3::text[] IS NULL OR t.owner_id = ANY($3))
  AND ($7::bigint IS NULL OR (t.item_id, t.location_id, COALESCE(t.lot_id, 0),
    COALESCE(t.handling_unit_id::text, ''), t.status) > ($7, $8::bigint, $9::bigint, $10, $11))
ORDER BY 1, 2, 3, 4, t.status LIMIT $12
"""
MOVE = """
SELECT m.move_id AS id, m.owner_id AS owner, i.sku, lot.code AS lot, m.quantity, m.epc_key AS epc,
  s.code AS source, m.source_handling_unit_id AS source_handling_unit, m.source_status,
  t.code AS target, m.target_handling_unit_id AS target_handling_unit, m.target_status,
  m.biz_step, m.cause, m.cause_id, m.pass_id, m.reverses_move_id AS reverses, m.actor,
  m.occurred_at, m.recorded_at
FROM move m JOIN item i ON i.item_id = m.item_id
JOIN location s ON s.site_id = m.site_id AND s.location_id = m.source_location_id
JOIN location t ON t.site_id = m.site_id AND t.location_id = m.target_location_id
LEFT JOIN lot ON lot.lot_id = m.lot_id
WHERE m.site_id = $1 AND ($2::text[] IS NULL OR m.owner_id = ANY($2))
"""
# An order's moves: its picks by task, its packing and shipping by order.
MOVES = (
    MOVE
    + """
  AND ($3::text IS NULL OR m.item_id IN (SELECT item_id FROM item WHERE sku = $3))
  AND ($4::text IS NULL OR m.epc_key = $4) AND ($5::uuid IS NULL OR m.pass_id = $5)
  AND ($6::uuid IS NULL OR (m.cause, m.cause_id) IN (
    SELECT 'order', $6::text UNION ALL
    SELECT 'task', p.task_id::text FROM pick_task p
    JOIN fulfilment f ON f.site_id = p.site_id AND f.fulfilment_id = p.fulfilment_id
    WHERE p.site_id = $1 AND f.order_id = $6))
  AND ($7::bigint IS NULL OR m.move_id < $7)
ORDER BY m.move_id DESC LIMIT $8
"""
)
UNIT = """
SELECT u.epc_key AS key, u.owner_id AS owner, i.sku, i.name, lot.code AS lot, u.state, u.status,
  l.code AS location, u.handling_unit_id AS handling_unit, h.epc_key AS handling_unit_key,
  u.changed_at, p.last_seen_at, p.confidence, pl.code AS seen_location
FROM unit u JOIN item i ON i.item_id = u.item_id
LEFT JOIN lot ON lot.lot_id = u.lot_id
LEFT JOIN location l ON l.site_id = u.site_id AND l.location_id = u.location_id
LEFT JOIN handling_unit h ON h.site_id = u.site_id AND h.handling_unit_id = u.handling_unit_id
LEFT JOIN position p ON p.site_id = u.site_id AND p.subject = u.epc_key
LEFT JOIN location pl ON pl.site_id = p.site_id AND pl.location_id = p.location_id
WHERE u.site_id = $1 AND u.epc_key = $2 AND ($3::text[] IS NULL OR u.owner_id = ANY($3))
"""
CARRIER = """
SELECT h.handling_unit_id AS id, h.epc_key AS key, h.kind, h.state, h.owner_id AS owner,
  l.code AS location, h.parent_id AS parent, h.shipment_id, f.order_id, h.changed_at,
  p.last_seen_at, p.confidence, pl.code AS seen_location
FROM handling_unit h
LEFT JOIN location l ON l.site_id = h.site_id AND l.location_id = h.location_id
LEFT JOIN fulfilment f ON f.site_id = h.site_id AND f.fulfilment_id = h.fulfilment_id
LEFT JOIN position p ON p.site_id = h.site_id AND p.subject = h.epc_key
LEFT JOIN location pl ON pl.site_id = p.site_id AND pl.location_id = p.location_id
WHERE h.site_id = $1 AND (h.handling_unit_id = $2 OR h.epc_key = $3)
  AND ($4::text[] IS NULL OR h.owner_id IS NULL OR h.owner_id = ANY($4))
"""
CONTENTS = """
SELECT i.sku, i.name, lot.code AS lot, q.status, q.on_hand AS quantity,
  ARRAY(SELECT u.epc_key FROM unit u WHERE u.site_id = q.site_id
    AND u.handling_unit_id = q.handling_unit_id AND u.item_id = q.item_id
    AND u.lot_id IS NOT DISTINCT FROM q.lot_id AND u.status = q.status AND u.state = 'present'
    ORDER BY u.epc_key LIMIT 500) AS epcs
FROM quant q JOIN item i ON i.item_id = q.item_id LEFT JOIN lot ON lot.lot_id = q.lot_id
WHERE q.site_id = $1 AND q.handling_unit_id = $2 AND q.on_hand > 0
  AND ($3::text[] IS NULL OR q.owner_id = ANY($3))
ORDER BY i.sku, q.quant_id
"""
NESTED = """
SELECT handling_unit_id AS id, epc_key AS key, kind, state FROM handling_unit
WHERE site_id = $1 AND parent_id = $2 ORDER BY epc_key
"""
STEPS = """
SELECT * FROM (
  (SELECT m.occurred_at AS at, 'move' AS what, s.code AS source, t.code AS target,
    m.biz_step AS fact, m.cause, m.pass_id, NULL::text AS portal, NULL::float AS confidence
  FROM move m JOIN location s ON s.site_id = m.site_id AND s.location_id = m.source_location_id
  JOIN location t ON t.site_id = m.site_id AND t.location_id = m.target_location_id
  WHERE m.site_id = $1 AND m.epc_key = $2 ORDER BY m.move_id DESC LIMIT $4)
  UNION ALL
  (SELECT min(m.occurred_at), 'move', s.code, t.code, m.biz_step, m.cause, m.pass_id, NULL, NULL
  FROM move m JOIN location s ON s.site_id = m.site_id AND s.location_id = m.source_location_id
  JOIN location t ON t.site_id = m.site_id AND t.location_id = m.target_location_id
  WHERE m.site_id = $1 AND $3::uuid IS NOT NULL
    AND (m.source_handling_unit_id = $3 OR m.target_handling_unit_id = $3)
  GROUP BY m.occurred_at, s.code, t.code, m.biz_step, m.cause, m.pass_id
  ORDER BY 1 DESC LIMIT $4)
  UNION ALL
  (SELECT COALESCE(p.closed_at, p.opened_at), 'pass', NULL, NULL, g.outcome, p.state, p.pass_id,
    p.portal, p.confidence
  FROM pass_tag g JOIN pass p ON p.site_id = g.site_id AND p.pass_id = g.pass_id
  WHERE g.site_id = $1 AND g.epc_key = $2 ORDER BY 1 DESC LIMIT $4)
  UNION ALL
  (SELECT c.since, 'position', s.code, t.code, c.read_point, NULL, NULL, NULL, c.confidence
  FROM position_change c
  LEFT JOIN location s ON s.site_id = c.site_id AND s.location_id = c.from_location_id
  LEFT JOIN location t ON t.site_id = c.site_id AND t.location_id = c.to_location_id
  WHERE c.site_id = $1 AND c.subject = $2 ORDER BY c.since DESC LIMIT $4)
) steps ORDER BY at DESC LIMIT $4
"""


class PgStockViews:
    """`StockViews` on one raw connection."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def stock(
        self,
        *,
        owners: Owners,
        sku: str | None,
        location: str | None,
        limit: int,
        after: int | None,
    ) -> list[Row]:
        """See the port."""
        rows = await self._raw.fetch(STOCK, self._site, scope(owners), sku, location, after, limit)
        return [dict(row) for row in rows]

    async def stock_as_of(
        self,
        at: int,
        *,
        owners: Owners,
        sku: str | None,
        location: str | None,
        limit: int,
        after: AsOfPlace | None,
    ) -> list[Row]:
        """See the port."""
        virtual = sorted(VIRTUAL_KINDS)
        place = (None, None, None, None, None) if after is None else after
        rows = await self._raw.fetch(
            AS_OF, self._site, at, scope(owners), sku, location, virtual, *place, limit
        )
        return [dict(row) for row in rows]

    async def moves(self, wanted: MoveFilter, *, limit: int, before: int | None) -> list[Row]:
        """See the port."""
        rows = await self._raw.fetch(
            MOVES,
            self._site,
            scope(wanted.owners),
            wanted.sku,
            wanted.epc_key,
            wanted.pass_id,
            wanted.order_id,
            before,
            limit,
        )
        return [dict(row) for row in rows]

    async def unit(self, key: str, owners: Owners) -> Row:
        """See the port."""
        row = await self._raw.fetchrow(UNIT, self._site, key, scope(owners))
        if row is None:
            raise not_found("unit")
        return dict(row)

    async def handling_unit(self, name: UUID | str, owners: Owners) -> Row:
        """See the port."""
        key = name if isinstance(name, str) else None
        unit_id = None if isinstance(name, str) else name
        row = await self._raw.fetchrow(CARRIER, self._site, unit_id, key, scope(owners))
        if row is None:
            raise not_found("handling unit")
        found = dict(row)
        contents = await self._raw.fetch(CONTENTS, self._site, row["id"], scope(owners))
        nested = await self._raw.fetch(NESTED, self._site, row["id"])
        found["contents"] = [dict(content) for content in contents]
        found["nested"] = [dict(unit) for unit in nested]
        return found

    async def journey(self, key: str, owners: Owners, *, limit: int) -> list[Row]:
        """See the port."""
        carrier = await self._raw.fetchrow(CARRIER, self._site, None, key, scope(owners))
        if carrier is None:
            await self.unit(key, owners)
        unit_id = None if carrier is None else carrier["id"]
        rows = await self._raw.fetch(STEPS, self._site, key, unit_id, limit)
        return [dict(row) for row in reversed(rows)]
