"""Tracking in SQL: a gateway's decision in few set-based statements behind the epoch fence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from operator import attrgetter
from typing import Any

import asyncpg

from core.application.ports.tracking import (
    AgentStatusRow,
    CellLost,
    ConfigReport,
    CursorAdvance,
    CursorMoved,
    CursorRow,
    DeadLetter,
    DeviceRow,
    HeldTag,
    OpenPass,
    PassOpening,
    PassRow,
    PortalRow,
    PositionRow,
    PositionWrite,
    ReadPointRow,
    RegistryRows,
    Standing,
    StreamKey,
)
from core.db.stores import tracking_sql as sql
from core.domain.travel import Spot, travel_of


def _document(value: dict[str, Any] | str) -> dict[str, Any]:
    """A JSON column, whichever codec the connection has."""
    found: dict[str, Any] = json.loads(value) if isinstance(value, str) else value
    return found


def _columns(rows: Sequence[object], *names: str) -> list[list[Any]]:
    return [[get(row) for row in rows] for get in map(attrgetter, names)]


class PgTrackingStore:
    """`TrackingStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def fence(self, *, cell: str, epoch: int) -> None:
        """See the port."""
        await self._raw.execute(sql.IDLE_LIMIT)
        if await self._raw.fetchval(sql.FENCE, self._site, cell, epoch) is None:
            raise CellLost

    async def advance(self, cursors: Sequence[CursorAdvance], *, epoch: int, now: int) -> None:
        """See the port."""
        if not cursors:
            return
        names = ("agent", "boot", "seq", "digest", "messages", "dead_messages")
        columns = _columns(cursors, *names, "applied", "held", "dead")
        done = await self._raw.execute(sql.ADVANCE, self._site, epoch, now, *columns)
        if done != f"INSERT 0 {len(cursors)}":
            raise CursorMoved("a stream's cursor has moved")

    async def cursors(self) -> dict[StreamKey, CursorRow]:
        """See the port."""
        rows = await self._raw.fetch(sql.CURSORS, self._site)
        return {
            StreamKey(row["agent"], row["boot"]): CursorRow(row["seq"], row["digest"])
            for row in rows
        }

    async def keep(self, letters: Sequence[DeadLetter]) -> None:
        """See the port."""
        names = ("topic", "code", "pointer", "payload", "digest", "received_at")
        placed = [letter for letter in letters if letter.seq is not None]
        if placed:
            columns = _columns(placed, *names, "agent", "boot", "seq", "index")
            await self._raw.execute(sql.KEEP_PLACED, self._site, *columns)
        for x in letters:
            if x.seq is None:
                head = (self._site, x.topic, x.code, x.pointer, x.payload, x.digest)
                tail = (x.received_at, x.agent, x.boot, sql.UNPLACED_LIMIT)
                await self._raw.execute(sql.KEEP_UNPLACED, *head, *tail)

    async def waiting(self) -> dict[str, tuple[int, int]]:
        """See the port."""
        rows = await self._raw.fetch(sql.WAITING, self._site)
        return {row["agent"]: (int(row["letters"]), int(row["bytes"])) for row in rows}

    async def hold(self, tags: Sequence[HeldTag]) -> None:
        """See the port."""
        if tags:
            names = ("epc", "code", "agent", "device", "antenna", "first_seen_at", "last_seen_at")
            await self._raw.execute(sql.HOLD, self._site, *_columns(tags, *names, "count"))

    async def standing(self, keys: Sequence[str]) -> dict[str, Standing]:
        """See the port."""
        found: dict[str, Standing] = {}
        for row in await self._raw.fetch(sql.STANDING, self._site, list(keys)):
            if found.get(row["epc_key"]) != "retired":
                found[row["epc_key"]] = row["standing"]
        return found

    async def place(self, positions: Sequence[PositionWrite], *, now: int) -> list[dict[str, Any]]:
        """See the port."""
        if not positions:
            return []
        names = ("subject", "location_id", "confidence", "since", "last_seen_at", "read_point")
        columns = _columns(positions, *names, "agent", "boot", "seq", "changed")
        rows = await self._raw.fetch(sql.PLACE, self._site, *columns)
        if not rows:
            return []
        before = {row["subject"]: row["before"] for row in rows}
        moved = sorted((p for p in positions if p.subject in before), key=lambda p: p.subject)
        subjects, since = _columns(moved, "subject", "since")
        await self._raw.execute(sql.END_CHANGE, self._site, subjects, since)
        locations, *rest = _columns(
            moved, "location_id", "confidence", "read_point", "agent", "boot", "seq"
        )
        origins = [before[subject] for subject in subjects]
        await self._raw.execute(
            sql.ADD_CHANGE, self._site, since, subjects, origins, locations, *rest
        )
        units = await self._raw.fetch(sql.MOVED_HANDLING_UNITS, self._site, subjects, locations)
        by_subject = {p.subject: p for p in moved}
        return [_moved(dict(row), by_subject[row["epc_key"]]) for row in units]

    async def positions(self, *, seen_after: int) -> list[PositionRow]:
        """See the port."""
        rows = await self._raw.fetch(sql.POSITIONS, self._site, seen_after)
        return [PositionRow(**dict(row)) for row in rows]

    async def open_passes(self) -> list[OpenPass]:
        """See the port."""
        return [OpenPass(*row) for row in await self._raw.fetch(sql.OPEN_PASSES, self._site)]

    async def begin_passes(self, passes: Sequence[PassOpening], *, epoch: int) -> None:
        """See the port."""
        if passes:
            names = ("pass_id", "portal", "opened_at", "agent", "boot", "seq", "thresholds")
            await self._raw.execute(sql.BEGIN_PASSES, self._site, epoch, *_columns(passes, *names))

    async def write_pass(self, row: PassRow, *, epoch: int) -> bool:
        """See the port."""
        head = (self._site, row.pass_id, row.state, row.verdict, row.mode, row.confidence)
        decided = (row.closed_at, row.decider, row.decider_at, row.decided_at)
        features = json.dumps(row.features, default=str)
        done = await self._raw.execute(
            sql.WRITE_PASS, *head, *decided, features, epoch, row.visit_id
        )
        if done != "UPDATE 1":
            return False
        if row.tags:
            columns = _columns(row.tags, "epc", "epc_key", "outcome", "reason")
            documents = [
                [json.dumps(getattr(tag, name), default=str) for tag in row.tags]
                for name in ("features", "evidence")
            ]
            await self._raw.execute(sql.WRITE_TAGS, self._site, row.pass_id, *columns, *documents)
        return True

    async def ready_totes(self, keys: Sequence[str]) -> frozenset[str]:
        """See the port."""
        if not keys:
            return frozenset()
        rows = await self._raw.fetch(sql.READY_TOTES, self._site, list(keys))
        return frozenset(row["epc_key"] for row in rows)

    async def agent_status(self, rows: Sequence[AgentStatusRow], *, now: int) -> None:
        """See the port."""
        for row in rows:
            head = (self._site, row.agent, row.state, row.boot, row.seq, row.sent_at)
            rest = (row.received_at, row.spooled, row.free_bytes, row.oldest_at)
            config = row.config or ConfigReport(0, 0)
            told = (None,) * 4 if row.config is None else astuple(config)
            done = await self._raw.execute(
                sql.AGENT_STATUS, *head, *rest, row.clock_offset_ms, row.version, *told
            )
            if done != "INSERT 0 1":
                continue
            if row.devices:
                names = [one.device for one in row.devices]
                states = [one.state for one in row.devices]
                health = [json.dumps(one.health) for one in row.devices]
                columns = (names, states, health)
                await self._raw.execute(sql.DEVICE_STATES, self._site, row.agent, now, *columns)
            if config.offered and config.state is not None:
                place = (self._site, row.agent, config.offered)
                said = (config.state, config.error, row.received_at)
                await self._raw.execute(sql.CONFIG_REPORT, *place, *said)

    async def heard(self, last_reads: Mapping[tuple[str, str], int]) -> None:
        """See the port."""
        if last_reads:
            keys = sorted(last_reads)
            columns = [[k[0] for k in keys], [k[1] for k in keys], [last_reads[k] for k in keys]]
            await self._raw.execute(sql.HEARD, self._site, *columns)

    async def jams(self, changes: Mapping[str, int | None]) -> None:
        """See the port."""
        for belt, since in sorted(changes.items()):
            if since is None:
                await self._raw.execute(sql.CLEAR, self._site, belt)
            else:
                await self._raw.execute(sql.JAM, self._site, belt, since)

    async def registry(self) -> RegistryRows:
        """See the port."""
        raw, site = self._raw, self._site
        agents = {r["agent"]: (r["cell"], r["state"]) for r in await raw.fetch(sql.AGENTS, site)}
        devices = tuple(
            DeviceRow(
                r["agent"],
                r["device"],
                r["driver"],
                tuple(r["belts"]),
                _document(r["outputs"]),
            )
            for r in await raw.fetch(sql.DEVICES, site)
        )
        points = tuple(ReadPointRow(*row) for row in await raw.fetch(sql.READ_POINTS, site))
        portals = tuple(
            PortalRow(
                row["portal"],
                row["cell"],
                row["door_location_id"],
                row["inside_location_id"],
                _document(row["settings"]),
            )
            for row in await raw.fetch(sql.PORTALS, site)
        )
        locations = {r["code"]: r["location_id"] for r in await raw.fetch(sql.LOCATIONS, site)}
        jammed = frozenset(r["belt"] for r in await raw.fetch(sql.JAMMED, site))
        spots = {r["read_point"]: Spot(*r[1:]) for r in await raw.fetch(sql.SPOTS, site)}
        rule = await raw.fetchval(sql.TRAVEL, site)
        travel = None if rule is None else travel_of(_document(rule))
        return RegistryRows(
            agents, devices, points, portals, locations, jammed, spots=spots, travel=travel
        )


def _moved(row: dict[str, Any], written: PositionWrite) -> dict[str, Any]:
    """The payload of `position.changed` for a handling unit."""
    return {
        "handling_unit": str(row["handling_unit_id"]),
        "key": row["epc_key"],
        "kind": row["kind"],
        "owner": row["owner_id"],
        "location": row["location"] or "",
        "confidence": written.confidence,
        "since": written.since,
        "read_point": written.read_point,
    }
