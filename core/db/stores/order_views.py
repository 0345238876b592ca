"""Read side of orders and pick tasks in SQL: one statement per table, never one per row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from core.application.ports.order_views import FROM_BODY, OrderFilter, Row
from core.domain.errors import not_found

HEAD = """
SELECT o.order_id AS id, o.order_number, o.external_order_id, o.channel, f.owner_id AS owner,
  f.site_id AS site, f.state AS status, f.on_hold, f.exception, f.cancel_requested, f.priority,
  o.fill_policy, f.ship_by, f.fulfilment_id, f.received_at, f.promised_at, f.released_at,
  f.picked_at, f.packed_at, f.staged_at, f.shipped_at, f.changed_at AS updated_at, f.version,
  o.body::text AS body
FROM fulfilment f JOIN customer_order o ON o.order_id = f.order_id
WHERE f.site_id = $1 AND ($2::text[] IS NULL OR f.owner_id = ANY($2))
"""
ONE = HEAD + " AND f.order_id = $3"
LIST = HEAD + (
    " AND ($3::text IS NULL OR f.state = $3) AND ($4::text IS NULL OR o.channel = $4)"
    " AND ($5::text IS NULL OR o.external_order_id = $5)"
    " AND ($6::bigint IS NULL OR f.changed_at >= $6)"
    " AND ($7::bigint IS NULL OR (f.received_at, f.order_id) < ($7, $8::uuid))"
    " ORDER BY f.received_at DESC, f.order_id DESC LIMIT $9"
)
LINES = """
SELECT fulfilment_id, external_line_id, sku, ordered, promised, reserved, picked, packed, shipped,
  cancelled, returned
FROM fulfilment_line WHERE site_id = $1 AND fulfilment_id = ANY($2::uuid[])
ORDER BY fulfilment_id, line_no
"""
CARTONS = """
SELECT h.fulfilment_id, h.handling_unit_id AS id, substr(h.epc_key, 4) AS sscc, h.epc_key AS key,
  h.state, l.code AS location, h.shipment_id
FROM handling_unit h LEFT JOIN location l ON l.site_id = h.site_id AND l.location_id = h.location_id
WHERE h.site_id = $1 AND h.fulfilment_id = ANY($2::uuid[]) AND h.kind = 'carton'
ORDER BY h.created_at, h.handling_unit_id
"""
PICK_TASKS = """
SELECT t.task_id AS id, f.order_id, o.order_number, t.line_no, i.sku, i.name AS item_name,
  t.quantity, t.picked, t.state, t.reason, t.assigned_to AS worker, t.lease_until,
  l.code AS location, l.x_m, l.y_m, t.handling_unit_id AS handling_unit, lot.code AS lot,
  h.epc_key AS tote,
  COALESCE((SELECT array_agg(u.epc_key) FROM (
    SELECT u.epc_key FROM unit u
    WHERE t.state IN ('open', 'assigned') AND u.site_id = t.site_id
      AND u.location_id = t.location_id AND u.item_id = t.item_id AND u.owner_id = t.owner_id
      AND u.lot_id IS NOT DISTINCT FROM t.lot_id AND u.status = 'available'
      AND u.handling_unit_id IS NOT DISTINCT FROM t.handling_unit_id AND u.state = 'present'
    ORDER BY u.epc_key LIMIT 50) u), '{}') AS epcs_here
FROM pick_task t
JOIN fulfilment f ON f.site_id = t.site_id AND f.fulfilment_id = t.fulfilment_id
JOIN customer_order o ON o.order_id = f.order_id
JOIN item i ON i.item_id = t.item_id
JOIN location l ON l.site_id = t.site_id AND l.location_id = t.location_id
LEFT JOIN lot ON lot.lot_id = t.lot_id
LEFT JOIN handling_unit h ON h.site_id = f.site_id AND h.handling_unit_id = f.tote_id
WHERE t.site_id = $1 AND ($2::text[] IS NULL OR t.owner_id = ANY($2))
  AND ($3::uuid[] IS NULL OR t.task_id = ANY($3)) AND ($4::text IS NULL OR t.state = $4)
  AND ($5::uuid IS NULL OR f.order_id = $5) AND ($6::uuid IS NULL OR t.task_id > $6)
"""
BY_ID = " ORDER BY t.task_id LIMIT $7"
BY_WALK = " ORDER BY t.walk_order, t.task_id LIMIT $7"
AVAILABILITY = """
SELECT i.item_id, i.sku, i.name, i.owner_id AS owner, i.safety_stock, i.min_stock,
  COALESCE(q.on_hand, 0) AS on_hand, COALESCE(q.quality, 0) AS quality,
  COALESCE(q.hold, 0) AS hold, COALESCE(q.damaged, 0) AS damaged,
  COALESCE(q.expired, 0) AS expired,
  GREATEST(COALESCE(a.sellable, 0) - COALESCE(a.committed, 0) - i.safety_stock, 0) AS available,
  COALESCE(p.quantity, 0) AS promised, COALESCE(r.quantity, 0) AS reserved,
  COALESCE(n.quantity, 0) AS incoming
