"""The past in SQL: balances counted back from today's, positions that stood, passes, exceptions."""

from __future__ import annotations

from typing import Any

import asyncpg

from core.application.ports.history import Row
from core.application.ports.map import Owners
from core.db.stores.map_sql import VIRTUAL
from core.db.stores.order_views import scope

# What is on hand now, less what moved since.
BALANCES = f"""
WITH changes AS (
  SELECT location_id, handling_unit_id, on_hand AS n FROM quant
  WHERE site_id = $1 AND ($3::text[] IS NULL OR owner_id = ANY($3))
  UNION ALL
  SELECT source_location_id, source_handling_unit_id, quantity FROM move
  WHERE site_id = $1 AND recorded_at > $2 AND ($3::text[] IS NULL OR owner_id = ANY($3))
  UNION ALL
  SELECT target_location_id, target_handling_unit_id, -quantity FROM move
  WHERE site_id = $1 AND recorded_at > $2 AND ($3::text[] IS NULL OR owner_id = ANY($3))),
sums AS (SELECT location_id, handling_unit_id, sum(n)::bigint AS on_hand FROM changes
  GROUP BY 1, 2 HAVING sum(n) <> 0)
SELECT l.code, s.handling_unit_id AS handling_unit, s.on_hand FROM sums s
JOIN location l ON l.site_id = $1 AND l.location_id = s.location_id
WHERE l.kind NOT IN {VIRTUAL}
"""
STOOD = """c.site_id = $1 AND c.since <= $2 AND COALESCE(c.until, 9223372036854775807) > $2
  AND c.to_location_id IS NOT NULL"""
POSITIONS = f"""
SELECT l.code, count(*) AS tags FROM position_change c
JOIN location l ON l.site_id = c.site_id AND l.location_id = c.to_location_id
WHERE {STOOD} GROUP BY l.code ORDER BY l.code
"""
CARRIERS = f"""
SELECT h.handling_unit_id AS id, h.epc_key AS key, h.kind, l.code AS seen_location, c.confidence,
  c.since
FROM position_change c
JOIN handling_unit h ON h.site_id = c.site_id AND h.epc_key = c.subject
JOIN location l ON l.site_id = c.site_id AND l.location_id = c.to_location_id
WHERE {STOOD} AND ($3::text[] IS NULL OR h.owner_id IS NULL OR h.owner_id = ANY($3))
ORDER BY c.since DESC LIMIT $4
"""
PASSES = """
SELECT p.pass_id AS id, p.portal, p.state AS direction, p.verdict, p.booking, p.opened_at,
  p.decided_at FROM pass p
WHERE p.site_id = $1 AND p.opened_at <= $2 ORDER BY p.opened_at DESC LIMIT $3
"""
EXCEPTIONS = """
SELECT exception_id AS id, kind, severity, subject, message, portal, pass_id, opened_at
FROM exception
WHERE site_id = $1 AND opened_at <= $2 AND COALESCE(resolved_at, 9223372036854775807) > $2
  AND ($3::text[] IS NULL OR owner_id IS NULL OR owner_id = ANY($3))
ORDER BY opened_at DESC LIMIT $4
"""


class PgHistory:
    """`HistoryStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def balances(self, at: int, owners: Owners) -> list[Row]:
        """See the port."""
        return await self._rows(BALANCES, at, scope(owners))

    async def positions(self, at: int) -> list[Row]:
        """See the port."""
        return await self._rows(POSITIONS, at)

    async def carriers(self, at: int, owners: Owners, *, limit: int) -> list[Row]:
        """See the port."""
        return await self._rows(CARRIERS, at, scope(owners), limit)

    async def passes(self, at: int, *, limit: int) -> list[Row]:
        """See the port."""
        return await self._rows(PASSES, at, limit)

    async def exceptions(self, at: int, owners: Owners, *, limit: int) -> list[Row]:
        """See the port."""
        return await self._rows(EXCEPTIONS, at, scope(owners), limit)

    async def _rows(self, statement: str, *values: object) -> list[Row]:
        return [dict(row) for row in await self._raw.fetch(statement, self._site, *values)]
