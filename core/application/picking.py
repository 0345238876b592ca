"""Picking: an order to one picker, confirmed goods into the tote, short picks planned again.

The order is locked first and saved before its moves are posted, for posting may plan orders anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from core.application.ledger import post_moves
from core.application.order_events import tell_word
from core.application.ports.uow import Ids, UnitOfWork
from core.application.replan import plan_again
from core.application.totes import bind_tote
from core.domain.errors import wrong_field
from core.domain.orders import Fulfilment, settle
from core.domain.picking import PickTask, Seen, ShortReason, Take, check_open, plan_takes
from core.domain.states import PICK_TASK
from core.domain.stock import Move, Place

# Someone may take an order's last tasks between the look and the lock: look again so often.
TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """What a picker reports: how many, into which tote, by which tags."""

    quantity: int
    tote: str
    epcs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Replanned:
    """What became of a short pick: stops at other bins, promised again, or backordered."""

    reserved: int
    promised: int
    backordered: int


async def next_tasks(
    uow: UnitOfWork,
    *,
    worker: str,
    tote: str | None,
    owners: Sequence[str] | None,
    now: int,
    lease_us: int,
) -> list[UUID]:
    """Tasks of one order for a worker: what the worker has in hand, else the most urgent order."""
    for _ in range(TRIES):
        fulfilment_id = await uow.picking.held_by(worker) or await uow.picking.next_order(owners)
        if fulfilment_id is None:
            return []
        order = (await uow.orders.lock([fulfilment_id]))[fulfilment_id]
        tasks = await uow.picking.assign(
            fulfilment_id, worker=worker, lease_until=now + lease_us, now=now
        )
        if tasks:
            break
    else:
        return []
    if tote is not None:
        found = await bind_tote(uow, order, tote, now=now)
        await uow.orders.save(replace(order, tote_id=found.handling_unit_id))
    return tasks


async def confirm_pick(
    uow: UnitOfWork,
    task_id: UUID,
    picked: Picked,
    *,
    owners: Sequence[str] | None,
    now: int,
    ids: Ids,
    actor: str,
) -> PickTask:
    """Goods are in the tote. A repeated confirm of a done task changes nothing."""
    order, task = await _locked(uow, task_id, owners)
    if task.state == "picked" and picked.quantity == task.picked:
        return task
    return await _take(uow, order, task, picked, now=now, ids=ids, actor=actor)


async def short_pick(
    uow: UnitOfWork,
    task_id: UUID,
    *,
    picked: int,
    found: Picked | None,
    reason: ShortReason,
    owners: Sequence[str] | None,
    now: int,
    ids: Ids,
    actor: str,
) -> tuple[PickTask, Replanned]:
    """The bin holds less than the task wants. `picked` in all is what there was.

    What is missing leaves the bin in the book (to `missing` or as damaged), the bin gets a count
    task, and the line is planned from another bin, promised again or backordered.
    """
    order, task = await _locked(uow, task_id, owners)
    PICK_TASK.check(task.state, "short")
    if picked < task.picked or picked >= task.quantity:
        raise wrong_field("/picked", "range", "A short pick is less than the task wants.")
    if picked > task.picked:
        if found is None:
            raise wrong_field("/tote", "range", "Name the tote that took what was found.")
        task = await _take(
            uow,
            order,
            task,
            replace(found, quantity=picked - task.picked),
            now=now,
            ids=ids,
            actor=actor,
        )
        order = (await uow.orders.lock([order.fulfilment_id]))[order.fulfilment_id]
    rest = await uow.picking.void_rest(task, now=now)
    worker = task.assigned_to
    task = replace(task, state="short", assigned_to=None)
    await uow.picking.progress(task, reason=reason, now=now)
    await uow.picking.count_task(task, task_id=ids(), reason=f"short pick: {reason}", now=now)
    await uow.promises.give_back(order.owner_id, {task.item_id: rest})
    before = order.line(task.line_no)
    order = order.counted(reserved={task.line_no: -rest})
    order = await uow.orders.save(order)
    await _write_off(uow, task, rest, reason, now=now, ids=ids, actor=actor)
    order = (await uow.orders.lock([order.fulfilment_id]))[order.fulfilment_id]
    order = await plan_again(
        uow, order, reason="short-pick", now=now, ids=ids, excluded=[task.quant_id]
    )
    if worker is not None:
        await uow.picking.hand_on(order.fulfilment_id, worker=worker, now=now)
    if task.wave_id is not None:
        await uow.picking.settle_wave(task.wave_id, now=now)
    after = order.line(task.line_no)
    promised = after.promised - before.promised
    reserved = after.reserved - (before.reserved - rest)
    return task, Replanned(reserved, promised, rest - reserved - promised)


async def hand_back(
    uow: UnitOfWork, task_id: UUID, *, owners: Sequence[str] | None, now: int
) -> PickTask:
    """The picker gives the task back; someone else may take it."""
    _, task = await _locked(uow, task_id, owners)
    if task.state == "open":
        return task
    PICK_TASK.check(task.state, "open")
    task = replace(task, state="open", assigned_to=None)
    await uow.picking.progress(task, reason=None, now=now)
    return task


async def _locked(
    uow: UnitOfWork, task_id: UUID, owners: Sequence[str] | None
) -> tuple[Fulfilment, PickTask]:
    fulfilment_id = await uow.picking.order_of(task_id, owners)
    order = (await uow.orders.lock([fulfilment_id]))[fulfilment_id]
    return order, await uow.picking.lock(task_id)


async def _take(
    uow: UnitOfWork,
    order: Fulfilment,
    task: PickTask,
    picked: Picked,
    *,
    now: int,
    ids: Ids,
    actor: str,
) -> PickTask:
    check_open(task, picked.quantity)
    tote = await bind_tote(uow, order, picked.tote, now=now)
    found = await uow.carriers.units(picked.epcs)
    seen = {k: Seen(u.owner_id, u.item_id, u.lot_id, u.place) for k, u in found.items()}
    here = [c for c in await uow.carriers.at(task.place, task.item_id) if c.lot_id == task.lot_id]
    untagged = sum(c.quantity for c in here if c.epc_key is None)
    takes = plan_takes(task, picked.quantity, picked.epcs, seen, untagged=untagged)
    await uow.picking.consume(task, picked.quantity, part_id=ids(), now=now)
    done = task.picked + picked.quantity
    state = "picked" if done == task.quantity else task.state
    after = replace(task, picked=done, state=state)
    await uow.picking.progress(after, reason=None, now=now)
    before = order.state
    by_line = {task.line_no: picked.quantity}
    order = order.counted(reserved={task.line_no: -picked.quantity}, picked=by_line)
    order = settle(replace(order, tote_id=tote.handling_unit_id, changed_at=now), now)
    await uow.orders.save(await tell_word(uow, before, order, now=now))
    target = await uow.stock.place_by_id(tote.location_id or 0)
    target = replace(target, handling_unit_id=tote.handling_unit_id)
    moves = [_move(task, t, target, now=now, actor=actor, nth=task.picked) for t in takes]
    await post_moves(uow, moves, now=now, ids=ids)
    if task.wave_id is not None:
        await uow.picking.settle_wave(task.wave_id, now=now)
    return after


async def _write_off(
    uow: UnitOfWork,
    task: PickTask,
    quantity: int,
    reason: ShortReason,
    *,
    now: int,
    ids: Ids,
    actor: str,
) -> None:
    """What is not there leaves the bin in the book, if it is certain which goods those are."""
    if reason == "unreachable" or not quantity:
        return
    here = [c for c in await uow.carriers.at(task.place, task.item_id) if c.lot_id == task.lot_id]
    tagged = [c for c in here if c.epc_key is not None]
    untagged = sum(c.quantity for c in here if c.epc_key is None)
    takes = []
    if tagged and len(tagged) + untagged == quantity:
        takes = [Take(1, task.place, task.lot_id, c.epc_key) for c in tagged]
    elif tagged and untagged < quantity:
        return
    rest = quantity - len(takes)
    if rest:
        takes.append(Take(rest, task.place, task.lot_id))
    target = await uow.stock.virtual("missing")
    if reason == "damaged":
        target = replace(task.place, status="damaged")
    moves = [_move(task, t, target, now=now, actor=actor, nth=-1) for t in takes]
    await post_moves(uow, moves, now=now, ids=ids)


def _move(task: PickTask, take: Take, target: Place, *, now: int, actor: str, nth: int) -> Move:
    what = "short" if nth < 0 else str(nth)
    return Move(
        owner_id=task.owner_id,
        item_id=task.item_id,
        lot_id=take.lot_id,
        quantity=take.quantity,
        origin=take.origin,
        target=target,
        biz_step="picking",
        cause="task",
        cause_id=str(task.task_id),
        source="pick",
        source_key=f"{task.task_id}/{take.epc_key or '-'}/{what}",
        occurred_at=now,
        epc_key=take.epc_key,
        actor=actor,
    )
