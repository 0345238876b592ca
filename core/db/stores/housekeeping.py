"""What the database keeps for a time only: answers, sessions, ids seen, days of positions."""

from __future__ import annotations

from typing import Any

import asyncpg

_FORGET = "DELETE FROM {0} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {0} WHERE {1} < $1 LIMIT $2))"
FORGET_ANSWERS = _FORGET.format("idempotency", "created_at")
FORGET_SESSIONS = _FORGET.format("session", "expires_at")
FORGET_SEEN = _FORGET.format("inbound_seen", "seen_at")
DAYS = "SELECT keep_position_days($1, $2, $3)"


class PgHousekeeping:
    """`Housekeeping` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any]) -> None:
        self._raw = raw

    async def forget_answers(self, *, before: int, limit: int) -> int:
        """See the port."""
        return _count(await self._raw.execute(FORGET_ANSWERS, before, limit))

    async def forget_sessions(self, *, before: int, limit: int) -> int:
        """See the port."""
        return _count(await self._raw.execute(FORGET_SESSIONS, before, limit))

    async def forget_seen(self, *, before: int, limit: int) -> int:
        """See the port."""
        return _count(await self._raw.execute(FORGET_SEEN, before, limit))

    async def keep_position_days(self, *, now: int, ahead: int, kept: int) -> int:
        """See the port."""
        return int(await self._raw.fetchval(DAYS, now, ahead, kept))


def _count(done: str) -> int:
    return int(done.rpartition(" ")[2])
