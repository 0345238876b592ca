"""Booking a count: each difference is a move whose cause is the count; goods moved since stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from core.application.ledger import post_moves
from core.application.ports.carriers import TaggedUnit
from core.application.ports.counts import Stocktake
from core.application.ports.uow import Ids, UnitOfWork
from core.domain.counting import Line, UnitFinding, units_off
from core.domain.stock import Move, Place


async def post_findings(
    uow: UnitOfWork, count: Stocktake, *, now: int, ids: Ids, actor: str
) -> int:
    """Post the findings of a count; how many moves.

    Raises `Refused("insufficient-stock")` when goods that were counted as missing have left the bin
    since: it is counted again.
    """
    lines, units = await uow.counts.findings(count.count_id)
    place = await uow.stock.place_by_id(count.location_id)
    moves = await _line_moves(uow, count, lines, place, now, actor)
    moves += await _unit_moves(uow, count, units, place, now, actor)
    await post_moves(uow, moves, now=now, ids=ids)
    for owner in sorted({move.owner_id for move in moves}):
        await uow.emit(
            "count.variance",
            aggregate=f"count:{count.count_id}",
            owner=owner,
            payload={
                "count_id": str(count.count_id),
                "location": count.code,
                "owner": owner,
                "off": units_off(lines, units),
            },
            occurred_at=now,
        )
    return len(moves)


async def _line_moves(
    uow: UnitOfWork, count: Stocktake, lines: list[Line], place: Place, now: int, actor: str
) -> list[Move]:
    if not any(line.variance for line in lines):
        return []
    other = await uow.stock.virtual("adjustment")
    moves = []
    for nth, line in enumerate(lines):
        if line.variance == 0:
            continue
        key = line.key
        here = replace(place, handling_unit_id=key.handling_unit_id, status=key.status)
        origin, target = (other, here) if line.variance > 0 else (here, other)
        goods = (key.owner_id, key.item_id, key.lot_id)
        moves.append(_move(count, goods, abs(line.variance), origin, target, str(nth), now, actor))
    return moves


async def _unit_moves(
    uow: UnitOfWork,
    count: Stocktake,
    found: Mapping[str, UnitFinding],
    place: Place,
    now: int,
    actor: str,
) -> list[Move]:
    wanted = [key for key, finding in found.items() if finding in ("missing", "elsewhere", "back")]
    if not wanted:
        return []
    missing = await uow.stock.virtual("missing")
    units = await uow.carriers.units(wanted)
    moves = []
    for key in wanted:
        unit = units[key]
        ends = _ends(unit, found[key], place, missing)
        if ends is not None:
            goods = (unit.owner_id, unit.item_id, unit.lot_id)
            moves.append(_move(count, goods, 1, *ends, key, now, actor, epc_key=key))
    return moves


def _ends(
    unit: TaggedUnit, finding: UnitFinding, place: Place, missing: Place
) -> tuple[Place, Place] | None:
    """From where to where the book moves a unit; None when it has moved since."""
    here = unit.place is not None and unit.place.location_id == place.location_id
    if finding == "missing":
        return (unit.place, missing) if here and unit.place is not None else None
    if here:
        return None
    if unit.place is None:
        return missing, place
    return unit.place, replace(place, status=unit.place.status)


def _move(
    count: Stocktake,
    goods: tuple[str, int, int | None],
    quantity: int,
    origin: Place,
    target: Place,
    key: str,
    now: int,
    actor: str,
    epc_key: str | None = None,
) -> Move:
    owner_id, item_id, lot_id = goods
    return Move(
        owner_id=owner_id,
        item_id=item_id,
        lot_id=lot_id,
        quantity=quantity,
        origin=origin,
        target=target,
        biz_step="cycle_counting",
        cause="count",
        cause_id=str(count.count_id),
        source="count",
        source_key=f"{count.count_id}/{count.round}/{key}",
        occurred_at=now,
        epc_key=epc_key,
        actor=actor,
    )
