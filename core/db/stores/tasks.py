"""Floor tasks in SQL: handed out with SKIP LOCKED under a lease; bins read with their room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from core.application.ports.tasks import Task
from core.db.stores.expected import plain_or_none
from core.domain.errors import not_found
from core.domain.putaway import Bin

_COLUMNS = """task_id, kind, state, owner_id, item_id, lot_id, handling_unit_id, epc_key, quantity,
  source_location_id, target_location_id, reservation_id, reason, assigned_to, lease_until"""
ADD = f"""
INSERT INTO task (site_id, {_COLUMNS}, created_at, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)
"""
CANCEL = """
UPDATE task SET state = 'cancelled', changed_at = $4, done_at = $4
WHERE site_id = $1 AND kind IN ('putaway', 'discrepancy') AND state IN ('open', 'assigned')
  AND (handling_unit_id = ANY($2::uuid[]) OR epc_key = ANY($3::text[]))
"""
LOCK = f"SELECT {_COLUMNS} FROM task WHERE site_id = $1 AND task_id = $2 FOR UPDATE"
MINE = f"""
SELECT {_COLUMNS} FROM task WHERE site_id = $1 AND kind = $2 AND state = 'assigned'
  AND assigned_to = $3 AND ($4::text[] IS NULL OR owner_id IS NULL OR owner_id = ANY($4))
ORDER BY created_at, task_id LIMIT 1 FOR UPDATE
"""
NEXT = f"""
SELECT {_COLUMNS} FROM task WHERE site_id = $1 AND kind = $2
  AND (state = 'open' OR (state = 'assigned' AND lease_until < $3))
  AND ($4::text[] IS NULL OR owner_id IS NULL OR owner_id = ANY($4))
ORDER BY created_at, task_id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
SAVE = """
UPDATE task SET state = $3, assigned_to = $4, lease_until = $5, target_location_id = $6,
  quantity = $7, reason = $8, changed_at = $9,
  done_at = CASE WHEN $3 IN ('done', 'resolved', 'cancelled') THEN $9 ELSE done_at END
WHERE site_id = $1 AND task_id = $2
"""
FREE = """
UPDATE task SET state = 'open', assigned_to = NULL, lease_until = NULL, changed_at = $2,
  target_location_id = CASE WHEN kind IN ('putaway', 'put_back', 'discrepancy')
    THEN NULL ELSE target_location_id END
WHERE site_id = $1 AND state = 'assigned' AND lease_until < $2
"""
BINS = """
SELECT l.location_id, l.code, COALESCE(l.x_m, 0) AS x_m, COALESCE(l.y_m, 0) AS y_m,
  l.capacity_units AS capacity, COALESCE(q.on_hand, 0)::bigint AS on_hand,
  COALESCE(t.coming, 0)::bigint AS coming, COALESCE(q.items, '{}') AS items
FROM location l
LEFT JOIN (SELECT location_id, sum(on_hand) AS on_hand, array_agg(DISTINCT item_id) AS items
  FROM quant WHERE site_id = $1 GROUP BY location_id) q ON q.location_id = l.location_id
LEFT JOIN (SELECT target_location_id, sum(quantity) AS coming FROM task
  WHERE site_id = $1 AND kind IN ('putaway', 'put_back', 'discrepancy')
    AND state = 'assigned'
    AND target_location_id IS NOT NULL
  GROUP BY target_location_id) t ON t.target_location_id = l.location_id
WHERE l.site_id = $1 AND l.kind = 'storage' AND NOT l.locked
"""


class PgTaskStore:
    """`TaskStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def add(self, task: Task, *, now: int) -> None:
        """See the port."""
        await self._raw.execute(
            ADD,
            self._site,
            task.task_id,
            task.kind,
            task.state,
            task.owner_id,
            task.item_id,
            task.lot_id,
            task.handling_unit_id,
            task.epc_key,
            task.quantity,
            task.source_location_id,
            task.target_location_id,
            task.reservation_id,
            task.reason,
            task.assigned_to,
            task.lease_until,
            now,
        )

    async def cancel_of(
        self, *, handling_units: Sequence[UUID], epc_keys: Sequence[str], now: int
    ) -> None:
        """See the port."""
        if handling_units or epc_keys:
            await self._raw.execute(CANCEL, self._site, list(handling_units), list(epc_keys), now)

    async def lock(self, task_id: UUID) -> Task:
        """See the port."""
        row = await self._raw.fetchrow(LOCK, self._site, task_id)
        if row is None:
            raise not_found("task")
        return _task(row)

    async def lock_next(
        self, kind: str, worker: str, *, owners: Sequence[str] | None, now: int
    ) -> Task | None:
        """See the port."""
        wanted = None if owners is None else list(owners)
        row = await self._raw.fetchrow(MINE, self._site, kind, worker, wanted)
        if row is None:
            row = await self._raw.fetchrow(NEXT, self._site, kind, now, wanted)
        return None if row is None else _task(row)

    async def save(self, task: Task, *, now: int) -> None:
        """See the port."""
        await self._raw.execute(
            SAVE,
            self._site,
            task.task_id,
            task.state,
            task.assigned_to,
            task.lease_until,
            task.target_location_id,
            task.quantity,
            task.reason,
            now,
        )

    async def free_expired(self, *, now: int) -> int:
        """See the port."""
        done = await self._raw.execute(FREE, self._site, now)
        return int(done.rpartition(" ")[2])

    async def coordinates(self, location_id: int | None) -> tuple[float, float]:
        """See the port."""
        row = await self._raw.fetchrow(
            "SELECT COALESCE(x_m, 0) AS x, COALESCE(y_m, 0) AS y FROM location"
            " WHERE site_id = $1 AND location_id = $2",
            self._site,
            location_id,
        )
        return (0.0, 0.0) if row is None else (float(row["x"]), float(row["y"]))

    async def bins(self) -> list[Bin]:
        """See the port. One transaction at a time chooses, so that none sees room twice."""
        await self._raw.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('putaway/' || $1, 0))", self._site
        )
        rows = await self._raw.fetch(BINS, self._site)
        return [Bin(**{**dict(row), "items": frozenset(row["items"])}) for row in rows]


def _task(row: Any) -> Task:
    values = dict(row)
    for name in ("task_id", "handling_unit_id", "reservation_id"):
        values[name] = plain_or_none(values[name])
    return Task(**values)
