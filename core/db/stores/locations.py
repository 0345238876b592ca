"""Locations in SQL, with what is on hand at each."""

from __future__ import annotations

from typing import Any

import asyncpg

from core.application.ports.locations import Row
from core.domain.errors import not_found

HEAD = """
SELECT l.code, l.kind, l.zone, l.aisle, l.bay, l.level, l.x_m, l.y_m, l.width_m, l.depth_m,
  l.capacity_units, l.walk_order, l.locked, l.lock_reason, l.locked_by, l.locked_at,
  COALESCE((SELECT sum(q.on_hand) FROM quant q
    WHERE q.site_id = l.site_id AND q.location_id = l.location_id), 0)::bigint AS on_hand
FROM location l WHERE l.site_id = $1
"""
LIST = HEAD + (
    " AND ($2::text IS NULL OR l.kind = $2) AND ($3::text IS NULL OR l.zone = $3)"
    " AND ($4::boolean IS NULL OR l.locked = $4) AND ($5::text IS NULL OR l.code > $5)"
    " ORDER BY l.code LIMIT $6"
)
LOCK = """
UPDATE location SET locked = $3::text IS NOT NULL, lock_reason = $3,
  locked_by = CASE WHEN $3::text IS NOT NULL THEN $4::text END,
  locked_at = CASE WHEN $3::text IS NOT NULL THEN $5::bigint END
WHERE site_id = $1 AND code = $2
"""


class PgLocationStore:
    """`LocationStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def listed(
        self,
        *,
        kind: str | None,
        zone: str | None,
        locked: str | None,
        limit: int,
        after: str | None,
    ) -> list[Row]:
        """See the port."""
        wanted = None if locked is None else locked == "true"
        rows = await self._raw.fetch(LIST, self._site, kind, zone, wanted, after, limit)
        return [dict(row) for row in rows]

    async def one(self, code: str) -> Row:
        """See the port."""
        row = await self._raw.fetchrow(f"{HEAD} AND l.code = $2", self._site, code)
        if row is None:
            raise not_found("location")
        return dict(row)

    async def set_lock(self, code: str, *, reason: str | None, actor: str, now: int) -> None:
        """See the port."""
        done = await self._raw.execute(LOCK, self._site, code, reason, actor, now)
        if done == "UPDATE 0":
            raise not_found("location")
