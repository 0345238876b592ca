"""The inbox of unknown EPCs in SQL: rows of `hold`."""

from __future__ import annotations

from typing import Any

import asyncpg

from core.application.ports.inbox import HeldEpc

_COLUMNS = """epc, code, state, agent, device, antenna, first_seen_at, last_seen_at, count,
  decided_by, reason, decided_at"""
HELD = f"""
SELECT {_COLUMNS} FROM hold WHERE site_id = $1 AND state = $2
ORDER BY last_seen_at DESC, epc LIMIT $3
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

    async def held(self, *, state: str, limit: int) -> list[HeldEpc]:
        """See the port."""
        return [HeldEpc(**row) for row in await self._raw.fetch(HELD, self._site, state, limit)]

    async def decide(
        self, epc: str, *, state: str, decided_by: str, reason: str, now: int
    ) -> HeldEpc | None:
        """See the port."""
        row = await self._raw.fetchrow(DECIDE, self._site, epc, state, decided_by, reason, now)
        return None if row is None else HeldEpc(**row)
