"""Passes and portal modes in SQL; the expected list is read by `core.db.stores.expected`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from core.application.ports.doors import PassRecord
from core.db.stores.expected import past_of, read_expected
from core.domain.errors import not_found
from core.domain.expected import Expected, Mode
from core.domain.judgement import Judgement
from core.domain.plan import Plan, read_plan, write_plan
from core.domain.stock import Move
from core.domain.tags import Past

LOCK_PASS = """
SELECT pass_id, portal, visit_id, state, booking, mode, opened_at, closed_at FROM pass
WHERE site_id = $1 AND pass_id = $2 FOR UPDATE
"""
TAGS = """
SELECT COALESCE(epc_key, epc) AS key, outcome, reason FROM pass_tag
WHERE site_id = $1 AND pass_id = $2 AND outcome NOT IN ('missing', 'not_seen')
"""
ADD_SCANNED = """
INSERT INTO pass (site_id, pass_id, portal, state, opened_at, closed_at, first_agent, first_boot,
  first_seq, decider, decider_at, decided_at, epoch)
VALUES ($1, $2, $3, $4, $5, $5, 'scan', 0, 0, 'scan', $5, $5, 0)
"""
RECORD = """
UPDATE pass SET verdict = $3, mode = $4, booking = $5, visit_id = $6, planned_moves = $7::jsonb
WHERE site_id = $1 AND pass_id = $2
"""
UPDATE_TAGS = """
UPDATE pass_tag t SET outcome = k.outcome, reason = k.reason
FROM unnest($3::text[], $4::text[], $5::text[]) AS k(epc_key, outcome, reason)
WHERE t.site_id = $1 AND t.pass_id = $2 AND t.epc_key = k.epc_key
RETURNING t.epc_key
"""
ADD_TAGS = """
INSERT INTO pass_tag (site_id, pass_id, epc, epc_key, outcome, reason)
SELECT $1, $2, k.epc_key, k.epc_key, k.outcome, k.reason
FROM unnest($3::text[], $4::text[], $5::text[]) AS k(epc_key, outcome, reason)
ON CONFLICT (site_id, pass_id, epc) DO UPDATE SET outcome = excluded.outcome,
  reason = excluded.reason
"""
MOVES_OF = """
SELECT m.move_id, m.owner_id, m.item_id, m.lot_id, m.quantity, m.source_location_id,
  m.source_handling_unit_id, m.source_status, m.target_location_id, m.target_handling_unit_id,
  m.target_status, m.epc_key, m.biz_step, m.cause, m.cause_id, m.source, m.source_key, m.pass_id,
  m.reverses_move_id, m.actor, m.occurred_at, s.kind AS source_kind, t.kind AS target_kind
FROM move m
JOIN location s ON s.site_id = m.site_id AND s.location_id = m.source_location_id
JOIN location t ON t.site_id = m.site_id AND t.location_id = m.target_location_id
WHERE m.site_id = $1 AND m.pass_id = $2 AND NOT EXISTS (SELECT 1 FROM move b
  WHERE b.site_id = $1 AND b.source = m.source AND b.source_key = m.source_key || '/back')
