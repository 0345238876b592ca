"""Orders and fulfilments in SQL: rows are locked in id order, saved whole, versioned by one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg

from core.application.ports.orders import NewOrder, SoldItem
from core.domain.errors import not_found
from core.domain.order_events import OrderEvent, aggregate
from core.domain.orders import Fulfilment, Line

HEAD = """
SELECT f.fulfilment_id, f.order_id, f.owner_id, o.order_number, o.external_order_id, o.channel,
  f.received_at, f.changed_at, f.state, o.fill_policy, f.priority, f.on_hold, f.exception,
  f.cancel_requested, f.ship_by, f.wave_id, f.tote_id, f.promised_at, f.released_at, f.picked_at,
  f.packed_at, f.staged_at, f.shipped_at, f.version, f.sequence
FROM fulfilment f JOIN customer_order o ON o.order_id = f.order_id
"""
LOCK = HEAD + (
    "WHERE f.site_id = $1 AND f.fulfilment_id = ANY($2::uuid[]) "
    "ORDER BY f.fulfilment_id FOR UPDATE OF f"
)
LINES = """
SELECT fulfilment_id, line_no, external_line_id, item_id, sku, ordered, promised, reserved, picked,
  packed, shipped, cancelled
FROM fulfilment_line WHERE site_id = $1 AND fulfilment_id = ANY($2::uuid[])
ORDER BY fulfilment_id, line_no
"""
ADD_ORDER = """
INSERT INTO customer_order (order_id, owner_id, channel, external_order_id, body_digest, body,
  priority, fill_policy, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (owner_id, channel, external_order_id) DO NOTHING RETURNING order_number
"""
# One statement, for the availability of the order's items is locked while it runs.
ADD_FULFILMENT = """
WITH head AS (
  INSERT INTO fulfilment (site_id, fulfilment_id, order_id, owner_id, state, on_hold, priority,
    ship_by, received_at, promised_at, changed_at, sequence)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9, $11)
), lines AS (
  INSERT INTO fulfilment_line (site_id, fulfilment_id, line_no, external_line_id, item_id, sku,
    ordered, promised, cancelled)
  SELECT $1, $2, l.* FROM unnest($12::int[], $13::text[], $14::bigint[], $15::text[],
    $16::bigint[], $17::bigint[], $18::bigint[]) AS l
), promises AS (
  INSERT INTO promise (site_id, promise_id, fulfilment_id, line_no, owner_id, item_id, quantity,
    created_at)
  SELECT $1, p.promise_id, $2, p.line_no, $4, p.item_id, p.quantity, $9
  FROM unnest($19::uuid[], $20::bigint[], $21::bigint[], $22::bigint[])
    AS p(promise_id, line_no, item_id, quantity)
)
INSERT INTO outbox (site_id, owner_id, event, aggregate, sequence, payload, occurred_at)
SELECT $1, $4, e.event, $23, e.sequence, e.payload::jsonb, $9
FROM unnest($24::text[], $25::int[], $26::text[]) WITH ORDINALITY
  AS e(event, sequence, payload, place) ORDER BY e.place
"""
ADD_LINES = """
INSERT INTO fulfilment_line (site_id, fulfilment_id, line_no, external_line_id, item_id, sku,
  ordered, promised, cancelled)
SELECT $1, $2, l.* FROM unnest($3::int[], $4::text[], $5::bigint[], $6::text[], $7::bigint[],
  $8::bigint[], $9::bigint[]) AS l
"""
SAVE = """
UPDATE fulfilment SET state = $3, on_hold = $4, exception = $5, cancel_requested = $6,
  priority = $7, ship_by = $8, wave_id = $9, tote_id = $10, promised_at = $11, released_at = $12,
  picked_at = $13, packed_at = $14, staged_at = $15, shipped_at = $16, changed_at = $17,
  sequence = $18, version = version + 1
WHERE site_id = $1 AND fulfilment_id = $2 RETURNING version
"""
SAVE_LINES = """
UPDATE fulfilment_line l SET ordered = k.ordered, promised = k.promised, reserved = k.reserved,
  picked = k.picked, packed = k.packed, shipped = k.shipped, cancelled = k.cancelled
FROM unnest($3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
  $9::bigint[], $10::bigint[])
  AS k(line_no, ordered, promised, reserved, picked, packed, shipped, cancelled)
WHERE l.site_id = $1 AND l.fulfilment_id = $2 AND l.line_no = k.line_no
"""
EXPIRED_HOLDS = """
SELECT f.fulfilment_id FROM fulfilment f
WHERE f.site_id = $1 AND f.on_hold AND f.state IN ('promised', 'partially_promised')
  AND f.changed_at < $2
