"""Items in SQL: facts are written from one document per item, whatever facts it names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from core.application.ports.items import Facts, Owners, Row
from core.db.stores.order_views import scope
from core.domain.errors import not_found
from core.domain.items import FACTS, LEVELS

_TYPES = {"active": "boolean"} | dict.fromkeys(
    ("tracking", "storage_class", "hazard_class", "hs_code", "origin", "currency"), "text"
)
_SET = ", ".join(
    f"{name} = CASE WHEN k.facts ? '{name}'"
    f" THEN (k.facts ->> '{name}')::{_TYPES.get(name, 'bigint')} ELSE i.{name} END"
    for name in FACTS
)
SAVE = f"""
UPDATE item i SET {_SET}, version = i.version + 1
FROM (SELECT key AS sku, value AS facts FROM jsonb_each($2::jsonb)) k
WHERE i.owner_id = $1 AND i.sku = k.sku
"""
PACKAGING = """
INSERT INTO item_packaging AS p (item_id, level, gtin, quantity)
SELECT i.item_id, $3::text, k.value ->> ($3::text || '_gtin'),
  (k.value ->> ($3::text || '_quantity'))::bigint
FROM jsonb_each($2::jsonb) k JOIN item i ON i.owner_id = $1 AND i.sku = k.key
WHERE (k.value ->> ($3::text || '_quantity')) IS NOT NULL
ON CONFLICT (item_id, level) DO UPDATE SET gtin = COALESCE(excluded.gtin, p.gtin),
  quantity = excluded.quantity
"""
UNPACK = """
DELETE FROM item_packaging p USING jsonb_each($2::jsonb) k, item i
WHERE i.owner_id = $1 AND i.sku = k.key AND p.item_id = i.item_id AND p.level = $3::text
  AND k.value ? ($3::text || '_quantity') AND k.value ->> ($3::text || '_quantity') IS NULL
"""
HEAD = f"""
SELECT i.item_id AS id, i.owner_id AS owner, i.sku, i.name, i.gtin, i.uom, i.min_stock AS min,
  i.max_stock AS max, {", ".join(f"i.{name}" for name in FACTS)}, i.version,
  c.gtin AS case_gtin, c.quantity AS case_quantity, p.gtin AS pallet_gtin,
  p.quantity AS pallet_quantity
FROM item i
LEFT JOIN item_packaging c ON c.item_id = i.item_id AND c.level = 'case'
LEFT JOIN item_packaging p ON p.item_id = i.item_id AND p.level = 'pallet'
"""
LIST = HEAD + (
    "WHERE ($1::text[] IS NULL OR i.owner_id = ANY($1)) AND ($2::text IS NULL OR i.sku = $2)"
    " AND ($3::text IS NULL OR strpos(lower(i.sku || ' ' || i.name), lower($3)) > 0)"
    " AND ($4::bigint IS NULL OR i.item_id > $4) ORDER BY i.item_id LIMIT $5"
)
ONE = HEAD + "WHERE i.owner_id = $1 AND i.sku = $2 FOR UPDATE OF i"
GTINS = """
SELECT p.gtin, i.sku FROM item_packaging p JOIN item i ON i.item_id = p.item_id
WHERE i.owner_id = $1 AND p.gtin IS NOT NULL
"""
ALL_GTINS = GTINS + "UNION SELECT gtin, sku FROM item WHERE owner_id = $1 AND gtin IS NOT NULL"
HEAD_SET = """
UPDATE item SET name = $3, min_stock = $4, max_stock = $5 WHERE owner_id = $1 AND sku = $2
"""
STOCKED = """
SELECT i.sku, i.tracking FROM item i WHERE i.owner_id = $1 AND i.sku = ANY($2::text[])
  AND (EXISTS (SELECT 1 FROM quant q WHERE q.item_id = i.item_id AND q.on_hand > 0)
    OR EXISTS (SELECT 1 FROM unit u WHERE u.item_id = i.item_id AND u.state <> 'retired'))
"""


class PgItemStore:
    """`ItemStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any]) -> None:
        self._raw = raw

    async def listed(
        self,
        *,
        owners: Owners,
        sku: str | None,
        text: str | None,
        limit: int,
        after: int | None,
    ) -> list[Row]:
        """See the port."""
        rows = await self._raw.fetch(LIST, scope(owners), sku, text, after, limit)
        return [dict(row) for row in rows]

    async def one(self, owner: str, sku: str) -> Row:
        """See the port."""
        row = await self._raw.fetchrow(ONE, owner, sku)
        if row is None:
            raise not_found("item")
        return dict(row)

    async def save_facts(self, owner: str, facts: Mapping[str, Facts]) -> None:
        """See the port."""
        document = json.dumps({sku: dict(named) for sku, named in facts.items()})
        await self._raw.execute(SAVE, owner, document)
        for level in LEVELS:
            await self._raw.execute(UNPACK, owner, document, level)
            await self._raw.execute(PACKAGING, owner, document, level)

    async def save_head(
        self, owner: str, sku: str, *, name: str, low: int | None, high: int | None
    ) -> None:
        """See the port."""
        await self._raw.execute(HEAD_SET, owner, sku, name, low, high)

    async def gtins(self, owner: str) -> Mapping[str, str]:
        """See the port."""
        rows = await self._raw.fetch(ALL_GTINS, owner)
        return {row["gtin"]: row["sku"] for row in rows}

    async def packaging_gtins(self, owner: str) -> Mapping[str, str]:
        """See the port."""
        rows = await self._raw.fetch(GTINS, owner)
        return {row["gtin"]: row["sku"] for row in rows}

    async def stocked(self, owner: str, skus: Sequence[str]) -> Mapping[str, str]:
        """See the port."""
        rows = await self._raw.fetch(STOCKED, owner, list(skus))
        return {row["sku"]: row["tracking"] for row in rows}
