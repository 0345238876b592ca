"""The inbox of unknown EPCs in SQL: rows of `hold`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg

from core.application.ports.inbox import HeldEpc

_COLUMNS = """epc, code, state, agent, device, antenna, first_seen_at, last_seen_at, count,
  decided_by, reason, decided_at"""
HELD = f"""
SELECT {_COLUMNS} FROM hold WHERE site_id = $1 AND state = $2
  AND ($4::bigint IS NULL OR last_seen_at < $4 OR (last_seen_at = $4 AND epc > $5))
ORDER BY last_seen_at DESC, epc LIMIT $3
"""
ONE = f"SELECT {_COLUMNS} FROM hold WHERE site_id = $1 AND epc = $2 FOR UPDATE"
FITTING = """
SELECT lpad(g.gtin, 14, '0') AS gtin, min(i.owner_id) AS owner, min(i.sku) AS sku
FROM item i JOIN LATERAL (SELECT i.gtin UNION SELECT p.gtin FROM item_packaging p
  WHERE p.item_id = i.item_id) g ON lpad(g.gtin, 14, '0') = ANY($1::text[])
WHERE i.active AND ($2::text[] IS NULL OR i.owner_id = ANY($2::text[]))
GROUP BY 1 HAVING count(DISTINCT i.item_id) = 1
"""
DECIDE = f"""
UPDATE hold SET state = $3, decided_by = $4, reason = $5, decided_at = $6
WHERE site_id = $1 AND epc = $2 RETURNING {_COLUMNS}
"""


class PgInboxStore:
    """`InboxStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def held(
        self, *, state: str, limit: int, after: tuple[int, str] | None = None
    ) -> list[HeldEpc]:
        """See the port."""
        place = after if after is not None else (None, None)
        rows = await self._raw.fetch(HELD, self._site, state, limit, *place)
        return [HeldEpc(**row) for row in rows]

    async def one(self, epc: str) -> HeldEpc | None:
        """See the port."""
        row = await self._raw.fetchrow(ONE, self._site, epc)
        return None if row is None else HeldEpc(**row)

    async def fitting(
        self, gtins: Sequence[str], owners: Sequence[str] | None
    ) -> dict[str, tuple[str, str]]:
        """See the port."""
        scope = None if owners is None else list(owners)
        rows = await self._raw.fetch(FITTING, list(gtins), scope)
        return {row["gtin"]: (row["owner"], row["sku"]) for row in rows}

    async def decide(
        self, epc: str, *, state: str, decided_by: str, reason: str, now: int
    ) -> HeldEpc | None:
        """See the port."""
        row = await self._raw.fetchrow(DECIDE, self._site, epc, state, decided_by, reason, now)
        return None if row is None else HeldEpc(**row)