ORDER BY m.move_id DESC
"""
UNITS_AT = """
SELECT epc_key, location_id, handling_unit_id, status FROM unit
WHERE site_id = $1 AND epc_key = ANY($2::text[])
"""
STOCK_AT = """
SELECT k.place, COALESCE(q.on_hand, 0) AS on_hand
FROM unnest($2::int[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::uuid[],
  $8::text[]) AS k(place, owner_id, item_id, lot_id, location_id, handling_unit_id, status)
LEFT JOIN quant q ON q.site_id = $1 AND q.owner_id = k.owner_id AND q.item_id = k.item_id
  AND q.lot_id IS NOT DISTINCT FROM k.lot_id AND q.location_id = k.location_id
  AND q.handling_unit_id IS NOT DISTINCT FROM k.handling_unit_id AND q.status = k.status
"""
WAITING = """
SELECT count(*) FROM pass WHERE site_id = $1 AND visit_id = $2 AND booking = 'proposed'
  AND closed_at < $3
"""
MODE = """
SELECT COALESCE((SELECT mode FROM portal_mode m WHERE m.site_id = p.site_id
  AND m.portal = p.portal AND m.direction = $3 AND m.owner_id IN ($4, '*')
  ORDER BY m.owner_id = '*' LIMIT 1), 'observe')
FROM portal p WHERE p.site_id = $1 AND p.portal = $2 FOR UPDATE
"""
SET_MODE = """
INSERT INTO portal_mode (site_id, portal, direction, owner_id, mode, since, actor)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (site_id, portal, direction, owner_id)
DO UPDATE SET mode = excluded.mode, since = excluded.since, actor = excluded.actor
"""
# A tag of an undecided load: it crossed once a person says so.
_WAITING = ("undecided", "duplicate")


class PgDoorStore:
    """`DoorStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def expected(
        self,
        portal: str,
        epc_keys: Sequence[str],
        *,
        now: int,
        before: tuple[UUID, int] | None = None,
    ) -> Expected:
        """See the port."""
        return await read_expected(self._raw, self._site, portal, epc_keys, before=before)

    async def lock_pass(self, pass_id: UUID) -> PassRecord:
        """See the port."""
        row = await self._raw.fetchrow(LOCK_PASS, self._site, pass_id)
        if row is None:
            raise not_found("pass")
        crossed: set[str] = set()
        rejected: dict[str, str] = {}
        for tag in await self._raw.fetch(TAGS, self._site, pass_id):
            if tag["outcome"] == "rejected" and tag["reason"] not in _WAITING:
                rejected[tag["key"]] = tag["reason"] or "near"
            else:
                crossed.add(tag["key"])
        return PassRecord(
            pass_id=pass_id,
            portal=row["portal"],
            visit_id=None if row["visit_id"] is None else UUID(int=row["visit_id"].int),
            state=row["state"],
            booking=row["booking"],
            mode=row["mode"],
            opened_at=row["opened_at"],
            closed_at=row["closed_at"],
            crossed=frozenset(crossed),
            rejected=rejected,
        )

    async def add_scanned_pass(self, pass_id: UUID, *, portal: str, state: str, now: int) -> None:
        """See the port."""
        await self._raw.execute(ADD_SCANNED, self._site, pass_id, portal, state, now)

    async def record_judgement(
        self,
        pass_id: UUID,
        judgement: Judgement,
        *,
        mode: Mode,
        booking: str,
        visit_id: UUID | None,
        plan: Plan | None,
    ) -> None:
        """See the port."""
        document = None if plan is None or plan.is_empty else json.dumps(write_plan(plan))
        await self._raw.execute(
            RECORD, self._site, pass_id, judgement.verdict, mode, booking, visit_id, document
        )
        tags = {tag.epc_key: tag for tag in judgement.tags}
        columns = [
            list(tags),
            [tag.outcome for tag in tags.values()],
            [tag.reason for tag in tags.values()],
        ]
        rows = await self._raw.fetch(UPDATE_TAGS, self._site, pass_id, *columns)
        for row in rows:
            tags.pop(row["epc_key"], None)
        if tags:
            await self._raw.execute(
                ADD_TAGS,
                self._site,
                pass_id,
                list(tags),
                [tag.outcome for tag in tags.values()],
                [tag.reason for tag in tags.values()],
            )

    async def settle(self, pass_id: UUID, *, state: str, actor: str, now: int) -> None:
        """See the port."""
        await self._raw.execute(
            "UPDATE pass SET state = $3, settled_by = $4, settled_at = $5,"
            " features = features || jsonb_build_object('called', state),"
            " closed_at = COALESCE(closed_at, $5) WHERE site_id = $1 AND pass_id = $2",
            self._site,
            pass_id,
            state,
            actor,
            now,
        )

    async def set_booking(self, pass_id: UUID, booking: str, *, actor: str, now: int) -> None:
        """See the port."""
        await self._raw.execute(
            "UPDATE pass SET booking = $3, settled_by = $4, settled_at = $5"
            " WHERE site_id = $1 AND pass_id = $2",
            self._site,
            pass_id,
            booking,
            actor,
            now,
        )

    async def waiting_before(self, visit_id: UUID, closed_at: int) -> int:
        """See the port."""
        return int(await self._raw.fetchval(WAITING, self._site, visit_id, closed_at))

    async def plan_of(self, pass_id: UUID) -> Plan:
        """See the port."""
        document = await self._raw.fetchval(
            "SELECT planned_moves FROM pass WHERE site_id = $1 AND pass_id = $2",
            self._site,
            pass_id,
        )
        return Plan() if document is None else read_plan(document)

    async def moves_of(self, pass_id: UUID) -> list[Past]:
        """See the port."""
        rows = await self._raw.fetch(MOVES_OF, self._site, pass_id)
        return [past_of(row) for row in rows]

    async def holding(self, moves: Sequence[Move]) -> list[Move]:
        """See the port."""
        keys = sorted({move.epc_key for move in moves if move.epc_key is not None})
        places = {
            row["epc_key"]: (row["location_id"], row["handling_unit_id"], row["status"])
            for row in (await self._raw.fetch(UNITS_AT, self._site, keys) if keys else ())
        }
        untagged = [(n, m) for n, m in enumerate(moves) if m.epc_key is None]
        held = await self._stock_at(untagged)
        out = []
        for number, move in enumerate(moves):
            if move.epc_key is None:
                fits = move.origin.is_virtual or held.get(number, 0) >= move.quantity
            else:
                fits = _is_at(move, places.get(move.epc_key))
            if fits:
                out.append(move)
        return out

    async def _stock_at(self, moves: list[tuple[int, Move]]) -> dict[int, int]:
        if not moves:
            return {}
        rows = await self._raw.fetch(
            STOCK_AT,
            self._site,
            [number for number, _ in moves],
            [m.owner_id for _, m in moves],
            [m.item_id for _, m in moves],
            [m.lot_id for _, m in moves],
            [m.origin.location_id for _, m in moves],
            [m.origin.handling_unit_id for _, m in moves],
            [m.origin.status for _, m in moves],
        )
        return {row["place"]: row["on_hand"] for row in rows}

    async def mode(self, portal: str, direction: str, owner: str) -> Mode:
        """See the port."""
        found: Mode | None = await self._raw.fetchval(MODE, self._site, portal, direction, owner)
        if found is None:
            raise not_found("portal")
        return found

    async def set_mode(
        self, portal: str, direction: str, owner: str, mode: Mode, *, actor: str, now: int
    ) -> None:
        """See the port."""
        await self._raw.execute(SET_MODE, self._site, portal, direction, owner, mode, now, actor)


def _is_at(move: Move, place: tuple[int | None, UUID | None, str] | None) -> bool:
    if place is None:
        return False
    location, holder, status = place
    if move.origin.is_virtual:
        return location is None
    return (location, holder, status) == (
        move.origin.location_id,
        move.origin.handling_unit_id,
        move.origin.status,
    )
