"""Floor work: handed out once under a lease, confirmed by a move, handed back without loss.

A putaway gets its bin when it is taken, and holds the bin's room until it is done or handed back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from core.application.carry import carry, carry_moves
from core.application.ledger import post_moves
from core.application.locks import check_unlocked
from core.application.ports.carriers import Carrier, Content
from core.application.ports.tasks import Task
from core.application.ports.uow import Ids, UnitOfWork
from core.application.replenish import confirm_replenishment, drop_replenishment
from core.domain.errors import FieldError, Refused
from core.domain.judgement import Notice
from core.domain.machine import Machine
from core.domain.putaway import check_room, choose_bin
from core.domain.states import DISCREPANCY, PUTAWAY_TASK, REPLENISHMENT_TASK
from core.domain.stock import Place

KINDS = ("putaway", "replenishment", "discrepancy", "put_back", "count")
BINNED = frozenset({"putaway", "put_back", "discrepancy"})
_STEPS = {"putaway": "storing", "put_back": "storing", "discrepancy": "storing"}


def machine_of(kind: str) -> Machine:
    """The transition table of a kind of task."""
    if kind == "discrepancy":
        return DISCREPANCY
    return REPLENISHMENT_TASK if kind == "replenishment" else PUTAWAY_TASK


async def next_task(
    uow: UnitOfWork,
    *,
    kind: str,
    worker: str,
    now: int,
    lease_us: int,
    owners: Sequence[str] | None = None,
) -> Task | None:
    """A task for this worker, the one already held first; None when there is no work."""
    task = await _due(uow, kind, worker, owners, now=now)
    if task is None:
        return None
    taken = replace(task, state="assigned", assigned_to=worker, lease_until=now + lease_us)
    if task.state == "assigned" and task.assigned_to != worker and kind in BINNED:
        taken = replace(taken, target_location_id=None)
    if kind in BINNED and taken.target_location_id is None:
        taken = await _with_bin(uow, taken)
    await uow.tasks.save(taken, now=now)
    return taken


async def _due(
    uow: UnitOfWork, kind: str, worker: str, owners: Sequence[str] | None, *, now: int
) -> Task | None:
    """The next task whose goods are still held for it; the others are dropped on the way."""
    while True:
        task = await uow.tasks.lock_next(kind, worker, owners=owners, now=now)
        if task is None or task.reservation_id is None:
            return task
        if await uow.replenish.hold(task.reservation_id) is not None:
            return task
        dropped = replace(task, state="cancelled", reason="goods-moved-away", lease_until=None)
        await uow.tasks.save(dropped, now=now)


async def _with_bin(uow: UnitOfWork, task: Task) -> Task:
    """The nearest bin with room for what there is to put away; without one it stays open."""
    items, quantity = await _goods(uow, task)
    x, y = await uow.tasks.coordinates(task.source_location_id)
    found = choose_bin(await uow.tasks.bins(), quantity=quantity, items=items, from_x=x, from_y=y)
    if found is None:
        return replace(task, quantity=quantity)
    return replace(task, target_location_id=found.location_id, quantity=quantity)


async def _goods(uow: UnitOfWork, task: Task) -> tuple[frozenset[int], int]:
    if task.handling_unit_id is None:
        return frozenset([task.item_id] if task.item_id is not None else []), task.quantity
    tree = await uow.carriers.tree([task.handling_unit_id])
    contents = await uow.carriers.contents(tree)
    return frozenset(c.item_id for c in contents), sum(c.quantity for c in contents)


async def confirm_task(
    uow: UnitOfWork,
    *,
    task_id: UUID,
    location: str | None,
    quantity: int | None,
    now: int,
    ids: Ids,
    actor: str,
) -> Task:
    """The work is done: its goods move to `location`, or to where the task sends them.

    Refused for a bin without room, and when the goods are not where the task takes them from. A
    smaller quantity leaves the rest as a new task. Confirming a done task again changes nothing.
    """
    task = await uow.tasks.lock(task_id)
    done = "resolved" if task.kind == "discrepancy" else "done"
    if task.state == done:
        return task
    machine_of(task.kind).check(task.state, done)
    if task.kind == "count":
        return await _counted(uow, task, quantity, now=now, ids=ids)
    target = await _target(uow, task, location)
    if task.reservation_id is not None:
        moved = await confirm_replenishment(
            uow,
            task_id=task_id,
            reservation_id=task.reservation_id,
            quantity=quantity,
            target=target,
            now=now,
            ids=ids,
            actor=actor,
        )
    else:
        moved = await _move(uow, task, target, quantity, now=now, ids=ids, actor=actor)
    finished = replace(
        task, state=done, target_location_id=target.location_id, quantity=moved, lease_until=None
    )
    await uow.tasks.save(finished, now=now)
    loose = task.handling_unit_id is None and task.reservation_id is None
    if loose and 0 < moved < task.quantity:
        rest = replace(
            task,
            task_id=ids(),
            state="open",
            quantity=task.quantity - moved,
            target_location_id=None,
            assigned_to=None,
            lease_until=None,
        )
        await uow.tasks.add(rest, now=now)
    if task.kind == "discrepancy" and task.epc_key is not None:
        await uow.floor.clear(["pass.unexpected", "pass.wrong_door"], [task.epc_key], now=now)
    return finished


async def _target(uow: UnitOfWork, task: Task, location: str | None) -> Place:
    if location is not None:
        place = await uow.stock.place(location)
        await check_unlocked(uow, location)
    elif task.target_location_id is not None:
        place = await uow.stock.place_by_id(task.target_location_id)
    else:
        detail = "The task names no place: say where the goods are now."
        error = FieldError("/location", "required", detail)
        raise Refused("validation", detail, errors=(error,))
    if place.is_virtual or place.kind == "discrepancy":
        raise Refused("location-virtual", "Goods cannot be put away there. Name a real place.")
    return place


async def _move(
    uow: UnitOfWork,
    task: Task,
    target: Place,
    quantity: int | None,
    *,
    now: int,
    ids: Ids,
    actor: str,
) -> int:
    """Move the task's goods; how many."""
    tree: Mapping[UUID, Carrier] = {}
    if task.handling_unit_id is not None:
        tree = await uow.carriers.tree([task.handling_unit_id])
        goods: Sequence[Content] = await uow.carriers.contents(tree)
    else:
        goods = await _loose(uow, task, task.quantity if quantity is None else quantity)
    total = sum(content.quantity for content in goods)
    if target.kind == "storage":
        await _check_bin(uow, task, target, total)
    step = _STEPS[task.kind]
    if tree and task.kind == "putaway":
        await carry(
            uow,
            _let_go(tree, task),
            target,
            biz_step=step,
            cause="task",
            cause_id=str(task.task_id),
            now=now,
            ids=ids,
            actor=actor,
        )
        return total
    moves = carry_moves(
        goods,
        lambda content: replace(target, status=content.place.status),
        event=task.task_id,
        biz_step=step,
        cause="task",
        cause_id=str(task.task_id),
        now=now,
        actor=actor,
    )
    await post_moves(uow, moves, now=now, ids=ids)
    return total


