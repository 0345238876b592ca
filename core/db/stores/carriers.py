"""Handling units in SQL: rows locked in id order, contents read set-based under those locks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import asyncpg

from core.application.ports.carriers import Carrier, Content, TaggedUnit
from core.domain.errors import not_found
from core.domain.stock import Place

COLUMNS = (
    "handling_unit_id, epc_key, kind, state, owner_id, location_id, parent_id, shipment_id, "
    "fulfilment_id"
)
LOCK = f"""
SELECT {COLUMNS} FROM handling_unit WHERE site_id = $1 AND handling_unit_id = ANY($2::uuid[])
ORDER BY handling_unit_id FOR UPDATE
"""
TREE = """
WITH RECURSIVE tree AS (
  SELECT handling_unit_id FROM handling_unit
  WHERE site_id = $1 AND handling_unit_id = ANY($2::uuid[])
  UNION
  SELECT h.handling_unit_id FROM handling_unit h JOIN tree t ON h.parent_id = t.handling_unit_id
  WHERE h.site_id = $1
)
SELECT handling_unit_id FROM tree
"""
OF_ORDERS = f"""
SELECT {COLUMNS} FROM handling_unit
WHERE site_id = $1 AND fulfilment_id = ANY($2::uuid[]) AND state <> 'gone'
ORDER BY handling_unit_id FOR UPDATE
"""
QUANTS = """
SELECT q.owner_id, q.item_id, q.lot_id, q.location_id, l.kind, q.handling_unit_id, q.status,
  q.on_hand,
  (SELECT array_agg(u.epc_key ORDER BY u.epc_key) FROM unit u
   WHERE u.site_id = q.site_id AND u.location_id = q.location_id AND u.item_id = q.item_id
     AND u.owner_id = q.owner_id AND u.lot_id IS NOT DISTINCT FROM q.lot_id
     AND u.handling_unit_id IS NOT DISTINCT FROM q.handling_unit_id AND u.status = q.status
     AND u.state = 'present') AS keys
FROM quant q JOIN location l ON l.site_id = q.site_id AND l.location_id = q.location_id
"""
CONTENTS = QUANTS + (
    "WHERE q.site_id = $1 AND q.handling_unit_id = ANY($2::uuid[]) AND q.on_hand > 0 "
    "ORDER BY q.owner_id, q.item_id, q.lot_id NULLS FIRST, q.location_id, q.handling_unit_id"
)
AT = QUANTS + (
    "WHERE q.site_id = $1 AND q.location_id = $2 AND q.handling_unit_id IS NOT DISTINCT FROM $3 "
    "AND q.status = $4 AND q.item_id = $5 AND q.on_hand > 0 ORDER BY q.lot_id NULLS FIRST"
)
# Goods in an order's tote or carton are the packer's to judge.
EXPIRED = QUANTS + (
    "JOIN lot ON lot.lot_id = q.lot_id WHERE q.site_id = $1 AND q.status = 'available' "
    "AND lot.expires_at <= $2 AND q.on_hand > 0 AND NOT EXISTS (SELECT 1 FROM handling_unit h "
    "WHERE h.site_id = q.site_id AND h.handling_unit_id = q.handling_unit_id "
    "AND h.fulfilment_id IS NOT NULL) ORDER BY q.quant_id LIMIT $3"
)
UNITS = """
SELECT u.epc_key, u.owner_id, u.item_id, u.lot_id, u.state, u.status, u.location_id, l.kind,
  u.handling_unit_id