FROM item i
LEFT JOIN availability a ON a.site_id = $1 AND a.owner_id = i.owner_id AND a.item_id = i.item_id
LEFT JOIN LATERAL (SELECT sum(q.on_hand)::bigint AS on_hand,
    (sum(q.on_hand) FILTER (WHERE q.status = 'quality'))::bigint AS quality,
    (sum(q.on_hand) FILTER (WHERE q.status = 'hold'))::bigint AS hold,
    (sum(q.on_hand) FILTER (WHERE q.status = 'damaged'))::bigint AS damaged,
    (sum(q.on_hand) FILTER (WHERE q.status = 'expired'))::bigint AS expired
  FROM quant q WHERE q.site_id = $1 AND q.owner_id = i.owner_id AND q.item_id = i.item_id
) q ON true
LEFT JOIN LATERAL (SELECT sum(p.quantity)::bigint AS quantity FROM promise p
  WHERE p.site_id = $1 AND p.owner_id = i.owner_id AND p.item_id = i.item_id
    AND p.state = 'open') p ON true
LEFT JOIN LATERAL (SELECT sum(r.quantity)::bigint AS quantity FROM reservation r
  WHERE r.site_id = $1 AND r.item_id = i.item_id AND r.state = 'pending'
    AND r.quant_id IN (SELECT quant_id FROM quant WHERE site_id = $1 AND item_id = i.item_id
      AND owner_id = i.owner_id)) r ON true
LEFT JOIN LATERAL (SELECT sum(GREATEST(l.expected - l.received, 0))::bigint AS quantity
  FROM asn_line l JOIN asn ON asn.site_id = l.site_id AND asn.asn_id = l.asn_id
  WHERE l.site_id = $1 AND l.item_id = i.item_id
    AND asn.state IN ('announced', 'arrived', 'receiving')) n ON true
WHERE ($2::text[] IS NULL OR i.owner_id = ANY($2)) AND ($3::text[] IS NULL OR i.sku = ANY($3))
  AND ($4::bigint IS NULL OR i.item_id > $4)
ORDER BY i.item_id LIMIT $5
"""


class PgOrderViews:
    """The order part of `OrderViews` on one raw connection."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def order(self, order_id: UUID, owners: Sequence[str] | None) -> Row:
        """See the port."""
        row = await self._raw.fetchrow(ONE, self._site, scope(owners), order_id)
        if row is None:
            raise not_found("order")
        return (await self._full([row]))[0]

    async def orders(
        self, wanted: OrderFilter, *, limit: int, after: tuple[int, str] | None
    ) -> list[Row]:
        """See the port."""
        rows = await self._raw.fetch(
            LIST,
            self._site,
            scope(wanted.owners),
            wanted.status,
            wanted.channel,
            wanted.external_order_id,
            wanted.updated_since,
            None if after is None else after[0],
            None if after is None else after[1],
            limit,
        )
        return await self._full(rows)

    async def _full(self, rows: Iterable[Any]) -> list[Row]:
        orders = [_head(row) for row in rows]
        by_id = {order["fulfilment_id"]: order for order in orders}
        for name, statement in (("lines", LINES), ("cartons", CARTONS)):
            for row in await self._raw.fetch(statement, self._site, list(by_id)):
                entry = dict(row)
                by_id[entry.pop("fulfilment_id")][name].append(entry)
        return orders

    async def pick_tasks(
        self,
        *,
        owners: Sequence[str] | None,
        task_ids: Sequence[UUID] | None = None,
        state: str | None = None,
        order_id: UUID | None = None,
        limit: int = 500,
        after: tuple[str] | None = None,
    ) -> list[Row]:
        """See the port."""
        rows = await self._raw.fetch(
            PICK_TASKS + (BY_ID if task_ids is None else BY_WALK),
            self._site,
            scope(owners),
            None if task_ids is None else list(task_ids),
            state,
            order_id,
            None if after is None else after[0],
            limit,
        )
        return [dict(row) for row in rows]

    async def availability(
        self,
        *,
        owners: Sequence[str] | None,
        skus: Sequence[str],
        limit: int,
        after: tuple[int] | None,
    ) -> list[Row]:
        """See the port."""
        rows = await self._raw.fetch(
            AVAILABILITY,
            self._site,
            scope(owners),
            list(skus) or None,
            None if after is None else after[0],
            limit,
        )
        return [dict(row) for row in rows]


def scope(owners: Sequence[str] | None) -> list[str] | None:
    """Owners as a statement takes them; None = all."""
    return None if owners is None else list(owners)


def _head(row: Any) -> Row:
    order = dict(row)
    body = json.loads(order.pop("body"))
    order.update({name: body.get(name) for name in FROM_BODY})
    order["lines"], order["cartons"] = [], []
    return order
