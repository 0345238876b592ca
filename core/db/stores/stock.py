"""The ledger in SQL: one set-based posting for any number of moves, locks taken in key order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from core.application.ports.stock import Displaced, Posted
from core.db.stores.displace import displace
from core.domain.errors import Refused, not_found
from core.domain.stock import Move, Place, QuantKey, quant_deltas, sellable_deltas

INSERT_MOVES = """
INSERT INTO move (site_id, owner_id, item_id, lot_id, quantity,
  source_location_id, source_handling_unit_id, source_status,
  target_location_id, target_handling_unit_id, target_status,
  epc_key, biz_step, cause, cause_id, source, source_key, pass_id, reverses_move_id, actor,
  occurred_at, recorded_at)
SELECT $1, m.* , $2 FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
  $7::bigint[], $8::uuid[], $9::text[], $10::bigint[], $11::uuid[], $12::text[],
  $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[],
  $19::uuid[], $20::bigint[], $21::text[], $22::bigint[]) AS m
ON CONFLICT (site_id, source, source_key) DO NOTHING
RETURNING source, source_key
"""

LOCK_AVAILABILITY = """
SELECT 1 FROM availability a JOIN unnest($2::text[], $3::bigint[]) AS k(owner_id, item_id)
  ON a.owner_id = k.owner_id AND a.item_id = k.item_id
WHERE a.site_id = $1 ORDER BY a.owner_id, a.item_id FOR UPDATE OF a
"""

CHANGE_AVAILABILITY = """
INSERT INTO availability AS a (site_id, owner_id, item_id, sellable, committed)
SELECT $1, k.owner_id, k.item_id, GREATEST(k.change, 0), 0
FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS k(owner_id, item_id, change)
ON CONFLICT (site_id, owner_id, item_id) DO UPDATE
SET sellable = a.sellable + (SELECT k.change
  FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS k(owner_id, item_id, change)
  WHERE k.owner_id = a.owner_id AND k.item_id = a.item_id)
"""

KEYS = """unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::uuid[], $7::text[],
  $8::bigint[]) AS k(owner_id, item_id, lot_id, location_id, handling_unit_id, status, change)"""
MATCH = """q.site_id = $1 AND q.owner_id = k.owner_id AND q.item_id = k.item_id
  AND q.lot_id IS NOT DISTINCT FROM k.lot_id AND q.location_id = k.location_id
  AND q.handling_unit_id IS NOT DISTINCT FROM k.handling_unit_id AND q.status = k.status"""

LOCK_QUANTS = f"""
SELECT q.quant_id, q.on_hand, q.reserved, k.owner_id, k.item_id, k.lot_id, k.location_id,
  k.handling_unit_id, k.status, k.change
FROM {KEYS} JOIN quant q ON {MATCH}
ORDER BY k.owner_id, k.item_id, k.lot_id NULLS FIRST, k.location_id, k.handling_unit_id NULLS FIRST,
  k.status
FOR UPDATE OF q
"""

TAKE = """
UPDATE quant q SET on_hand = q.on_hand - k.quantity
FROM unnest($2::bigint[], $3::bigint[]) AS k(quant_id, quantity)
WHERE q.site_id = $1 AND q.quant_id = k.quant_id AND q.on_hand - q.reserved >= k.quantity
"""
DROP_EMPTY = """
DELETE FROM quant WHERE site_id = $1 AND quant_id = ANY($2::bigint[]) AND on_hand = 0 AND reserved
= 0
"""
GIVE = """
INSERT INTO quant AS q (site_id, owner_id, item_id, lot_id, location_id, handling_unit_id, status,
  on_hand, received_at)
SELECT $1, k.*, $9 FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::uuid[],
  $7::text[], $8::bigint[]) AS k
ON CONFLICT ON CONSTRAINT uq_quant_key DO UPDATE SET on_hand = q.on_hand + excluded.on_hand
"""

PLACE_UNITS = """
UPDATE unit u SET state = k.state, location_id = k.location_id, handling_unit_id =
k.handling_unit_id,
  status = k.status, changed_at = $2
FROM unnest($3::text[], $4::text[], $5::bigint[], $6::uuid[], $7::text[])
  AS k(epc_key, state, location_id, handling_unit_id, status)
