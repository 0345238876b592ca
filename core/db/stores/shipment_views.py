"""Read side of shipments in SQL: heads by keyset, units of all of them in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from core.application.ports.order_views import Row
from core.db.stores.order_views import PgOrderViews, scope
from core.domain.errors import not_found

HEAD = """
SELECT s.shipment_id AS id, s.external_id, s.owner_id AS owner, s.state, s.carrier, s.portal,
  s.created_at, s.changed_at AS updated_at, s.shipped_at
FROM shipment s WHERE s.site_id = $1 AND ($2::text[] IS NULL OR s.owner_id = ANY($2))
"""
ONE = HEAD + " AND s.shipment_id = $3"
LIST = HEAD + (
    " AND ($3::text IS NULL OR s.state = $3) AND ($4::text IS NULL OR s.portal = $4)"
    " AND ($5::bigint IS NULL OR (s.created_at, s.shipment_id) < ($5, $6::uuid))"
    " ORDER BY s.created_at DESC, s.shipment_id DESC LIMIT $7"
)
UNITS = """
SELECT u.shipment_id, u.handling_unit_id, h.epc_key AS key, h.kind, h.state,
  CASE WHEN h.epc_key LIKE '00/%' THEN substr(h.epc_key, 4) END AS sscc,
  f.order_id, h.parent_id, l.code AS location, u.loaded_at IS NOT NULL AS loaded, u.loaded_at,
  u.pass_id
FROM shipment_unit u
JOIN handling_unit h ON h.site_id = u.site_id AND h.handling_unit_id = u.handling_unit_id
LEFT JOIN fulfilment f ON f.site_id = u.site_id AND f.fulfilment_id = u.fulfilment_id
LEFT JOIN location l ON l.site_id = h.site_id AND l.location_id = h.location_id
WHERE u.site_id = $1 AND u.shipment_id = ANY($2::uuid[])
ORDER BY u.shipment_id, h.epc_key
"""


class PgDemandViews(PgOrderViews):
    """All of `OrderViews`."""

    async def shipment(self, shipment_id: UUID, owners: Sequence[str] | None) -> Row:
        """See the port."""
        row = await self._raw.fetchrow(ONE, self._site, scope(owners), shipment_id)
        if row is None:
            raise not_found("shipment")
        return (await self._with_units([row]))[0]

    async def shipments(
        self,
        *,
        owners: Sequence[str] | None,
        state: str | None,
        portal: str | None,
        limit: int,
        after: tuple[int, str] | None,
    ) -> list[Row]:
        """See the port."""
        rows = await self._raw.fetch(
            LIST,
            self._site,
            scope(owners),
            state,
            portal,
            None if after is None else after[0],
            None if after is None else after[1],
            limit,
        )
        return await self._with_units(rows)

    async def _with_units(self, rows: Sequence[Any]) -> list[Row]:
        shipments: list[Row] = [{**dict(row), "units": []} for row in rows]
        by_id = {shipment["id"]: shipment for shipment in shipments}
        for row in await self._raw.fetch(UNITS, self._site, list(by_id)):
            unit = dict(row)
            by_id[unit.pop("shipment_id")]["units"].append(unit)
        return shipments
