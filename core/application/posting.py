"""Posting a pass: only what the book still confirms is moved, then everything that hangs on it.

A judgement may be older than the book. Goods that have moved since are left out, so that neither a
late pass nor a repeated one can book anything twice or be refused for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from core.application.ledger import post_moves
from core.application.ports.doors import PassRecord
from core.application.ports.tasks import Task
from core.application.ports.uow import Contention, Ids, UnitOfWork
from core.application.shipping import (
    hold_shipment,
    mark_loaded,
    mark_unloaded,
    resume_shipment,
)
from core.domain.errors import Refused
from core.domain.judgement import Handling, Loading, Notice, Receipt, Work
from core.domain.plan import Plan
from core.domain.stock import Move, reverse
from core.domain.tags import Past

_INVERSE = {"closed": "announced", "announced": "closed", "loaded": "staged", "staged": "loaded"}


async def post_plan(
    uow: UnitOfWork,
    *,
    pass_id: UUID,
    visit_id: UUID | None,
    plan: Plan,
    work: Sequence[Work],
    strangers: Sequence[str],
    now: int,
    ids: Ids,
) -> None:
    """Receipts, moves, handling units, loads and tasks of one pass."""
    moves = await uow.doors.holding(plan.moves)
    moved = {move.epc_key for move in moves if move.epc_key is not None}
    receipts = [receipt for receipt in plan.receipts if receipt.epc_key in moved]
    changed = await uow.inbound.apply_receipts(receipts, pass_id=pass_id, now=now)
    failed = {receipt.epc_key for receipt in receipts} - changed
    moves = [move for move in moves if move.epc_key not in failed]
    await _post(uow, moves, now=now, ids=ids)
    await uow.inbound.place_handling_units(_standing(plan, moves), now=now)
    await _tasks(uow, plan, work, moves, now=now, ids=ids)
    await _loads(uow, plan.loadings, pass_id=pass_id, now=now, ids=ids)
    await guard_shipments(uow, visit_id, now=now, ids=ids)


async def _post(uow: UnitOfWork, moves: Sequence[Move], *, now: int, ids: Ids) -> None:
    """Post what held a moment ago; goods taken in between are a matter for another try."""
    try:
        await post_moves(uow, moves, now=now, ids=ids)
    except Refused as error:
        if error.code != "insufficient-stock":
            raise
        raise Contention("goods of the pass were moved at the same time") from error


def _standing(plan: Plan, moves: Sequence[Move]) -> list[Handling]:
    """Handling units whose goods did move; those that hold nothing go with the load."""
    planned = _touched(plan.moves)
    done = _touched(moves)
    return [
        h for h in plan.handling if h.handling_unit_id in done or h.handling_unit_id not in planned
    ]


def _touched(moves: Iterable[Move]) -> set[UUID | None]:
    return {place.handling_unit_id for move in moves for place in (move.origin, move.target)} - {
        None
    }


async def _tasks(
    uow: UnitOfWork,
    plan: Plan,
    work: Sequence[Work],
    moves: Sequence[Move],
    *,
    now: int,
    ids: Ids,
) -> None:
    gone = [h.handling_unit_id for h in plan.handling if h.place is None or h.state == "loaded"]
    back = [m.epc_key for m in plan.moves if m.source_key.endswith("/back") and m.epc_key]
    await uow.tasks.cancel_of(handling_units=gone, epc_keys=back, now=now)
    for entry in work:
        if not _still_due(entry, moves):
            continue
        await uow.tasks.add(_task(entry, ids()), now=now)


def _still_due(work: Work, moves: Sequence[Move]) -> bool:
    """Whether the goods that the work is about were moved."""
    if work.epc_key is not None:
        return any(move.epc_key == work.epc_key for move in moves)
    if work.handling_unit_id is not None:
        return work.handling_unit_id in _touched(moves)
    return any(move.item_id == work.item_id for move in moves)


def _task(work: Work, task_id: UUID) -> Task:
    return Task(
        task_id=task_id,
        kind=work.kind,
        state="open",
        owner_id=work.owner_id,
        item_id=work.item_id,
        lot_id=work.lot_id,
        handling_unit_id=work.handling_unit_id,
        epc_key=work.epc_key,
        quantity=work.quantity,
        source_location_id=work.source_location_id,
        target_location_id=None,
        reservation_id=None,
        reason=work.reason,
        assigned_to=None,
        lease_until=None,
    )


async def _loads(
    uow: UnitOfWork, loadings: Sequence[Loading], *, pass_id: UUID, now: int, ids: Ids
) -> None:
    """Mark what is on the truck. What its shipment no longer takes is told, never a standstill."""
    for entry in sorted(loadings, key=lambda one: (one.shipment_id, one.handling_unit_id)):
        mark = mark_loaded if entry.loaded else mark_unloaded
        try:
            await mark(uow, entry.shipment_id, entry.handling_unit_id, pass_id, now)
        except Refused as error:
            notice = Notice(
                "pass.not_booked",
                "warning",
                f"handling-unit/{entry.handling_unit_id}",
                "Its shipment does not take this unit any more. Look at the shipment.",
                None,
                {"code": error.code, "shipment": str(entry.shipment_id)},
            )
            await uow.floor.raise_notice(
                notice, exception_id=ids(), portal=None, pass_id=pass_id, visit_id=None, now=now
            )


async def guard_shipments(uow: UnitOfWork, visit_id: UUID | None, *, now: int, ids: Ids) -> None:
    """Hold the visit's shipments while a stranger is on their truck; resume them once it is off."""
    if visit_id is None:
        return
    visit = await uow.visits.lock(visit_id)
    shipments = await uow.visits.shipments(visit.documents)
    if not shipments:
        return
    strangers = await uow.visits.strangers(visit_id)
    for shipment in shipments:
        if strangers and shipment.state in ("verifying", "verified"):
            reason = "not-on-list"
            await hold_shipment(uow, shipment.shipment_id, reason=reason, now=now, ids=ids)
        elif not strangers and shipment.state == "held":
            await resume_shipment(uow, shipment.shipment_id, now=now)