def _let_go(tree: Mapping[UUID, Carrier], task: Task) -> dict[UUID, Carrier]:
    """The tree with its root out of whatever held it."""
    return {
        one: replace(carrier, parent_id=None) if one == task.handling_unit_id else carrier
        for one, carrier in tree.items()
    }


async def _loose(uow: UnitOfWork, task: Task, quantity: int) -> list[Content]:
    """The goods of a task without handling unit: its unit, or that many of its item."""
    if task.epc_key is not None:
        unit = (await uow.carriers.units([task.epc_key])).get(task.epc_key)
        if unit is None or unit.place is None:
            raise _not_there()
        return [Content(unit.owner_id, unit.item_id, unit.lot_id, 1, unit.place, unit.epc_key)]
    if task.source_location_id is None or task.item_id is None:
        raise _not_there()
    place = await uow.stock.place_by_id(task.source_location_id)
    here = await uow.carriers.at(place, task.item_id)
    chosen: list[Content] = []
    for content in (c for c in here if c.lot_id == task.lot_id):
        left = quantity - sum(c.quantity for c in chosen)
        if left <= 0:
            break
        chosen.append(replace(content, quantity=min(left, content.quantity)))
    if sum(content.quantity for content in chosen) < quantity:
        raise _not_there()
    return chosen


def _not_there() -> Refused:
    return Refused(
        "state-conflict",
        "The goods are not where the task takes them from. Hand it back, or count the place.",
    )


async def _check_bin(uow: UnitOfWork, task: Task, target: Place, quantity: int) -> None:
    for place in await uow.tasks.bins():
        if place.location_id != target.location_id:
            continue
        mine = task.state == "assigned" and task.target_location_id == place.location_id
        coming = place.coming - (task.quantity if mine else 0)
        check_room(replace(place, coming=max(0, coming)), quantity)


async def _counted(
    uow: UnitOfWork, task: Task, quantity: int | None, *, now: int, ids: Ids
) -> Task:
    """A person counted a place: a difference is told, a lead decides what to adjust."""
    if quantity is None:
        detail = "Say how many you counted."
        error = FieldError("/quantity", "required", detail)
        raise Refused("validation", detail, errors=(error,))
    booked = 0
    if task.source_location_id is not None and task.item_id is not None:
        place = await uow.stock.place_by_id(task.source_location_id)
        here = await uow.carriers.at(place, task.item_id)
        booked = sum(content.quantity for content in here)
    done = replace(task, state="done", quantity=quantity, lease_until=None)
    await uow.tasks.save(done, now=now)
    if booked != quantity:
        notice = Notice(
            "count.variance",
            "warning",
            f"task/{task.task_id}",
            f"Counted {quantity} where the book has {booked}. Adjust with a reason, or recount.",
            task.owner_id,
            {"counted": str(quantity), "booked": str(booked)},
        )
        await uow.floor.raise_notice(
            notice, exception_id=ids(), portal=None, pass_id=None, visit_id=None, now=now
        )
    return done


async def hand_back(uow: UnitOfWork, *, task_id: UUID, now: int) -> Task:
    """The worker gives the task back; its bin is free again."""
    task = await uow.tasks.lock(task_id)
    machine_of(task.kind).check(task.state, "open")
    free = replace(
        task,
        state="open",
        assigned_to=None,
        lease_until=None,
        target_location_id=None if task.kind in BINNED else task.target_location_id,
    )
    await uow.tasks.save(free, now=now)
    return free


async def cancel_task(uow: UnitOfWork, *, task_id: UUID, reason: str | None, now: int) -> Task:
    """The work is not needed; what it held is free again. Once is enough."""
    task = await uow.tasks.lock(task_id)
    if task.state == "cancelled":
        return task
    machine_of(task.kind).check(task.state, "cancelled")
    if task.reservation_id is not None:
        await drop_replenishment(uow, reservation_id=task.reservation_id, now=now)
    cancelled = replace(task, state="cancelled", reason=reason or task.reason, lease_until=None)
    await uow.tasks.save(cancelled, now=now)
    return cancelled


async def free_expired_tasks(uow: UnitOfWork, *, now: int) -> int:
    """Hand back every task whose lease is over; the worker role calls it."""
    return await uow.tasks.free_expired(now=now)