ORDER BY f.changed_at LIMIT $3
"""


class PgOrderStore:
    """`OrderStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def items(self, owner: str, skus: Iterable[str]) -> Mapping[str, SoldItem]:
        """See the port."""
        rows = await self._raw.fetch(
            "SELECT item_id, sku, active FROM item WHERE owner_id = $1 AND sku = ANY($2::text[])",
            owner,
            sorted(set(skus)),
        )
        return {row["sku"]: SoldItem(**row) for row in rows}

    async def add_order(self, order: NewOrder) -> int | None:
        """See the port."""
        number: int | None = await self._raw.fetchval(
            ADD_ORDER,
            order.order_id,
            order.owner_id,
            order.channel,
            order.external_order_id,
            order.digest,
            json.dumps(order.body),
            order.priority,
            order.fill_policy,
            order.received_at,
        )
        return number

    async def known(
        self, owner: str, channel: str, external_order_id: str
    ) -> tuple[UUID, bytes] | None:
        """See the port."""
        row = await self._raw.fetchrow(
            "SELECT order_id, body_digest FROM customer_order"
            " WHERE owner_id = $1 AND channel = $2 AND external_order_id = $3",
            owner,
            channel,
            external_order_id,
        )
        return None if row is None else (row["order_id"], bytes(row["body_digest"]))

    async def add_fulfilment(
        self,
        order: Fulfilment,
        promises: Sequence[tuple[UUID, int, int]],
        events: Sequence[OrderEvent],
    ) -> None:
        """See the port."""
        await self._raw.execute(
            ADD_FULFILMENT,
            self._site,
            order.fulfilment_id,
            order.order_id,
            order.owner_id,
            order.state,
            order.on_hold,
            order.priority,
            order.ship_by,
            order.received_at,
            order.promised_at,
            order.sequence,
            *_line_columns(order),
            [promise_id for promise_id, _, _ in promises],
            [line_no for _, line_no, _ in promises],
            [order.line(line_no).item_id for _, line_no, _ in promises],
            [quantity for _, _, quantity in promises],
            aggregate(order),
            [event.name for event in events],
            [event.sequence for event in events],
            [json.dumps(event.payload) for event in events],
        )

    async def lock(self, fulfilment_ids: Iterable[UUID]) -> dict[UUID, Fulfilment]:
        """See the port."""
        wanted = sorted(set(fulfilment_ids))
        if not wanted:
            return {}
        heads = await self._raw.fetch(LOCK, self._site, wanted)
        lines: dict[UUID, list[Line]] = {head["fulfilment_id"]: [] for head in heads}
        for row in await self._raw.fetch(LINES, self._site, list(lines)):
            values = dict(row)
            lines[values.pop("fulfilment_id")].append(Line(**values))
        return {
            head["fulfilment_id"]: Fulfilment(**head, lines=tuple(lines[head["fulfilment_id"]]))
            for head in heads
        }

    async def lock_order(self, order_id: UUID, owners: Sequence[str] | None) -> Fulfilment:
        """See the port."""
        found = await self._raw.fetchval(
            "SELECT fulfilment_id FROM fulfilment WHERE site_id = $1 AND order_id = $2"
            " AND ($3::text[] IS NULL OR owner_id = ANY($3))",
            self._site,
            order_id,
            None if owners is None else list(owners),
        )
        if found is None:
            raise not_found("order")
        return (await self.lock([found]))[found]

    async def save(self, order: Fulfilment) -> Fulfilment:
        """See the port."""
        version = await self._raw.fetchval(
            SAVE,
            self._site,
            order.fulfilment_id,
            order.state,
            order.on_hold,
            order.exception,
            order.cancel_requested,
            order.priority,
            order.ship_by,
            order.wave_id,
            order.tote_id,
            order.promised_at,
            order.released_at,
            order.picked_at,
            order.packed_at,
            order.staged_at,
            order.shipped_at,
            order.changed_at,
            order.sequence,
        )
        lines = order.lines
        await self._raw.execute(
            SAVE_LINES,
            self._site,
            order.fulfilment_id,
            [line.line_no for line in lines],
            [line.ordered for line in lines],
            [line.promised for line in lines],
            [line.reserved for line in lines],
            [line.picked for line in lines],
            [line.packed for line in lines],
            [line.shipped for line in lines],
            [line.cancelled for line in lines],
        )
        return replace(order, version=int(version))

    async def body(self, order_id: UUID) -> dict[str, Any]:
        """See the port."""
        text = await self._raw.fetchval(
            "SELECT body::text FROM customer_order WHERE order_id = $1", order_id
        )
        found: dict[str, Any] = json.loads(text)
        return found

    async def set_body(self, order_id: UUID, body: dict[str, Any], priority: str) -> None:
        """See the port."""
        await self._raw.execute(
            "UPDATE customer_order SET body = $2, priority = $3 WHERE order_id = $1",
            order_id,
            json.dumps(body),
            priority,
        )

    async def replace_lines(self, order: Fulfilment) -> None:
        """See the port."""
        await self._raw.execute(
            "DELETE FROM fulfilment_line WHERE site_id = $1 AND fulfilment_id = $2",
            self._site,
            order.fulfilment_id,
        )
        await self._raw.execute(ADD_LINES, self._site, order.fulfilment_id, *_line_columns(order))

    async def expired_holds(self, *, before: int, limit: int) -> list[UUID]:
        """See the port."""
        rows = await self._raw.fetch(EXPIRED_HOLDS, self._site, before, limit)
        return [row["fulfilment_id"] for row in rows]


def _line_columns(order: Fulfilment) -> list[list[Any]]:
    """The columns of new lines, as the statements take them."""
    lines = order.lines
    return [
        [line.line_no for line in lines],
        [line.external_line_id for line in lines],
        [line.item_id for line in lines],
        [line.sku for line in lines],
        [line.ordered for line in lines],
        [line.promised for line in lines],
        [line.cancelled for line in lines],
    ]
