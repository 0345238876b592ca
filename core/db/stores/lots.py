"""Lots in SQL: the row is locked before its goods are, so that two recalls do not cross."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg

from core.application.ports.carriers import Content
from core.application.ports.lots import InOrder, Lot, Owners, Row
from core.db.stores.carriers import contents_of
from core.db.stores.lots_sql import (
    BLOCKED,
    GOODS,
    IN_ORDERS,
    LIST,
    LOCK,
    ONE,
    RECALL,
    RECALLED,
    RELEASE,
    TRACE,
)
from core.db.stores.order_views import scope
from core.domain.errors import not_found


class PgLotStore:
    """`LotStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def lock(self, lot_id: int, owners: Owners) -> Lot | None:
        """See the port."""
        row = await self._raw.fetchrow(LOCK, lot_id, scope(owners))
        return None if row is None else Lot(**row)

    async def find(self, item_id: int, code: str) -> int | None:
        """See the port."""
        found: int | None = await self._raw.fetchval(
            "SELECT lot_id FROM lot WHERE item_id = $1 AND code = $2", item_id, code
        )
        return found

    async def blocked(self, lot_ids: Sequence[int], *, now: int) -> list[Lot]:
        """See the port."""
        return [Lot(**row) for row in await self._raw.fetch(BLOCKED, list(lot_ids), now)]

    async def recall(self, lot_id: int, *, now: int, reason: str, actor: str) -> None:
        """See the port."""
        await self._raw.execute(RECALL, lot_id, now, reason, actor)

    async def release(self, lot_id: int, *, now: int, reason: str, actor: str) -> None:
        """See the port."""
        await self._raw.execute(RELEASE, lot_id, now, reason, actor)

    async def goods(self, lot_id: int, *, status: str) -> list[Content]:
        """See the port."""
        rows = await self._raw.fetch(GOODS, self._site, lot_id, status)
        return [content for row in rows for content in contents_of(row)]

    async def recalled(self, *, limit: int) -> list[Content]:
        """See the port."""
        rows = await self._raw.fetch(RECALLED, self._site, limit)
        return [content for row in rows for content in contents_of(row)]

    async def in_orders(self, lot_id: int) -> list[InOrder]:
        """See the port."""
        return [InOrder(**row) for row in await self._raw.fetch(IN_ORDERS, self._site, lot_id)]

    async def listed(
        self, *, owners: Owners, sku: str | None, code: str | None, limit: int, after: int | None
    ) -> list[Row]:
        """See the port."""
        rows = await self._raw.fetch(LIST, self._site, scope(owners), sku, code, after, limit)
        return [dict(row) for row in rows]

    async def one(self, lot_id: int, owners: Owners) -> Row:
        """See the port."""
        row = await self._raw.fetchrow(ONE, self._site, scope(owners), lot_id)
        if row is None:
            raise not_found("lot")
        return dict(row)

    async def trace(self, lot_id: int, *, limit: int) -> dict[str, list[Row]]:
        """See the port."""
        found = {}
        for part, statement in TRACE.items():
            rows = await self._raw.fetch(statement, self._site, lot_id, limit)
            found[part] = [dict(row) for row in rows]
        return found
