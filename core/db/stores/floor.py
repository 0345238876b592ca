"""Exceptions in SQL: one live row per kind and subject; telling twice brings it up to date."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from core.application.ports.floor import StoredLetter
from core.domain.errors import not_found
from core.domain.judgement import Notice

RAISE = """
INSERT INTO exception (site_id, exception_id, kind, severity, subject, message, portal, pass_id,
  visit_id, owner_id, facts, opened_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::jsonb, $12)
ON CONFLICT (site_id, kind, subject) WHERE resolved_at IS NULL
DO UPDATE SET severity = excluded.severity, message = excluded.message, portal = excluded.portal,
  pass_id = excluded.pass_id, visit_id = COALESCE(excluded.visit_id, exception.visit_id),
  facts = excluded.facts
RETURNING xmax = 0 AS fresh
"""
CLEAR = """
UPDATE exception SET resolved_at = $4
WHERE site_id = $1 AND kind = ANY($2::text[]) AND subject = ANY($3::text[]) AND resolved_at IS NULL
"""
CLEAR_OF_PASS = """
UPDATE exception SET resolved_at = $4
WHERE site_id = $1 AND pass_id = $2 AND kind LIKE 'pass.%' AND NOT subject = ANY($3::text[])
  AND resolved_at IS NULL
"""
_SCOPE = """WHERE site_id = $1 AND exception_id = $2
  AND ($3::text[] IS NULL OR COALESCE(owner_id, '*') = ANY($3::text[]))"""
ACKNOWLEDGE = f"""
UPDATE exception SET acknowledged_at = COALESCE(acknowledged_at, $4),
  acknowledged_by = COALESCE(acknowledged_by, $5) {_SCOPE}
"""
RESOLVE = f"""
UPDATE exception SET resolved_at = COALESCE(resolved_at, $4),
  acknowledged_at = COALESCE(acknowledged_at, $4),
  acknowledged_by = COALESCE(acknowledged_by, $5) {_SCOPE}
"""
LOCK_LETTER = """
SELECT site_id AS site, agent, boot, seq, index, topic, bytes AS payload, received_at, state
FROM dead_letter WHERE site_id = $1 AND dead_letter_id = $2 FOR UPDATE
"""
SETTLE_LETTER = """
UPDATE dead_letter SET state = $3, reason = $4, settled_by = $5, settled_at = $6
WHERE site_id = $1 AND dead_letter_id = $2
"""
SEEN_SINCE = """
SELECT p.subject FROM position p
JOIN unnest($2::text[], $3::bigint[]) AS k(subject, at) ON p.subject = k.subject
WHERE p.site_id = $1 AND p.last_seen_at >= k.at
"""


class PgFloorStore:
    """`FloorStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def raise_notice(
        self,
        notice: Notice,
        *,
        exception_id: UUID,
        portal: str | None,
        pass_id: UUID | None,
        visit_id: UUID | None,
        now: int,
    ) -> bool:
        """See the port."""
        fresh = await self._raw.fetchval(
            RAISE,
            self._site,
            exception_id,
            notice.kind,
            notice.severity,
            notice.subject,
            notice.message,
            portal,
            pass_id,
            visit_id,
            notice.owner_id,
            json.dumps(dict(notice.facts)),
            now,
        )
        return bool(fresh)

    async def clear(self, kinds: Sequence[str], subjects: Sequence[str], *, now: int) -> int:
        """See the port."""
        if not subjects:
            return 0
        done = await self._raw.execute(CLEAR, self._site, list(kinds), list(subjects), now)
        return int(done.rpartition(" ")[2])

    async def clear_of_pass(self, pass_id: UUID, *, keeping: Sequence[str], now: int) -> int:
        """See the port."""
        done = await self._raw.execute(CLEAR_OF_PASS, self._site, pass_id, list(keeping), now)
        return int(done.rpartition(" ")[2])

    async def acknowledge(
        self, exception_id: UUID, *, owners: Sequence[str] | None, actor: str, now: int
    ) -> None:
        """See the port."""
        await self._touch(ACKNOWLEDGE, exception_id, owners, actor, now)

    async def resolve(
        self, exception_id: UUID, *, owners: Sequence[str] | None, actor: str, now: int
    ) -> None:
        """See the port."""
        await self._touch(RESOLVE, exception_id, owners, actor, now)

    async def _touch(
        self, statement: str, one: UUID, owners: Sequence[str] | None, actor: str, now: int
    ) -> None:
        scope = None if owners is None else list(owners)
        done = await self._raw.execute(statement, self._site, one, scope, now, actor)
        if done == "UPDATE 0":
            raise not_found("exception")

    async def lock_letter(self, dead_letter_id: int) -> StoredLetter:
        """See the port."""
        row = await self._raw.fetchrow(LOCK_LETTER, self._site, dead_letter_id)
        if row is None:
            raise not_found("dead letter")
        return StoredLetter(**dict(row))

    async def settle_letter(
        self, dead_letter_id: int, state: str, *, reason: str, actor: str, now: int
    ) -> None:
        """See the port."""
        await self._raw.execute(
            SETTLE_LETTER, self._site, dead_letter_id, state, reason, actor, now
        )

    async def seen_since(self, subjects: Mapping[str, int]) -> frozenset[str]:
        """See the port."""
        rows = await self._raw.fetch(
            SEEN_SINCE, self._site, list(subjects), list(subjects.values())
        )
        return frozenset(row["subject"] for row in rows)
