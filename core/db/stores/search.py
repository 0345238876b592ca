"""Search in SQL: one statement per kind of name, places as codes."""

from __future__ import annotations

from typing import Any

import asyncpg

from core.application.ports.map import Owners, Row
from core.db.stores.order_views import scope

BY_KEY = """
SELECT 'handling_unit' AS what, h.epc_key AS key, h.kind || ' ' || h.epc_key AS label, h.state,
  ARRAY[COALESCE(l.code, pl.code)] AS places
FROM handling_unit h
LEFT JOIN location l ON l.site_id = h.site_id AND l.location_id = h.location_id
LEFT JOIN position p ON p.site_id = h.site_id AND p.subject = h.epc_key
LEFT JOIN location pl ON pl.site_id = h.site_id AND pl.location_id = p.location_id
WHERE h.site_id = $1 AND h.epc_key = $2
  AND ($3::text[] IS NULL OR h.owner_id IS NULL OR h.owner_id = ANY($3))
UNION ALL
SELECT 'unit', u.epc_key, i.sku || ' ' || i.name, u.state, ARRAY[COALESCE(l.code, pl.code)]
FROM unit u JOIN item i ON i.item_id = u.item_id
LEFT JOIN location l ON l.site_id = u.site_id AND l.location_id = u.location_id
LEFT JOIN position p ON p.site_id = u.site_id AND p.subject = u.epc_key
LEFT JOIN location pl ON pl.site_id = u.site_id AND pl.location_id = p.location_id
WHERE u.site_id = $1 AND u.epc_key = $2 AND ($3::text[] IS NULL OR u.owner_id = ANY($3))
"""
BY_PLACE = """
SELECT 'place' AS what, code AS key, code AS label, kind AS state, ARRAY[code] AS places
FROM location WHERE site_id = $1 AND starts_with(code, $2)
  AND kind NOT IN ('supplier', 'customer', 'loss', 'adjustment', 'found', 'missing')
ORDER BY length(code), code LIMIT $3
"""
BY_ITEM = """
SELECT 'item' AS what, i.sku AS key, i.sku || ' ' || i.name AS label,
  COALESCE((SELECT sum(q.on_hand) FROM quant q WHERE q.site_id = $1
    AND q.item_id = i.item_id), 0)::text || ' on hand' AS state,
  ARRAY(SELECT DISTINCT l.code FROM quant q
    JOIN location l ON l.site_id = q.site_id AND l.location_id = q.location_id
    WHERE q.site_id = $1 AND q.item_id = i.item_id AND q.on_hand > 0
    ORDER BY l.code LIMIT 500) AS places
FROM item i WHERE ($3::text[] IS NULL OR i.owner_id = ANY($3))
  AND (starts_with(i.sku, $2) OR i.gtin = lpad($2, 14, '0'))
ORDER BY i.sku <> $2, i.sku LIMIT $4
"""
BY_ORDER = """
SELECT 'order' AS what, o.order_id::text AS key,
  '#' || o.order_number || ' ' || o.external_order_id AS label, f.state,
  ARRAY(SELECT DISTINCT code FROM (
    SELECT l.code FROM handling_unit h
    JOIN location l ON l.site_id = h.site_id AND l.location_id = h.location_id
    WHERE h.site_id = f.site_id
      AND (h.fulfilment_id = f.fulfilment_id OR h.handling_unit_id = f.tote_id)
    UNION ALL SELECT l.code FROM pick_task t
    JOIN location l ON l.site_id = t.site_id AND l.location_id = t.location_id
    WHERE t.site_id = f.site_id AND t.fulfilment_id = f.fulfilment_id
      AND t.state IN ('open', 'assigned')) c ORDER BY code) AS places
FROM customer_order o JOIN fulfilment f ON f.order_id = o.order_id
WHERE f.site_id = $1 AND ($3::text[] IS NULL OR o.owner_id = ANY($3))
  AND (o.order_number = $4::bigint OR o.external_order_id = $2 OR o.order_id = $5::uuid)
ORDER BY o.order_number DESC LIMIT $6
"""


class PgSearchStore:
    """`SearchStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def by_key(self, epc_key: str, owners: Owners) -> list[Row]:
        """See the port."""
        return await self._fetch(BY_KEY, epc_key, scope(owners))

    async def by_place(self, text: str, *, limit: int) -> list[Row]:
        """See the port."""
        return await self._fetch(BY_PLACE, text, limit)

    async def by_item(self, text: str, owners: Owners, *, limit: int) -> list[Row]:
        """See the port."""
        return await self._fetch(BY_ITEM, text, scope(owners), limit)

    async def by_order(self, text: str, owners: Owners, *, limit: int) -> list[Row]:
        """See the port."""
        digits = text.lstrip("#")
        number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None
        order_id = text if len(text) == 36 and text.count("-") == 4 else None
        if order_id is not None and set(order_id.lower()) - set("0123456789abcdef-"):
            order_id = None
        return await self._fetch(BY_ORDER, text, scope(owners), number, order_id, limit)

    async def _fetch(self, statement: str, *values: Any) -> list[Row]:
        rows = [dict(row) for row in await self._raw.fetch(statement, self._site, *values)]
        return [
            {**row, "places": [code for code in row["places"] if code is not None]} for row in rows
        ]
