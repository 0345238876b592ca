"""Reservations that lost their stock: back to the promise or to backorder, then to another bin.

A physical move is never refused for them; the floor gets an exception in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from core.application.order_events import tell, tell_word
from core.application.ports.stock import Displaced
from core.application.ports.uow import Ids, UnitOfWork
from core.application.ports.watch import Alarm
from core.application.promising import promise_lines
from core.application.reserving import reserve
from core.domain.orders import PICKABLE, Fulfilment, demand, settle


async def return_displaced(
    uow: UnitOfWork, displaced: Iterable[Displaced], *, now: int, ids: Ids
) -> None:
    """Give every voided reservation back to its order line, and stop the tasks that stood on it."""
    voided = [d for d in displaced if d.followed_to is None]
    if not voided:
        return
    await uow.reservations.cancel_tasks((d.reservation_id for d in voided), now=now)
    lost: dict[object, dict[int, int]] = {}
    for d in voided:
        if d.fulfilment_id is not None and d.line_no is not None:
            by_line = lost.setdefault(d.fulfilment_id, {})
            by_line[d.line_no] = by_line.get(d.line_no, 0) + d.quantity
    orders = await uow.orders.lock(d.fulfilment_id for d in voided if d.fulfilment_id is not None)
    for fulfilment_id, order in orders.items():
        by_line = lost[fulfilment_id]
        items = demand((order.line(n).item_id, quantity) for n, quantity in by_line.items())
        await uow.promises.give_back(order.owner_id, items)
        order = order.counted(reserved={n: -quantity for n, quantity in by_line.items()})
        await plan_again(uow, order, reason="stock-moved", now=now, ids=ids)


async def plan_again(
    uow: UnitOfWork,
    order: Fulfilment,
    *,
    reason: str,
    now: int,
    ids: Ids,
    excluded: Iterable[int] = (),
) -> Fulfilment:
    """A locked order lost reserved stock (counters and committed say so already): plan it anew.

    What is lost is promised again as far as the site still has the goods, reserved elsewhere when
    the order is on the floor, and backordered for the rest. The order is saved.
    """
    before = order.state
    order = await promise_lines(uow, order, now=now, ids=ids)
    if order.state in PICKABLE:
        outcome = await reserve(uow, [order], now=now, ids=ids, excluded=excluded)
        order = outcome.orders[order.fulfilment_id]
    order = settle(replace(order, exception=True, changed_at=now), now)
    order = await tell_word(uow, before, order, now=now)
    order = await tell(uow, order, "order.exception", now=now, reason=reason)
    await uow.watch.raise_alarm(
        Alarm(
            kind=f"order.{reason.replace('-', '_')}",
            subject=f"order {order.order_number}",
            message="Reserved stock is not where the order needs it; the order was planned again.",
            owner_id=order.owner_id,
            fulfilment_id=order.fulfilment_id,
        ),
        exception_id=ids(),
        now=now,
    )
    return await uow.orders.save(order)
