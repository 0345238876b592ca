"""Recalls: one command holds a lot wherever it lies, and names the orders that have some of it.

What arrives of a recalled lot later is held by the worker; what is in an order's tote or carton is
the floor's to take out, and stands as a critical exception until somebody has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.application.ports.lots import InOrder, Lot
from core.application.ports.uow import Ids, UnitOfWork
from core.application.ports.watch import Alarm
from core.application.statuses import post_status
from core.domain.binding import the_reason
from core.domain.errors import Refused, not_found

RECALLED = "lot.recalled"
IN_ORDER = "lot.in_order"
Owners = Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Recall:
    """What a recall, or its end, did: base units moved, and the orders that hold some."""

    moved: int
    orders: tuple[InOrder, ...]


async def recall_lot(
    uow: UnitOfWork, lot_id: int, *, reason: str, owners: Owners, now: int, ids: Ids, actor: str
) -> Recall:
    """Hold every available unit of the lot on this site and alarm for what orders have of it."""
    reason = the_reason(reason)
    lot = await _lot(uow, lot_id, owners)
    if lot.recalled_at is not None:
        raise Refused("state-conflict", "The lot is recalled already. Release it first.")
    await uow.lots.recall(lot_id, now=now, reason=reason, actor=actor)
    goods = await uow.lots.goods(lot_id, status="available")
    moved = sum(content.quantity for content in goods)
    await post_status(uow, goods, "hold", reason="recall", now=now, ids=ids, actor=actor)
    orders = tuple(await uow.lots.in_orders(lot_id))
    subject = f"{lot.owner_id} {lot.sku} {lot.code}"
    await uow.watch.raise_alarm(
        Alarm(
            kind=RECALLED,
            subject=subject,
            message="The lot is recalled and held. See its trace for customers who have some.",
            severity="critical",
            owner_id=lot.owner_id,
            facts={"sku": lot.sku, "lot": lot.code, "held": moved, "lot_id": lot_id},
        ),
        exception_id=ids(),
        now=now,
    )
    for order in orders:
        await _alarm_order(uow, lot, order, now=now, ids=ids)
    return Recall(moved, orders)


async def _alarm_order(uow: UnitOfWork, lot: Lot, order: InOrder, *, now: int, ids: Ids) -> None:
    message = "An order on the floor holds goods of a recalled lot. Take them out before it ships."
    alarm = Alarm(
        kind=IN_ORDER,
        subject=f"{order.order_number} {lot.sku} {lot.code}",
        message=message,
        severity="critical",
        owner_id=order.owner_id,
        fulfilment_id=order.fulfilment_id,
        facts={"order_number": order.order_number, "lot": lot.code, "quantity": order.quantity},
    )
    await uow.watch.raise_alarm(alarm, exception_id=ids(), now=now)


async def release_lot(
    uow: UnitOfWork, lot_id: int, *, reason: str, owners: Owners, now: int, ids: Ids, actor: str
) -> Recall:
    """End a recall: what is on hold becomes available, unless the lot is out of date."""
    reason = the_reason(reason)
    lot = await _lot(uow, lot_id, owners)
    if lot.recalled_at is None:
        raise Refused("state-conflict", "The lot is not recalled.")
    await uow.lots.release(lot_id, now=now, reason=reason, actor=actor)
    expired = lot.expires_at is not None and lot.expires_at <= now
    goods = await uow.lots.goods(lot_id, status="hold")
    status = "expired" if expired else "available"
    moved = sum(content.quantity for content in goods)
    await post_status(uow, goods, status, reason="released", now=now, ids=ids, actor=actor)
    orders = tuple(await uow.lots.in_orders(lot_id))
    await uow.watch.clear_alarm(RECALLED, f"{lot.owner_id} {lot.sku} {lot.code}", now=now)
    for order in orders:
        subject = f"{order.order_number} {lot.sku} {lot.code}"
        await uow.watch.clear_alarm(IN_ORDER, subject, now=now)
    return Recall(moved, orders)


async def hold_recalled(uow: UnitOfWork, *, now: int, ids: Ids, limit: int = 100) -> int:
    """Hold what arrived of recalled lots since; how many base units."""
    goods = await uow.lots.recalled(limit=limit)
    await post_status(uow, goods, "hold", reason="recall", now=now, ids=ids, actor="worker")
    return sum(content.quantity for content in goods)


async def _lot(uow: UnitOfWork, lot_id: int, owners: Owners) -> Lot:
    lot = await uow.lots.lock(lot_id, owners)
    if lot is None:
        raise not_found("lot")
    return lot
