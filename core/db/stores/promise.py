"""Promises in SQL: stock is committed by one conditional statement, rows locked in key order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import asyncpg

from core.domain.orders import Fulfilment
from core.domain.reservation import Demand

LOCK = """
SELECT 1 FROM availability WHERE site_id = $1 AND owner_id = $2 AND item_id = ANY($3::bigint[])
ORDER BY owner_id, item_id FOR UPDATE
"""
# The guard against selling the last unit twice: no row back is a shortage.
GUARD = "AND a.sellable - a.committed - i.safety_stock >= k.quantity"
TAKE = f"""
UPDATE availability a SET committed = a.committed + k.quantity
FROM unnest($3::bigint[], $4::bigint[]) AS k(item_id, quantity) JOIN item i ON i.item_id = k.item_id
WHERE a.site_id = $1 AND a.owner_id = $2 AND a.item_id = k.item_id {GUARD}
RETURNING a.item_id, k.quantity
"""
TAKE_WHAT_IS_THERE = """
WITH there AS (
  SELECT a.item_id, LEAST(k.quantity, a.sellable - a.committed - i.safety_stock) AS quantity
  FROM availability a JOIN unnest($3::bigint[], $4::bigint[]) AS k(item_id, quantity)
    ON a.item_id = k.item_id JOIN item i ON i.item_id = k.item_id
  WHERE a.site_id = $1 AND a.owner_id = $2 AND a.sellable - a.committed - i.safety_stock > 0
  FOR UPDATE OF a
)
UPDATE availability a SET committed = a.committed + t.quantity FROM there t
WHERE a.site_id = $1 AND a.owner_id = $2 AND a.item_id = t.item_id
RETURNING a.item_id, t.quantity
"""
GIVE_BACK = """
UPDATE availability a SET committed = a.committed - k.quantity
FROM unnest($3::bigint[], $4::bigint[]) AS k(item_id, quantity)
WHERE a.site_id = $1 AND a.owner_id = $2 AND a.item_id = k.item_id
"""
ADD = """
INSERT INTO promise (site_id, promise_id, fulfilment_id, line_no, owner_id, item_id, quantity,
  created_at)
SELECT $1, p.promise_id, p.fulfilment_id, p.line_no, p.owner_id, p.item_id, p.quantity, $2
FROM unnest($3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[])
  AS p(promise_id, fulfilment_id, line_no, owner_id, item_id, quantity)
"""
OPEN_OF = """
SELECT promise_id, fulfilment_id, line_no, item_id, quantity FROM promise
WHERE site_id = $1 AND fulfilment_id = ANY($2::uuid[]) AND state = 'open'
ORDER BY created_at, promise_id
"""
CLOSE = """
UPDATE promise SET state = $3
WHERE site_id = $1 AND promise_id = ANY($2::uuid[]) AND state = 'open'
"""
RANK = "CASE f.priority WHEN 'urgent' THEN 3 WHEN 'high' THEN 2 WHEN 'normal' THEN 1 ELSE 0 END"
NEWEST_OPEN = f"""
SELECT p.promise_id, p.fulfilment_id, p.line_no, p.item_id, p.quantity
FROM promise p JOIN fulfilment f ON f.site_id = p.site_id AND f.fulfilment_id = p.fulfilment_id
WHERE p.site_id = $1 AND p.owner_id = $2 AND p.item_id = $3 AND p.state = 'open'
ORDER BY {RANK}, p.created_at DESC, p.promise_id DESC
"""
WAITING = f"""
SELECT f.fulfilment_id FROM fulfilment f
WHERE f.site_id = $1 AND f.state IN ('backordered', 'partially_promised', 'partially_shipped')
  AND NOT f.on_hold AND NOT f.cancel_requested
  AND EXISTS (
    SELECT 1 FROM fulfilment_line l
    JOIN availability a ON a.site_id = l.site_id AND a.owner_id = f.owner_id
      AND a.item_id = l.item_id
    JOIN item i ON i.item_id = l.item_id
    WHERE l.site_id = f.site_id AND l.fulfilment_id = f.fulfilment_id
      AND l.ordered - l.cancelled - l.promised - l.reserved - l.picked > 0
      AND a.sellable - a.committed - i.safety_stock > 0)
ORDER BY {RANK} DESC, f.received_at, f.fulfilment_id LIMIT $2
"""


class PgPromiseStore:
    """`PromiseStore` on one raw connection inside a transaction.

    `take_statement` is the guarded statement; a test hands in one without the guard.
    """

    def __init__(
        self, raw: asyncpg.Connection[Any], site: str, *, take_statement: str = TAKE
    ) -> None:
        self._raw = raw
        self._site = site
        self._take = take_statement

    async def lock(self, owner: str, items: Iterable[int]) -> None:
        """See the port."""
        await self._raw.execute(LOCK, self._site, owner, sorted(set(items)))

    async def take(self, owner: str, wanted: Mapping[int, int]) -> dict[int, int]:
        """See the port."""
        items = sorted(wanted)
        if len(items) > 1:
            # One row is locked by its own update; several are locked in key order first.
            await self.lock(owner, items)
        granted = await self._taken(self._take, owner, {item: wanted[item] for item in items})
        rest = {item: wanted[item] for item in items if item not in granted}
        if rest:
            granted |= await self._taken(TAKE_WHAT_IS_THERE, owner, rest)
        return granted

    async def _taken(self, statement: str, owner: str, wanted: Mapping[int, int]) -> dict[int, int]:
        rows = await self._raw.fetch(
            statement, self._site, owner, list(wanted), list(wanted.values())
        )
        return {row["item_id"]: row["quantity"] for row in rows}

    async def give_back(self, owner: str, quantities: Mapping[int, int]) -> None:
        """See the port."""
        items = sorted(item for item, quantity in quantities.items() if quantity)
        if not items:
            return
        if len(items) > 1:
            await self.lock(owner, items)
        await self._raw.execute(
            GIVE_BACK, self._site, owner, items, [quantities[item] for item in items]
        )

    async def add(self, promises: Iterable[tuple[UUID, Fulfilment, int, int]], *, now: int) -> None:
        """See the port."""
        rows = list(promises)
        if not rows:
            return
        await self._raw.execute(
            ADD,
            self._site,
            now,
            [promise_id for promise_id, _, _, _ in rows],
            [order.fulfilment_id for _, order, _, _ in rows],
            [line_no for _, _, line_no, _ in rows],
            [order.owner_id for _, order, _, _ in rows],
            [order.line(line_no).item_id for _, order, line_no, _ in rows],
            [quantity for _, _, _, quantity in rows],
        )

    async def open_of(self, fulfilment_ids: Iterable[UUID]) -> list[Demand]:
        """See the port."""
        rows = await self._raw.fetch(OPEN_OF, self._site, list(fulfilment_ids))
        return [Demand(**row) for row in rows]

    async def close(self, promise_ids: Iterable[UUID], state: str) -> None:
        """See the port."""
        wanted = list(promise_ids)
        if wanted:
            await self._raw.execute(CLOSE, self._site, wanted, state)

    async def newest_open(self, owner: str, item_id: int) -> list[Demand]:
        """See the port."""
        rows = await self._raw.fetch(NEWEST_OPEN, self._site, owner, item_id)
        return [Demand(**row) for row in rows]

    async def waiting(self, *, limit: int) -> list[UUID]:
        """See the port."""
        rows = await self._raw.fetch(WAITING, self._site, limit)
        return [row["fulfilment_id"] for row in rows]