async def take_back(uow: UnitOfWork, record: PassRecord, *, now: int, ids: Ids, actor: str) -> None:
    """Reverse every move of a booked pass and what hung on it."""
    plan = await uow.doors.plan_of(record.pass_id)
    moves = [_back(past, actor, now) for past in await uow.doors.moves_of(record.pass_id)]
    if len(await uow.doors.holding(moves)) != len(moves):
        raise Refused(
            "state-conflict",
            "Goods of this pass have moved on. Move them back first, or correct them by moves.",
        )
    receipts = [Receipt(r.asn_id, r.line_no, r.epc_key, -r.change) for r in plan.receipts]
    await uow.inbound.apply_receipts(receipts, pass_id=record.pass_id, now=now)
    await post_moves(uow, moves, now=now, ids=ids)
    handling = [back for entry in plan.handling if (back := _undone(entry, moves)) is not None]
    await uow.inbound.place_handling_units(handling, now=now)
    loadings = [
        Loading(entry.shipment_id, entry.handling_unit_id, loaded=not entry.loaded)
        for entry in plan.loadings
    ]
    await _loads(uow, loadings, pass_id=record.pass_id, now=now, ids=ids)
    keys = [move.epc_key for move in moves if move.epc_key is not None]
    await uow.tasks.cancel_of(
        handling_units=[entry.handling_unit_id for entry in handling], epc_keys=keys, now=now
    )
    await guard_shipments(uow, record.visit_id, now=now, ids=ids)


def _back(past: Past, actor: str, now: int) -> Move:
    back = reverse(
        past.move,
        source_key=f"{past.move.source_key}/back",
        occurred_at=now,
        reverses_move_id=past.move_id,
    )
    return replace(back, actor=actor)


def _undone(entry: Handling, moves: Sequence[Move]) -> Handling | None:
    """A handling unit back in the state and at the place it had, as its goods show it."""
    state = _INVERSE.get(entry.state)
    if state is None:
        return None
    if state == "announced":
        return replace(entry, state=state, place=None)
    mine = [m.target for m in moves if m.target.handling_unit_id == entry.handling_unit_id]
    place = next(iter(mine), entry.place)
    return None if place is None else replace(entry, state=state, place=place)
