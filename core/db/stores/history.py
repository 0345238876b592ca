"""The past in SQL: balances counted back from today's, positions that stood, passes, exceptions."""

from __future__ import annotations

from typing import Any

import asyncpg

from core.application.ports.history import Row
from core.application.ports.map import Owners
from core.db.stores.map_sql import VIRTUAL
from core.db.stores.order_views import scope

NOW_STANDS = "SELECT owner_id, location_id, handling_unit_id, on_hand AS n FROM quant"
MARK_STANDS = """SELECT owner_id, location_id, handling_unit_id, on_hand AS n FROM stock_mark_row"""
# $3 to $4 are the moves between base and instant, $5 is 1 to count back and -1 to count on.
CHANGES = """
WITH changes AS (
  {base}
  UNION ALL
  SELECT owner_id, source_location_id, source_handling_unit_id, $5::bigint * quantity FROM move
  WHERE site_id = $1 AND recorded_at > $3 AND recorded_at <= $4
  UNION ALL
  SELECT owner_id, target_location_id, target_handling_unit_id, -$5::bigint * quantity FROM move
  WHERE site_id = $1 AND recorded_at > $3 AND recorded_at <= $4),
sums AS (
  SELECT owner_id, location_id, handling_unit_id, sum(n)::bigint AS on_hand FROM changes
  WHERE $2::text[] IS NULL OR owner_id = ANY($2) GROUP BY 1, 2, 3 HAVING sum(n) <> 0),
here AS (SELECT s.*, l.code FROM sums s
  JOIN location l ON l.site_id = $1 AND l.location_id = s.location_id
  WHERE l.kind NOT IN {virtual})
"""
FROM_NOW = CHANGES.format(base=f"{NOW_STANDS} WHERE site_id = $1", virtual=VIRTUAL)
FROM_MARK = CHANGES.format(
    base=f"{MARK_STANDS} WHERE site_id = $1 AND marked_at = $6", virtual=VIRTUAL
)
BALANCES = """
SELECT code, handling_unit_id AS handling_unit, sum(on_hand)::bigint AS on_hand FROM here
GROUP BY 1, 2
"""
KEEP_ROWS = """
INSERT INTO stock_mark_row (site_id, marked_at, owner_id, location_id, handling_unit_id, on_hand)
SELECT $1, {at}, owner_id, location_id, handling_unit_id, on_hand FROM here
"""
KEEP_MARK = """
INSERT INTO stock_mark (site_id, marked_at, taken_at) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING RETURNING marked_at
"""
NEAREST = """
SELECT marked_at FROM (
  (SELECT marked_at FROM stock_mark WHERE site_id = $1 AND marked_at >= $2 ORDER BY 1 LIMIT 1)
  UNION ALL
  (SELECT marked_at FROM stock_mark WHERE site_id = $1 AND marked_at < $2
  ORDER BY 1 DESC LIMIT 1)) near
ORDER BY abs(marked_at - $2) LIMIT 1
"""
FORGET = """
WITH gone AS (DELETE FROM stock_mark WHERE site_id = $1 AND marked_at < $2 RETURNING marked_at)
SELECT count(*) FROM gone
"""
FORGET_ROWS = "DELETE FROM stock_mark_row WHERE site_id = $1 AND marked_at < $2"
FAR = (1 << 63) - 1
# Materialized, so that the index on the end of a position is what finds it.
STOOD = """
WITH stood AS MATERIALIZED (
  SELECT c.subject, c.to_location_id, c.confidence, c.since FROM position_change c
  WHERE c.site_id = $1 AND c.since <= $2 AND COALESCE(c.until, 9223372036854775807) > $2
    AND c.to_location_id IS NOT NULL)
"""
POSITIONS = f"""{STOOD}
SELECT l.code, count(*) AS tags FROM stood s
JOIN location l ON l.site_id = $1 AND l.location_id = s.to_location_id
GROUP BY l.code ORDER BY l.code
"""
CARRIERS = f"""{STOOD}
SELECT h.handling_unit_id AS id, h.epc_key AS key, h.kind, l.code AS seen_location, s.confidence,
  s.since
FROM stood s
JOIN handling_unit h ON h.site_id = $1 AND h.epc_key = s.subject
JOIN location l ON l.site_id = $1 AND l.location_id = s.to_location_id
WHERE $3::text[] IS NULL OR h.owner_id IS NULL OR h.owner_id = ANY($3)
ORDER BY s.since DESC LIMIT $4
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

    async def nearest_mark(self, at: int, *, now: int) -> int | None:
        """See the port."""
        found: int | None = await self._raw.fetchval(NEAREST, self._site, at)
        return None if found is None or abs(now - at) < abs(found - at) else found

    async def mark_stock(self, at: int, *, base: int | None, now: int) -> bool:
        """See the port."""
        if await self._raw.fetchval(KEEP_MARK, self._site, at, now) is None:
            return False
        values = _between(at, base)
        where = f"${len(values) + 3}"
        kept = _from(base) + KEEP_ROWS.format(at=where)
        await self._raw.execute(kept, self._site, None, *values, at)
        return True

    async def forget_marks(self, *, before: int) -> int:
        """See the port."""
        await self._raw.execute(FORGET_ROWS, self._site, before)
        return int(await self._raw.fetchval(FORGET, self._site, before))

    async def balances(self, at: int, owners: Owners, *, base: int | None) -> list[Row]:
        """See the port."""
        return await self._rows(_from(base) + BALANCES, scope(owners), *_between(at, base))

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


def _from(base: int | None) -> str:
    return FROM_NOW if base is None else FROM_MARK


def _between(at: int, base: int | None) -> tuple[int, ...]:
    """Parameters 3 to 5 (6 with a mark): the moves to count, and which way."""
    if base is None:
        return at, FAR, 1
    return (at, base, 1, base) if base >= at else (base, at, -1, base)
