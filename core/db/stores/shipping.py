"""Shipments in SQL: the row is locked before its units change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from core.db.stores.carriers import TREE
from core.domain.errors import not_found
from core.domain.shipping import Shipment, ShipmentUnit

ORDERS_IN = TREE.replace(
    "SELECT handling_unit_id FROM tree",
    "SELECT DISTINCT h.fulfilment_id FROM tree t JOIN handling_unit h"
    " ON h.site_id = $1 AND h.handling_unit_id = t.handling_unit_id"
    " WHERE h.fulfilment_id IS NOT NULL",
)
LOCK = """
SELECT shipment_id, owner_id, state, external_id, carrier, portal, shipped_at FROM shipment
WHERE site_id = $1 AND shipment_id = $2 AND ($3::text[] IS NULL OR owner_id = ANY($3)) FOR UPDATE
"""
UNITS = """
SELECT handling_unit_id, fulfilment_id, loaded_at, pass_id FROM shipment_unit
WHERE site_id = $1 AND shipment_id = $2 ORDER BY handling_unit_id
"""
ADD = """
INSERT INTO shipment (site_id, shipment_id, owner_id, state, external_id, carrier, portal,
  created_at, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
"""
ADD_UNITS = """
INSERT INTO shipment_unit (site_id, shipment_id, handling_unit_id, fulfilment_id)
SELECT $1, $2, u.* FROM unnest($3::uuid[], $4::uuid[]) AS u
ON CONFLICT DO NOTHING
"""
SAVE = """
UPDATE shipment SET state = $3, shipped_at = $4, portal = $5, changed_at = $6
WHERE site_id = $1 AND shipment_id = $2
"""
SAVE_UNITS = """
UPDATE shipment_unit u SET loaded_at = k.loaded_at, pass_id = k.pass_id
FROM unnest($3::uuid[], $4::bigint[], $5::uuid[]) AS k(handling_unit_id, loaded_at, pass_id)
WHERE u.site_id = $1 AND u.shipment_id = $2 AND u.handling_unit_id = k.handling_unit_id
"""
SETTLE_STAGED = """
UPDATE shipment s SET state = 'staged', changed_at = $3
WHERE s.site_id = $1 AND s.shipment_id = ANY($2::uuid[]) AND s.state = 'planned'
  AND NOT EXISTS (SELECT 1 FROM shipment_unit u JOIN handling_unit h
    ON h.site_id = u.site_id AND h.handling_unit_id = u.handling_unit_id
    WHERE u.site_id = s.site_id AND u.shipment_id = s.shipment_id
      AND h.state NOT IN ('staged', 'loaded'))
"""


class PgShippingStore:
    """`ShippingStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def orders_in(self, handling_unit_ids: Iterable[UUID]) -> list[UUID]:
        """See the port."""
        rows = await self._raw.fetch(ORDERS_IN, self._site, list(handling_unit_ids))
        return [row["fulfilment_id"] for row in rows]

    async def orders_of(self, shipment_id: UUID) -> list[UUID]:
        """See the port."""
        rows = await self._raw.fetch(
            "SELECT DISTINCT fulfilment_id FROM shipment_unit"
            " WHERE site_id = $1 AND shipment_id = $2 AND fulfilment_id IS NOT NULL",
            self._site,
            shipment_id,
        )
        return [row["fulfilment_id"] for row in rows]

    async def lock(self, shipment_id: UUID, owners: Sequence[str] | None) -> Shipment:
        """See the port."""
        scope = None if owners is None else list(owners)
        row = await self._raw.fetchrow(LOCK, self._site, shipment_id, scope)
        if row is None:
            raise not_found("shipment")
        units = await self._raw.fetch(UNITS, self._site, shipment_id)
        return Shipment(**row, units=tuple(ShipmentUnit(**unit) for unit in units))

    async def add(self, shipment: Shipment, *, now: int) -> None:
        """See the port."""
        await self._raw.execute(
            ADD,
            self._site,
            shipment.shipment_id,
            shipment.owner_id,
            shipment.state,
            shipment.external_id,
            shipment.carrier,
            shipment.portal,
            now,
        )
        await self.add_units(shipment.shipment_id, shipment.units)

    async def add_units(self, shipment_id: UUID, units: Iterable[ShipmentUnit]) -> None:
        """See the port."""
        rows = list(units)
        await self._raw.execute(
            ADD_UNITS,
            self._site,
            shipment_id,
            [u.handling_unit_id for u in rows],
            [u.fulfilment_id for u in rows],
        )

    async def save(self, shipment: Shipment, *, now: int) -> None:
        """See the port."""
        where = (self._site, shipment.shipment_id)
        await self._raw.execute(
            SAVE, *where, shipment.state, shipment.shipped_at, shipment.portal, now
        )
        await self._raw.execute(
            SAVE_UNITS,
            *where,
            [u.handling_unit_id for u in shipment.units],
            [u.loaded_at for u in shipment.units],
            [u.pass_id for u in shipment.units],
        )

    async def settle_staged(self, shipment_ids: Iterable[UUID | None], *, now: int) -> None:
        """See the port."""
        wanted = sorted({i for i in shipment_ids if i is not None})
        if wanted:
            await self._raw.execute(SETTLE_STAGED, self._site, wanted, now)

    async def has_portal(self, portal: str) -> bool:
        """See the port."""
        found = await self._raw.fetchval(
            "SELECT 1 FROM portal WHERE site_id = $1 AND portal = $2", self._site, portal
        )
        return found is not None
