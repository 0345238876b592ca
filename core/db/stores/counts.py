"""Counts in SQL: a bin has at most one live count, and its book is walked back move by move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import asyncpg

from core.application.ports.counts import BinBook, Owners, Row, Stocktake
from core.db.stores import counts_sql as sql
from core.db.stores.order_views import scope
from core.domain.counting import Known, Line, LineKey, UnitBook, UnitFinding, Window
from core.domain.errors import not_found

LIMIT_UNITS = 10


class PgCountStore:
    """`CountStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def add(
        self, locations: Iterable[int], *, reason: str, ids: Any, now: int, actor: str
    ) -> list[UUID]:
        """See the port."""
        places = sorted(set(locations))
        named = [ids() for _ in places]
        rows = await self._raw.fetch(sql.ADD, self._site, named, places, reason, now, actor)
        return [row["count_id"] for row in rows]

    async def lock(self, count_id: UUID) -> Stocktake | None:
        """See the port."""
        row = await self._raw.fetchrow(sql.LOCK, self._site, count_id)
        return None if row is None else Stocktake(**row)

    async def take(self, *, worker: str, zone: str | None, now: int) -> Stocktake | None:
        """See the port."""
        found = await self._raw.fetchval(sql.TAKE, self._site, worker, zone, now)
        return None if found is None else await self.lock(found)

    async def save(self, count: Stocktake, *, now: int, actor: str) -> None:
        """See the port."""
        await self._raw.execute(
            sql.SAVE,
            self._site,
            count.count_id,
            count.state,
            count.round,
            count.assigned_to,
            count.started_at,
            count.counted_at,
            count.counted_by,
            count.counted_key,
            now,
            actor,
        )

    async def book(self, location_id: int, *, since: int) -> BinBook:
        """See the port."""
        here = await self._raw.fetch(sql.HERE, self._site, location_id)
        units = {
            r["epc_key"] for r in await self._raw.fetch(sql.UNITS_HERE, self._site, location_id)
        }
        moves = await self._raw.fetch(sql.SINCE, self._site, location_id, since)
        leaving = await self._raw.fetch(sql.LEAVING, self._site, location_id)
        values = {_key(row): [row["on_hand"] - row["tagged"]] for row in here}
        moved: set[str] = set()
        for move in moves:
            if move["epc_key"] is not None:
                moved.add(move["epc_key"])
                continue
            for key, change in _changes(move):
                line = values.setdefault(key, [0])
                line.append(line[-1] - change)
        taken = {_goods(row): int(row["quantity"]) for row in leaving}
        lines = {
            key: Window(tuple(reversed(line)), taken.get(key[:4], 0))
            for key, line in values.items()
            if any(line)
        }
        return BinBook(lines, UnitBook(frozenset(units - moved), frozenset(moved)))

    async def known(self, epc_keys: Iterable[str]) -> Mapping[str, Known]:
        """See the port."""
        rows = await self._raw.fetch(sql.KNOWN, self._site, sorted(set(epc_keys)))
        return {row["epc_key"]: Known(row["state"]) for row in rows}

    async def write(
        self, count_id: UUID, lines: Iterable[Line], units: Mapping[str, UnitFinding]
    ) -> None:
        """See the port."""
        for statement in sql.CLEAR:
            await self._raw.execute(statement, self._site, count_id)
        rows = list(lines)
        columns = [[line.key[n] for line in rows] for n in range(len(LineKey._fields))]
        await self._raw.execute(
            sql.WRITE_LINES,
            self._site,
            count_id,
            *columns,
            [line.expected for line in rows],
            [line.counted for line in rows],
            [line.variance for line in rows],
            [line.finding for line in rows],
        )
        await self._raw.execute(
            sql.WRITE_UNITS, self._site, count_id, list(units), list(units.values())
        )

    async def findings(self, count_id: UUID) -> tuple[list[Line], dict[str, UnitFinding]]:
        """See the port."""
        lines = await self._raw.fetch(sql.LINES, self._site, count_id)
        units = await self._raw.fetch(sql.UNITS, self._site, count_id)
        found = [
            Line(_key(row), row["expected"], row["counted"], row["variance"], row["finding"])
            for row in lines
        ]
        return found, {row["epc_key"]: row["finding"] for row in units}

    async def due(self, *, now: int, limit: int, zone: str | None) -> list[int]:
        """See the port."""
        rows = await self._raw.fetch(sql.DUE, self._site, now, limit, zone)
        return [row["location_id"] for row in rows]

    async def limit_units(self) -> int:
        """See the port."""
        found = await self._raw.fetchval(sql.LIMIT, self._site)
        return LIMIT_UNITS if found is None else int(found)

    async def listed(
        self, *, state: str | None, limit: int, after: tuple[int, str] | None
    ) -> list[Row]:
        """See the port."""
        place = (None, None) if after is None else after
        rows = await self._raw.fetch(sql.LIST, self._site, state, *place, limit)
        return [dict(row) for row in rows]

    async def one(self, count_id: UUID, owners: Owners) -> Row:
        """See the port."""
        row = await self._raw.fetchrow(sql.ONE, self._site, count_id)
        if row is None:
            raise not_found("count")
        lines = await self._raw.fetch(sql.LINES_SHOWN, self._site, count_id, scope(owners))
        units = await self._raw.fetch(sql.UNITS_SHOWN, self._site, count_id, scope(owners))
        found = {"lines": [dict(line) for line in lines], "units": [dict(unit) for unit in units]}
        return {**row, **found}


def _key(row: Any) -> LineKey:
    return LineKey(*_goods(row), row["status"])


def _goods(row: Any) -> tuple[str, int, int | None, UUID | None]:
    return row["owner_id"], row["item_id"], row["lot_id"], row["handling_unit_id"]


def _changes(move: Any) -> Iterable[tuple[LineKey, int]]:
    """What a move without a tag changed in the bin: line and difference."""
    goods = (move["owner_id"], move["item_id"], move["lot_id"])
    if move["from_here"]:
        key = LineKey(*goods, move["source_handling_unit_id"], move["source_status"])
        yield key, -move["quantity"]
    if move["to_here"]:
        key = LineKey(*goods, move["target_handling_unit_id"], move["target_status"])
        yield key, move["quantity"]
