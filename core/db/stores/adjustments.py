"""Corrections in SQL; the limits stand in the site's settings."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

from core.application.ports.adjustments import Limits, Owners, Proposed, Row
from core.db.stores.order_views import scope
from core.domain.adjusting import Adjustment
from core.domain.errors import not_found

ADD = """
INSERT INTO adjustment (site_id, adjustment_id, owner_id, sku, location, delta, reason, status,
  epcs, state, proposed_at, proposed_by, decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
  CASE WHEN $10 = 'posted' THEN $11::bigint END)
"""
HEAD = """
SELECT adjustment_id AS id, owner_id AS owner, sku, location, delta, reason, status, epcs, state,
  proposed_at, proposed_by, decided_at, decided_by, note
FROM adjustment WHERE site_id = $1 AND ($2::text[] IS NULL OR owner_id = ANY($2))
"""
ONE = HEAD + " AND adjustment_id = $3"
LIST = HEAD + (
    " AND ($3::text IS NULL OR state = $3)"
    " AND ($4::bigint IS NULL OR (proposed_at, adjustment_id) < ($4, $5::uuid))"
    " ORDER BY proposed_at DESC, adjustment_id DESC LIMIT $6"
)
DECIDE = """
UPDATE adjustment SET state = $3, note = $4, decided_at = $5, decided_by = $6
WHERE site_id = $1 AND adjustment_id = $2
"""
LIMITS = """
SELECT (settings -> 'adjustments' ->> 'limit_units')::bigint AS units,
  (settings -> 'adjustments' ->> 'limit_value')::bigint AS value,
  settings -> 'adjustments' ->> 'currency' AS currency
FROM site WHERE site_id = $1
"""


class PgAdjustmentStore:
    """`AdjustmentStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def add(
        self, adjustment_id: UUID, wanted: Adjustment, *, state: str, now: int, actor: str
    ) -> None:
        """See the port."""
        goods = (wanted.owner, wanted.sku, wanted.location, wanted.delta, wanted.reason)
        rest = (wanted.status, list(wanted.epcs), state, now, actor)
        await self._raw.execute(ADD, self._site, adjustment_id, *goods, *rest)

    async def lock(self, adjustment_id: UUID, owners: Owners) -> Proposed | None:
        """See the port."""
        row = await self._raw.fetchrow(
            f"{ONE} FOR UPDATE", self._site, scope(owners), adjustment_id
        )
        if row is None:
            return None
        wanted = Adjustment(
            owner=row["owner"],
            sku=row["sku"],
            location=row["location"],
            delta=row["delta"],
            reason=row["reason"],
            status=row["status"],
            epcs=tuple(row["epcs"]),
        )
        return Proposed(adjustment_id, wanted, row["state"], row["proposed_by"])

    async def decide(
        self, adjustment_id: UUID, *, state: str, note: str | None, now: int, actor: str
    ) -> None:
        """See the port."""
        await self._raw.execute(DECIDE, self._site, adjustment_id, state, note, now, actor)

    async def limits(self) -> Limits:
        """See the port."""
        row = await self._raw.fetchrow(LIMITS, self._site)
        return Limits() if row is None else Limits(**row)

    async def listed(
        self, *, owners: Owners, state: str | None, limit: int, after: tuple[int, str] | None
    ) -> list[Row]:
        """See the port."""
        place = (None, None) if after is None else after
        rows = await self._raw.fetch(LIST, self._site, scope(owners), state, *place, limit)
        return [dict(row) for row in rows]

    async def one(self, adjustment_id: UUID, owners: Owners) -> Row:
        """See the port."""
        row = await self._raw.fetchrow(ONE, self._site, scope(owners), adjustment_id)
        if row is None:
            raise not_found("adjustment")
        return dict(row)