WHERE u.site_id = $1 AND u.epc_key = k.epc_key
"""
_UNIT_STATE = {"supplier": "announced", "customer": "gone"}


class PgStockStore:
    """`StockStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def post(self, moves: Sequence[Move], *, recorded_at: int) -> Posted:
        """See the port."""
        if not moves:
            return Posted(0)
        fresh = await self._append(moves, recorded_at)
        if not fresh:
            return Posted(0)
        sellable = sellable_deltas(fresh)
        await self._lock_availability(sellable)
        displaced = await self._change_quants(fresh, recorded_at)
        await self._change_availability(sellable)
        await self._place_units(fresh, recorded_at)
        return Posted(len(fresh), displaced)

    async def _append(self, moves: Sequence[Move], recorded_at: int) -> list[Move]:
        rows = await self._raw.fetch(INSERT_MOVES, self._site, recorded_at, *_columns(moves))
        if len(rows) == len(moves):
            return list(moves)
        new = {(row["source"], row["source_key"]) for row in rows}
        return [move for move in moves if (move.source, move.source_key) in new]

    async def _lock_availability(self, deltas: dict[tuple[str, int], int]) -> None:
        if deltas:
            owners, items = [k[0] for k in deltas], [k[1] for k in deltas]
            await self._raw.execute(LOCK_AVAILABILITY, self._site, owners, items)

    async def _change_availability(self, deltas: dict[tuple[str, int], int]) -> None:
        if not deltas:
            return
        owners, items = [k[0] for k in deltas], [k[1] for k in deltas]
        await self._raw.execute(
            CHANGE_AVAILABILITY, self._site, owners, items, list(deltas.values())
        )

    async def _change_quants(self, moves: list[Move], now: int) -> tuple[Displaced, ...]:
        deltas = quant_deltas(moves)
        found = await self._raw.fetch(LOCK_QUANTS, self._site, *_keys(deltas))
        held = {_key_of(row): row for row in found}
        taken: dict[int, int] = {}
        short_of: dict[int, int] = {}
        for key, change in deltas.items():
            if change >= 0:
                continue
            row = held.get(key)
            if row is None or row["on_hand"] < -change:
                raise _insufficient(key, -change, row)
            taken[row["quant_id"]] = -change
            excess = row["reserved"] - (row["on_hand"] + change)
            if excess > 0:
                short_of[row["quant_id"]] = excess
        given = {key: change for key, change in deltas.items() if change > 0}
        if given:
            await self._raw.execute(GIVE, self._site, *_keys(given), now)
        displaced = await displace(self._raw, self._site, short_of, moves, held, now)
        if taken:
            done = await self._raw.execute(TAKE, self._site, list(taken), list(taken.values()))
            if done != f"UPDATE {len(taken)}":
                raise RuntimeError("a locked quant changed under its lock")
            await self._raw.execute(DROP_EMPTY, self._site, list(taken))
        return displaced

    async def _place_units(self, moves: list[Move], now: int) -> None:
        last = {move.epc_key: move.target for move in moves if move.epc_key is not None}
        if not last:
            return
        keys = sorted(last)
        places = [last[key] for key in keys]
        await self._raw.execute(
            PLACE_UNITS,
            self._site,
            now,
            keys,
            [_UNIT_STATE.get(p.kind, "missing") if p.is_virtual else "present" for p in places],
            [None if p.is_virtual else p.location_id for p in places],
            [None if p.is_virtual else p.handling_unit_id for p in places],
            [p.status for p in places],
        )

    async def place(self, code: str) -> Place:
        """See the port."""
        row = await self._raw.fetchrow(
            "SELECT location_id, kind FROM location WHERE site_id = $1 AND code = $2",
            self._site,
            code,
        )
        if row is None:
            raise not_found("location")
        return Place(row["location_id"], row["kind"])

    async def place_by_id(self, location_id: int) -> Place:
        """See the port."""
        kind = await self._raw.fetchval(
            "SELECT kind FROM location WHERE site_id = $1 AND location_id = $2",
            self._site,
            location_id,
        )
        if kind is None:
            raise not_found("location")
        return Place(location_id, kind)

    async def virtual(self, kind: str) -> Place:
        """See the port."""
        found = await self._raw.fetchval(
            "SELECT location_id FROM location WHERE site_id = $1 AND kind = $2 ORDER BY 1 LIMIT 1",
            self._site,
            kind,
        )
        if found is None:
            raise not_found(f"{kind} place")
        return Place(found, kind)


def _columns(moves: Sequence[Move]) -> list[list[Any]]:
    return [
        [m.owner_id for m in moves],
        [m.item_id for m in moves],
        [m.lot_id for m in moves],
        [m.quantity for m in moves],
        [m.origin.location_id for m in moves],
        [m.origin.handling_unit_id for m in moves],
        [m.origin.status for m in moves],
        [m.target.location_id for m in moves],
        [m.target.handling_unit_id for m in moves],
        [m.target.status for m in moves],
        [m.epc_key for m in moves],
        [m.biz_step for m in moves],
        [m.cause for m in moves],
        [m.cause_id for m in moves],
        [m.source for m in moves],
        [m.source_key for m in moves],
        [m.pass_id for m in moves],
        [m.reverses_move_id for m in moves],
        [m.actor for m in moves],
        [m.occurred_at for m in moves],
    ]


def _keys(deltas: dict[QuantKey, int]) -> list[list[Any]]:
    return [
        [k.owner_id for k in deltas],
        [k.item_id for k in deltas],
        [k.lot_id for k in deltas],
        [k.location_id for k in deltas],
        [k.handling_unit_id for k in deltas],
        [k.status for k in deltas],
        list(deltas.values()),
    ]


def _key_of(row: Any) -> QuantKey:
    unit: UUID | None = row["handling_unit_id"]
    return QuantKey(
        row["owner_id"],
        row["item_id"],
        row["lot_id"],
        row["location_id"],
        None if unit is None else UUID(int=unit.int),
        row["status"],
    )


def _insufficient(key: QuantKey, wanted: int, row: Any) -> Refused:
    available = 0 if row is None else int(row["on_hand"])
    return Refused(
        "insufficient-stock",
        f"The place holds {available} of the item and {wanted} were to leave it."
        " Count the place or move less.",
        item=key.item_id,
        location=key.location_id,
        wanted=wanted,
        available=available,
    )
