"""Promises: demand accepted against what the site has; given first to the most urgent and oldest.

Every grant is one conditional statement on availability; what it does not give is backordered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from core.application.order_events import tell, tell_word
from core.application.ports.uow import Ids, UnitOfWork
from core.application.ports.watch import Alarm
from core.domain.orders import Fulfilment, demand, settle, share
from core.domain.reservation import Demand


async def promise_lines(uow: UnitOfWork, order: Fulfilment, *, now: int, ids: Ids) -> Fulfilment:
    """Promise what waits on the lines of a locked (or new) order, as far as stock goes."""
    waiting = [(line.line_no, line.item_id, line.waiting) for line in order.lines if line.waiting]
    if not waiting:
        return order
    wanted = demand((item_id, quantity) for _, item_id, quantity in waiting)
    granted = await uow.promises.take(order.owner_id, wanted)
    parts = share(granted, waiting)
    await uow.promises.add(
        ((ids(), order, line_no, quantity) for line_no, quantity in parts.items()), now=now
    )
    return order.counted(promised=parts)


async def unpromise(
    uow: UnitOfWork, order: Fulfilment, promises: Iterable[Demand], *, state: str
) -> Fulfilment:
    """Void or expire open promises of a locked order and give their stock back."""
    promises = tuple(promises)
    if not promises:
        return order
    await uow.promises.close((p.promise_id for p in promises), state)
    await uow.promises.give_back(order.owner_id, demand((p.item_id, p.quantity) for p in promises))
    return order.counted(promised=_negative(promises))


async def promise_waiting(uow: UnitOfWork, *, now: int, ids: Ids, limit: int = 200) -> int:
    """Promise stock that came in to orders that wait for it; how many orders got some."""
    waiting = await uow.promises.waiting(limit=limit)
    if not waiting:
        return 0
    orders = await uow.orders.lock(waiting)
    items: dict[str, set[int]] = {}
    for order in orders.values():
        items.setdefault(order.owner_id, set()).update(
            line.item_id for line in order.lines if line.waiting
        )
    for owner in sorted(items):
        await uow.promises.lock(owner, items[owner])
    served = 0
    for fulfilment_id in waiting:
        if fulfilment_id not in orders:
            continue
        order = orders[fulfilment_id]
        promised = await promise_lines(uow, order, now=now, ids=ids)
        if promised.lines == order.lines:
            continue
        served += 1
        settled = settle(promised, now)
        settled = await tell_word(uow, order.state, settled, now=now)
        await uow.orders.save(settled)
    return served


async def shed_promises(
    uow: UnitOfWork, *, owner: str, item_id: int, excess: int, now: int, ids: Ids
) -> int:
    """Stock was lost: the newest, least urgent promises of an item give way; how much they gave."""
    giving = await uow.promises.newest_open(owner, item_id)
    orders = await uow.orders.lock(p.fulfilment_id for p in giving)
    gave = 0
    for promise in giving:
        if gave >= excess:
            break
        gave += promise.quantity
        order = orders[promise.fulfilment_id]
        before = order.state
        order = await unpromise(uow, order, [promise], state="voided")
        order = await promise_lines(uow, order, now=now, ids=ids)
        order = settle(replace(order, exception=True), now)
        order = await tell_word(uow, before, order, now=now)
        order = await tell(uow, order, "order.exception", now=now, reason="stock-lost")
        orders[promise.fulfilment_id] = await uow.orders.save(order)
        await uow.watch.raise_alarm(
            Alarm(
                kind="order.stock_lost",
                subject=f"order {order.order_number}",
                message="Promised stock was lost; the order waits for stock again.",
                owner_id=order.owner_id,
                fulfilment_id=order.fulfilment_id,
            ),
            exception_id=ids(),
            now=now,
        )
    return gave


async def expire_promises(uow: UnitOfWork, *, held_since: int, now: int, limit: int = 100) -> int:
    """Orders on hold since before `held_since` give their promises back."""
    orders = await uow.orders.lock(await uow.orders.expired_holds(before=held_since, limit=limit))
    for order in orders.values():
        before = order.state
        given = await uow.promises.open_of([order.fulfilment_id])
        order = settle(await unpromise(uow, order, given, state="expired"), now)
        await uow.orders.save(await tell_word(uow, before, order, now=now))
    return len(orders)


def _negative(promises: Iterable[Demand]) -> dict[int, int]:
    out: dict[int, int] = {}
    for promise in promises:
        out[promise.line_no] = out.get(promise.line_no, 0) - promise.quantity
    return out
