"""The floor map in SQL: sections by key; nothing here writes."""

from __future__ import annotations

from typing import Any

import asyncpg

from core.application.ports.map import Owners, Row, Rows
from core.db.stores import map_sql as sql
from core.db.stores.order_views import scope
from core.domain.errors import not_found


class PgMapStore:
    """`MapStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def stamp(self) -> tuple[str, int]:
        """See the port."""
        row = await self._raw.fetchrow(sql.STAMP, self._site)
        return ("", 0) if row is None else (row["seen"], row["last_move"])

    async def site(self) -> Row:
        """See the port."""
        row = await self._raw.fetchrow(sql.SITE, self._site)
        if row is None:
            return {"id": self._site, "name": self._site, "timezone": "UTC"}
        return dict(row)

    async def places(self) -> dict[str, list[Any]]:
        """See the port."""
        rows = await self._raw.fetch(sql.PLACES, self._site)
        return {row["code"]: list(row.values())[1:] for row in rows}

    async def stock(self) -> dict[str, int]:
        """See the port."""
        rows = await self._raw.fetch(sql.STOCK, self._site)
        return {row["code"]: row["on_hand"] for row in rows}

    async def units(self, owners: Owners, *, limit: int) -> Rows:
        """See the port."""
        return await self._keyed(sql.UNITS, scope(owners), limit)

    async def docks(self) -> Rows:
        """See the port."""
        return await self._keyed(sql.DOCKS)

    async def passes(self, *, limit: int) -> Rows:
        """See the port."""
        return await self._keyed(sql.PASSES, limit)

    async def devices(self) -> Rows:
        """See the port."""
        return await self._keyed(sql.DEVICES)

    async def agents(self) -> Rows:
        """See the port."""
        return await self._keyed(sql.AGENTS)

    async def orders(self, owners: Owners, *, since: int, soon: int) -> dict[str, int]:
        """See the port."""
        rows = await self._raw.fetch(sql.ORDERS, self._site, scope(owners), soon)
        counted: dict[str, int] = {row["state"]: row["orders"] for row in rows}
        counted["shipped"] = await self._raw.fetchval(sql.SHIPPED, self._site, scope(owners), since)
        counted["late"] = sum(row["late"] for row in rows)
        return counted

    async def flow(self, owners: Owners, *, since: int, step_us: int) -> list[list[int]]:
        """See the port."""
        rows = await self._raw.fetch(sql.FLOW, self._site, scope(owners), since, step_us)
        return sorted([since + row["step"] * step_us, row["came"], row["went"]] for row in rows)

    async def contents(self, code: str, owners: Owners, *, limit: int) -> Row:
        """See the port."""
        row = await self._raw.fetchrow(sql.PLACE, self._site, code)
        if row is None:
            raise not_found("location")
        found = dict(row)
        where = (self._site, found.pop("location_id"), scope(owners), limit)
        for name, statement in (
            ("stock", sql.PLACE_STOCK),
            ("handling_units", sql.PLACE_UNITS),
            ("work", sql.PLACE_WORK),
        ):
            found[name] = [dict(one) for one in await self._raw.fetch(statement, *where)]
        return found

    async def _keyed(self, statement: str, *values: Any) -> Rows:
        found: Rows = {}
        for one in await self._raw.fetch(statement, self._site, *values):
            row = dict(one)
            found[str(row.pop("id"))] = row
        return found
