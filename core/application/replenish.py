"""Replenishment: low pick faces get tasks with reserve stock held for them, and their moves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from core.application.carry import carry_moves
from core.application.ledger import post_moves
from core.application.ports.carriers import Content
from core.application.ports.uow import Ids, UnitOfWork
from core.domain.errors import Refused
from core.domain.replenishment import plan_refills
from core.domain.stock import Place


async def plan_replenishment(uow: UnitOfWork, *, now: int, ids: Ids, limit: int = 100) -> int:
    """Make tasks for pick faces below their minimum; how many tasks."""
    faces = await uow.replenish.low_faces(limit=limit)
    if not faces:
        return 0
    candidates = await uow.reservations.candidates({face.item_id for face in faces}, now=now)
    refills = plan_refills(faces, candidates)
    if refills:
        numbered = [(ids(), ids(), refill) for refill in refills]
        await uow.replenish.reserve(numbered, now=now)
    return len(refills)


async def confirm_replenishment(
    uow: UnitOfWork,
    *,
    task_id: UUID,
    reservation_id: UUID,
    quantity: int | None,
    target: Place,
    now: int,
    ids: Ids,
    actor: str,
) -> int:
    """The goods of a replenishment task are at the face; how many. The rest of the hold is freed.

    Refused when the reservation was voided since: the task must be dropped then.
    """
    hold = await uow.replenish.hold(reservation_id)
    if hold is None:
        raise Refused("state-conflict", "The goods of this task were moved away. Cancel it.")
    moved = hold.quantity if quantity is None else quantity
    if moved < 1 or moved > hold.quantity:
        raise Refused("state-conflict", "The task wants another quantity.", wanted=hold.quantity)
    here = await uow.carriers.at(hold.place, hold.item_id)
    goods = choose(here, hold.lot_id, moved)
    await uow.replenish.settle(hold, posted=moved, now=now)
    moves = carry_moves(
        goods,
        lambda content: replace(target, status=content.place.status),
        event=task_id,
        biz_step="storing",
        cause="task",
        cause_id=str(task_id),
        now=now,
        actor=actor,
    )
    await post_moves(uow, moves, now=now, ids=ids)
    return moved


async def drop_replenishment(uow: UnitOfWork, *, reservation_id: UUID, now: int) -> None:
    """The task is cancelled: its reserve stock is free again."""
    hold = await uow.replenish.hold(reservation_id)
    if hold is not None:
        await uow.replenish.settle(hold, posted=0, now=now)


def choose(here: Iterable[Content], lot_id: int | None, quantity: int) -> list[Content]:
    """Goods of a lot without tags first, then units in key order, together `quantity`."""
    chosen: list[Content] = []
    left = quantity
    for content in sorted(
        (c for c in here if c.lot_id == lot_id), key=lambda c: (c.epc_key is not None, c.epc_key)
    ):
        if left <= 0:
            break
        part = min(left, content.quantity)
        chosen.append(replace(content, quantity=part))
        left -= part
    return chosen
