"""Reservations whose stock leaves: they follow the goods to their new quant, or they are voided.

A physical move of reserved stock is never refused; `reserved <= on_hand` holds after each
statement.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import asyncpg

from core.application.ports.stock import Displaced
from core.domain.stock import Move, Place, QuantKey, quant_key

# Kinds where a reservation may stand: a person or cart can pick from here.
FOLLOW_KINDS = frozenset({"storage", "pick_face", "staging", "dock"})

PENDING = """
SELECT reservation_id, purpose, fulfilment_id, line_no, task_id, quantity FROM reservation
WHERE site_id = $1 AND quant_id = $2 AND state = 'pending'
ORDER BY created_at DESC, reservation_id DESC FOR UPDATE
"""
TARGETS = """
SELECT q.quant_id, q.on_hand - q.reserved AS free FROM quant q
WHERE q.site_id = $1 AND q.owner_id = $2 AND q.item_id = $3 AND q.lot_id IS NOT DISTINCT FROM $4
  AND q.location_id = $5 AND q.handling_unit_id IS NOT DISTINCT FROM $6 AND q.status = $7 FOR UPDATE
"""
FREE = "UPDATE quant SET reserved = reserved - $3 WHERE site_id = $1 AND quant_id = $2"
HOLD = "UPDATE quant SET reserved = reserved + $3 WHERE site_id = $1 AND quant_id = $2"
FOLLOW = """
UPDATE reservation SET quant_id = $3, changed_at = $4 WHERE site_id = $1 AND reservation_id = $2
"""
VOID = """
UPDATE reservation SET state = 'voided', changed_at = $3 WHERE site_id = $1 AND reservation_id = $2
"""
MOVE_TASK = """
UPDATE pick_task t SET location_id = q.location_id, handling_unit_id = q.handling_unit_id,
  changed_at = $4
FROM quant q WHERE t.site_id = $1 AND t.reservation_id = $2 AND t.state IN ('open', 'assigned')
  AND q.site_id = $1 AND q.quant_id = $3
"""


async def displace(
    raw: asyncpg.Connection[Any],
    site: str,
    short_of: Mapping[int, int],
    moves: list[Move],
    held: Mapping[QuantKey, Any],
    now: int,
) -> tuple[Displaced, ...]:
    """Take pending reservations off quants that lose `short_of[quant_id]` reserved units.

    A reservation follows as a whole when the target quant of the same posting has room for it,
    else it is voided; newest reservations give way first.
    """
    out: list[Displaced] = []
    for key, row in held.items():
        excess = short_of.get(row["quant_id"], 0)
        if excess <= 0:
            continue
        targets = _targets(key, moves)
        for pending in await raw.fetch(PENDING, site, row["quant_id"]):
            if excess <= 0:
                break
            followed = await _follow(raw, site, key, targets, pending, now)
            await raw.execute(FREE, site, row["quant_id"], pending["quantity"])
            if followed is None:
                await raw.execute(VOID, site, pending["reservation_id"], now)
            excess -= pending["quantity"]
            out.append(
                Displaced(
                    pending["reservation_id"],
                    pending["purpose"],
                    pending["fulfilment_id"],
                    pending["line_no"],
                    pending["quantity"],
                    followed,
                )
            )
    return tuple(out)


def _targets(key: QuantKey, moves: list[Move]) -> list[Place]:
    """Where the goods of this quant went in this posting, pickable places only, first seen
    first.
    """
    seen: dict[tuple[int, object], Place] = {}
    for move in moves:
        if quant_key(move, move.origin) == key and move.target.kind in FOLLOW_KINDS:
            seen.setdefault((move.target.location_id, move.target.handling_unit_id), move.target)
    return [place for place in seen.values() if place.status == "available"]


async def _follow(
    raw: asyncpg.Connection[Any],
    site: str,
    key: QuantKey,
    targets: list[Place],
    pending: Any,
    now: int,
) -> int | None:
    for place in targets:
        row = await raw.fetchrow(
            TARGETS,
            site,
            key.owner_id,
            key.item_id,
            key.lot_id,
            place.location_id,
            place.handling_unit_id,
            place.status,
        )
        if row is None or row["free"] < pending["quantity"]:
            continue
        quant_id = int(row["quant_id"])
        await raw.execute(HOLD, site, quant_id, pending["quantity"])
        await raw.execute(FOLLOW, site, pending["reservation_id"], quant_id, now)
        await raw.execute(MOVE_TASK, site, pending["reservation_id"], quant_id, now)
        return quant_id
    return None