FROM unit u LEFT JOIN location l ON l.site_id = u.site_id AND l.location_id = u.location_id
WHERE u.site_id = $1 AND u.epc_key = ANY($2::text[]) ORDER BY u.epc_key
"""
# Locked on their own first: a join would be read from before the wait for the locks.
LOCK_UNITS = """
SELECT 1 FROM unit WHERE site_id = $1 AND epc_key = ANY($2::text[]) ORDER BY epc_key FOR UPDATE
"""
ADD = """
INSERT INTO handling_unit (site_id, handling_unit_id, epc_key, kind, state, owner_id, location_id,
  parent_id, shipment_id, fulfilment_id, created_at, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
"""
SAVE = """
UPDATE handling_unit h SET state = k.state, location_id = k.location_id, parent_id = k.parent_id,
  shipment_id = k.shipment_id, fulfilment_id = k.fulfilment_id, changed_at = $2
FROM unnest($3::uuid[], $4::text[], $5::bigint[], $6::uuid[], $7::uuid[], $8::uuid[])
  AS k(handling_unit_id, state, location_id, parent_id, shipment_id, fulfilment_id)
WHERE h.site_id = $1 AND h.handling_unit_id = k.handling_unit_id
"""
NEXT_SSCC = """
UPDATE owner SET next_sscc_serial = next_sscc_serial + 1 WHERE owner_id = $1
RETURNING gs1_prefix, next_sscc_serial - 1 AS serial
"""


class PgCarrierStore:
    """`CarrierStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def lock(self, ids: Iterable[UUID]) -> dict[UUID, Carrier]:
        """See the port."""
        rows = await self._raw.fetch(LOCK, self._site, sorted(set(ids)))
        return {row["handling_unit_id"]: Carrier(**row) for row in rows}

    async def find(self, epc_key: str) -> Carrier | None:
        """See the port."""
        row = await self._raw.fetchrow(
            f"SELECT {COLUMNS} FROM handling_unit WHERE site_id = $1 AND epc_key = $2 FOR UPDATE",
            self._site,
            epc_key,
        )
        return None if row is None else Carrier(**row)

    async def identify(self, name: UUID | str) -> Carrier | None:
        """See the port."""
        column = "epc_key" if isinstance(name, str) else "handling_unit_id"
        row = await self._raw.fetchrow(
            f"SELECT {COLUMNS} FROM handling_unit WHERE site_id = $1 AND {column} = $2",
            self._site,
            name,
        )
        return None if row is None else Carrier(**row)

    async def prefix(self, owner: str) -> str | None:
        """See the port."""
        found: str | None = await self._raw.fetchval(
            "SELECT gs1_prefix FROM owner WHERE owner_id = $1", owner
        )
        return found

    async def tree(self, ids: Iterable[UUID]) -> dict[UUID, Carrier]:
        """See the port."""
        rows = await self._raw.fetch(TREE, self._site, list(ids))
        return await self.lock(row["handling_unit_id"] for row in rows)

    async def of_orders(self, fulfilment_ids: Iterable[UUID]) -> list[Carrier]:
        """See the port."""
        rows = await self._raw.fetch(OF_ORDERS, self._site, list(fulfilment_ids))
        return [Carrier(**row) for row in rows]

    async def contents(self, ids: Iterable[UUID]) -> list[Content]:
        """See the port."""
        rows = await self._raw.fetch(CONTENTS, self._site, list(ids))
        return [content for row in rows for content in contents_of(row)]

    async def units(self, epc_keys: Iterable[str]) -> Mapping[str, TaggedUnit]:
        """See the port."""
        keys = sorted(set(epc_keys))
        if not keys:
            return {}
        await self._raw.execute(LOCK_UNITS, self._site, keys)
        rows = await self._raw.fetch(UNITS, self._site, keys)
        return {row["epc_key"]: _unit(row) for row in rows}

    async def at(self, place: Place, item_id: int) -> list[Content]:
        """See the port."""
        rows = await self._raw.fetch(
            AT, self._site, place.location_id, place.handling_unit_id, place.status, item_id
        )
        return [content for row in rows for content in contents_of(row)]

    async def expired(self, *, now: int, limit: int) -> list[Content]:
        """See the port."""
        rows = await self._raw.fetch(EXPIRED, self._site, now, limit)
        return [content for row in rows for content in contents_of(row)]

    async def add(self, carrier: Carrier, *, now: int) -> None:
        """See the port."""
        await self._raw.execute(
            ADD,
            self._site,
            carrier.handling_unit_id,
            carrier.epc_key,
            carrier.kind,
            carrier.state,
            carrier.owner_id,
            carrier.location_id,
            carrier.parent_id,
            carrier.shipment_id,
            carrier.fulfilment_id,
            now,
        )

    async def save(self, carriers: Iterable[Carrier], *, now: int) -> None:
        """See the port."""
        rows = list(carriers)
        if not rows:
            return
        await self._raw.execute(
            SAVE,
            self._site,
            now,
            [c.handling_unit_id for c in rows],
            [c.state for c in rows],
            [c.location_id for c in rows],
            [c.parent_id for c in rows],
            [c.shipment_id for c in rows],
            [c.fulfilment_id for c in rows],
        )

    async def next_sscc(self, owner: str) -> tuple[str | None, int]:
        """See the port."""
        row = await self._raw.fetchrow(NEXT_SSCC, owner)
        if row is None:
            raise not_found("owner")
        return row["gs1_prefix"], row["serial"]


def _place(row: Any) -> Place:
    return Place(row["location_id"], row["kind"], row["handling_unit_id"], row["status"])


def contents_of(row: Any) -> Iterable[Content]:
    """Tagged units one by one, then the rest of the quant as one quantity."""
    goods = (row["owner_id"], row["item_id"], row["lot_id"])
    keys = row["keys"] or []
    for key in keys:
        yield Content(*goods, 1, _place(row), key)
    if row["on_hand"] > len(keys):
        yield Content(*goods, row["on_hand"] - len(keys), _place(row))


def _unit(row: Any) -> TaggedUnit:
    place = _place(row) if row["state"] == "present" else None
    return TaggedUnit(row["epc_key"], row["owner_id"], row["item_id"], row["lot_id"], place)
