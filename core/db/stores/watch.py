"""Levels of items and exceptions of the floor in SQL; one live exception per kind and subject."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from core.application.ports.watch import Alarm, Level

LEVELS = """
SELECT a.owner_id, a.item_id, i.sku, a.sellable, a.committed, i.safety_stock, i.min_stock,
  i.reorder_alerted AS alerted
FROM availability a JOIN unnest($2::text[], $3::bigint[]) AS k(owner_id, item_id)
  ON a.owner_id = k.owner_id AND a.item_id = k.item_id
JOIN item i ON i.item_id = a.item_id
WHERE a.site_id = $1 ORDER BY a.owner_id, a.item_id
"""
RAISE = """
INSERT INTO exception (site_id, exception_id, kind, severity, subject, message, fulfilment_id,
  owner_id, facts, opened_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (site_id, kind, subject) WHERE resolved_at IS NULL DO NOTHING
"""
CLEAR = """
UPDATE exception SET resolved_at = $4
WHERE site_id = $1 AND kind = $2 AND subject = $3 AND resolved_at IS NULL
"""


class PgWatchStore:
    """`WatchStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def levels(self, keys: Iterable[tuple[str, int]]) -> Sequence[Level]:
        """See the port."""
        wanted = sorted(keys)
        rows = await self._raw.fetch(
            LEVELS, self._site, [k[0] for k in wanted], [k[1] for k in wanted]
        )
        return [Level(**row) for row in rows]

    async def set_alerted(self, item_id: int, alerted: str) -> None:
        """See the port."""
        await self._raw.execute(
            "UPDATE item SET reorder_alerted = $2 WHERE item_id = $1", item_id, alerted == "on"
        )

    async def raise_alarm(self, alarm: Alarm, *, exception_id: UUID, now: int) -> bool:
        """See the port."""
        done = await self._raw.execute(
            RAISE,
            self._site,
            exception_id,
            alarm.kind,
            alarm.severity,
            alarm.subject,
            alarm.message,
            alarm.fulfilment_id,
            alarm.owner_id,
            json.dumps(alarm.facts or {}, default=str),
            now,
        )
        return done == "INSERT 0 1"

    async def clear_alarm(self, kind: str, subject: str, *, now: int) -> bool:
        """See the port."""
        done = await self._raw.execute(CLEAR, self._site, kind, subject, now)
        return done != "UPDATE 0"
