"""The outbox in SQL. One function serves relay and streams: `read_since`.

A serial id is given before its transaction commits, so `id > place` would lose rows; a window
below the oldest running transaction is complete, and inside it ids give the order per aggregate.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import asyncpg

from core.application.ports.outbox import OutboxRow, Place

# One statement, so one snapshot: the window and the rows in it agree. Locking an aggregate's row
# before the insert makes ids rise per aggregate. A new window is found by its transaction ids, the
# rest of a large one by row ids: each by the index that leads there.
_READ = """
WITH w AS MATERIALIZED (
  SELECT coalesce($3::text::xid8, pg_snapshot_xmin(pg_current_snapshot())) AS until)
SELECT w.until::text AS until, o.id, o.owner_id, o.event, o.aggregate, o.sequence,
  o.payload::text AS payload, o.occurred_at
FROM w LEFT JOIN LATERAL (
  SELECT * FROM {rows} AS r ORDER BY r.id LIMIT $5) o ON true
ORDER BY o.id
"""
_WINDOW = """(SELECT * FROM outbox WHERE site_id = $1 AND xid >= $2::text::xid8 AND xid < w.until
    AND id > $4 {fence})"""
READ_FIRST = _READ.format(rows=_WINDOW.format(fence="OFFSET 0"))
READ_NEXT = _READ.format(rows=_WINDOW.format(fence=""))
END = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"
NEW_SINK = """
INSERT INTO outbox_place (site_id, sink, place, updated_at) VALUES ($1, $2, '0'::xid8, $3)
ON CONFLICT DO NOTHING
"""
PLACE = """
SELECT place::text AS place, until::text AS until, after FROM outbox_place
WHERE site_id = $1 AND sink = $2
"""
OWN = "SELECT pg_try_advisory_xact_lock(hashtextextended('sink/' || $1 || '/' || $2, 0))"
KEEP = """
INSERT INTO outbox_place (site_id, sink, place, until, after, updated_at)
VALUES ($1, $2, $3::text::xid8, $4::text::xid8, $5, $6)
ON CONFLICT (site_id, sink) DO UPDATE SET place = excluded.place, until = excluded.until,
  after = excluded.after, updated_at = excluded.updated_at
"""
WAITING = """
SELECT count(*) AS rows, min(occurred_at) AS oldest FROM (
  SELECT o.occurred_at FROM outbox o
  JOIN outbox_place p ON p.site_id = o.site_id AND p.sink = $2
  WHERE o.site_id = $1 AND o.xid >= p.place
    AND (p.until IS NULL OR o.xid >= p.until OR o.id > p.after)
  ORDER BY o.xid, o.id LIMIT 10000) w
"""
FORGET = """
DELETE FROM outbox WHERE id IN (
  SELECT o.id FROM outbox o
  WHERE o.site_id = $1 AND o.occurred_at < $2
    AND o.xid < (SELECT min(place) FROM outbox_place WHERE site_id = $1)
  ORDER BY o.id LIMIT $3)
"""


class PgOutboxStore:
    """`OutboxStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def read_since(
        self, place: Place, *, limit: int = 500
    ) -> tuple[Sequence[OutboxRow], Place]:
        """See the port."""
        found = await self._raw.fetch(
            READ_NEXT if place.until else READ_FIRST,
            self._site,
            str(place.xid),
            _text(place.until),
            place.after,
            limit,
        )
        until = int(found[0]["until"])
        rows = [_row(one) for one in found if one["id"] is not None]
        if len(rows) < limit:
            return rows, Place(max(until, place.xid))
        return rows, Place(place.xid, until, rows[-1].outbox_id)

    async def end(self) -> Place:
        """See the port."""
        return Place(int(await self._raw.fetchval(END)))

    async def place(self, sink: str, *, now: int) -> Place:
        """See the port."""
        row = await self._raw.fetchrow(PLACE, self._site, sink)
        if row is None:
            await self._raw.execute(NEW_SINK, self._site, sink, now)
            return Place()
        until = row["until"]
        return Place(int(row["place"]), None if until is None else int(until), row["after"])

    async def own(self, sink: str) -> bool:
        """See the port."""
        return bool(await self._raw.fetchval(OWN, self._site, sink))

    async def keep(self, sink: str, place: Place, *, now: int) -> None:
        """See the port."""
        await self._raw.execute(
            KEEP, self._site, sink, str(place.xid), _text(place.until), place.after, now
        )

    async def waiting(self, sink: str) -> tuple[int, int | None]:
        """See the port."""
        row = await self._raw.fetchrow(WAITING, self._site, sink)
        return (0, None) if row is None else (row["rows"], row["oldest"])

    async def sign_of_life(self, sink: str) -> int | None:
        """See the port."""
        found: int | None = await self._raw.fetchval(
            "SELECT updated_at FROM outbox_place WHERE site_id = $1 AND sink = $2",
            self._site,
            sink,
        )
        return found

    async def forget(self, *, before: int, limit: int) -> int:
        """See the port."""
        done = await self._raw.execute(FORGET, self._site, before, limit)
        return int(done.rpartition(" ")[2])


def _text(xid: int | None) -> str | None:
    return None if xid is None else str(xid)


def _row(one: asyncpg.Record) -> OutboxRow:
    return OutboxRow(
        one["id"],
        one["owner_id"],
        one["event"],
        one["aggregate"],
        one["sequence"],
        json.loads(one["payload"]),
        one["occurred_at"],
    )
