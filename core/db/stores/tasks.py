"""Floor tasks in SQL: handed out with SKIP LOCKED under a lease; bins read with their room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from core.application.ports.tasks import Held, Task
from core.db.stores.expected import plain, plain_or_none
from core.domain.errors import not_found
from core.domain.putaway import Bin
from core.domain.stock import Place

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
  AND assigned_to = $3 ORDER BY created_at, task_id LIMIT 1 FOR UPDATE
"""
NEXT = f"""
SELECT {_COLUMNS} FROM task WHERE site_id = $1 AND kind = $2
  AND (state = 'open' OR (state = 'assigned' AND lease_until < $3))
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
  target_location_id = CASE WHEN kind = 'putaway' THEN NULL ELSE target_location_id END
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
  WHERE site_id = $1 AND kind IN ('putaway', 'put_back') AND state = 'assigned'
    AND target_location_id IS NOT NULL
  GROUP BY target_location_id) t ON t.target_location_id = l.location_id
WHERE l.site_id = $1 AND l.kind = 'storage' AND NOT l.locked
"""
TREE = """
WITH RECURSIVE down AS (
  SELECT handling_unit_id, state, 0 AS depth FROM handling_unit
  WHERE site_id = $1 AND handling_unit_id = $2
  UNION ALL SELECT h.handling_unit_id, h.state, d.depth + 1 FROM handling_unit h JOIN down d
    ON h.parent_id = d.handling_unit_id WHERE h.site_id = $1 AND d.depth < 16
) SELECT handling_unit_id, state FROM down ORDER BY depth, handling_unit_id
"""
# Serialised units one by one, then per quant what has no serial.
_HELD = """
SELECT u.owner_id, u.item_id, u.lot_id, u.location_id, l.kind, u.handling_unit_id, u.status,
  1::bigint AS quantity, u.epc_key, 0 AS rank, 0::bigint AS quant_id
FROM unit u JOIN location l ON l.site_id = u.site_id AND l.location_id = u.location_id
WHERE u.site_id = $1 AND {unit}
UNION ALL
SELECT q.owner_id, q.item_id, q.lot_id, q.location_id, l.kind, q.handling_unit_id, q.status,
  q.on_hand - (SELECT count(*) FROM unit u WHERE u.site_id = q.site_id AND u.item_id = q.item_id
    AND u.owner_id = q.owner_id AND u.location_id = q.location_id AND u.status = q.status
    AND u.lot_id IS NOT DISTINCT FROM q.lot_id
    AND u.handling_unit_id IS NOT DISTINCT FROM q.handling_unit_id), NULL, 1, q.quant_id
FROM quant q JOIN location l ON l.site_id = q.site_id AND l.location_id = q.location_id
WHERE q.site_id = $1 AND {quant}
ORDER BY rank, epc_key, quant_id
"""
IN_UNITS = _HELD.format(
    unit="u.state = 'present' AND u.handling_unit_id = ANY($2::uuid[])",
    quant="q.handling_unit_id = ANY($2::uuid[])",
)
_AT = """{a}.owner_id = $2 AND {a}.item_id = $3 AND {a}.lot_id IS NOT DISTINCT FROM $4
  AND {a}.location_id = $5 AND {a}.handling_unit_id IS NOT DISTINCT FROM $6 AND {a}.status = $7"""
AT = _HELD.format(unit=_AT.format(a="u"), quant=_AT.format(a="q"))
UNIT = """
SELECT u.owner_id, u.item_id, u.lot_id, u.location_id, l.kind, u.handling_unit_id, u.status,
  1::bigint AS quantity, u.epc_key
FROM unit u JOIN location l ON l.site_id = u.site_id AND l.location_id = u.location_id
WHERE u.site_id = $1 AND u.epc_key = $2
"""
RELOCATE = """
UPDATE handling_unit SET location_id = $3, changed_at = $4,
  parent_id = CASE WHEN handling_unit_id = $5 THEN NULL ELSE parent_id END
WHERE site_id = $1 AND handling_unit_id = ANY($2::uuid[])
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

    async def lock_next(self, kind: str, worker: str, *, now: int) -> Task | None:
        """See the port."""
        row = await self._raw.fetchrow(MINE, self._site, kind, worker)
        if row is None:
            row = await self._raw.fetchrow(NEXT, self._site, kind, now)
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

    async def bins(self) -> list[Bin]:
        """See the port. One transaction at a time chooses, so that none sees room twice."""
        await self._raw.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('putaway/' || $1, 0))", self._site
        )
        rows = await self._raw.fetch(BINS, self._site)
        return [Bin(**{**dict(row), "items": frozenset(row["items"])}) for row in rows]

    async def items_in(self, handling_unit_id: UUID) -> frozenset[int]:
        """See the port."""
        return frozenset(held.item_id for held in await self.contents(handling_unit_id))

    async def location(self, code: str) -> Place:
        """See the port."""
        row = await self._raw.fetchrow(
            "SELECT location_id, kind FROM location WHERE site_id = $1 AND code = $2",
            self._site,
            code,
        )
        if row is None:
            raise not_found("location")
        return Place(row["location_id"], row["kind"])

    async def contents(self, handling_unit_id: UUID) -> list[Held]:
        """See the port."""
        inner = [one for one, _ in await self.tree(handling_unit_id)]
        return [_held(row) for row in await self._raw.fetch(IN_UNITS, self._site, inner)]

    async def tree(self, handling_unit_id: UUID) -> list[tuple[UUID, str]]:
        """See the port."""
        rows = await self._raw.fetch(TREE, self._site, handling_unit_id)
        return [(plain(row["handling_unit_id"]), row["state"]) for row in rows]

    async def stock_at(
        self, *, owner_id: str, item_id: int, lot_id: int | None, place: Place
    ) -> list[Held]:
        """See the port."""
        rows = await self._raw.fetch(
            AT,
            self._site,
            owner_id,
            item_id,
            lot_id,
            place.location_id,
            place.handling_unit_id,
            place.status,
        )
        return [_held(row) for row in rows]

    async def unit(self, epc_key: str) -> Held | None:
        """See the port."""
        row = await self._raw.fetchrow(UNIT, self._site, epc_key)
        return None if row is None else _held(row)

    async def relocate(self, handling_units: Sequence[UUID], location_id: int, *, now: int) -> None:
        """See the port."""
        if handling_units:
            await self._raw.execute(
                RELOCATE, self._site, list(handling_units), location_id, now, handling_units[0]
            )


def _task(row: Any) -> Task:
    values = dict(row)
    for name in ("task_id", "handling_unit_id", "reservation_id"):
        values[name] = plain_or_none(values[name])
    return Task(**values)


def _held(row: Any) -> Held:
    place = Place(
        row["location_id"], row["kind"], plain_or_none(row["handling_unit_id"]), row["status"]
    )
    return Held(
        row["owner_id"], row["item_id"], row["lot_id"], place, row["quantity"], row["epc_key"]
    )
