"""Release: promised orders go to the floor as pending moves with pick tasks, most urgent first.

Stock is chosen for the whole batch at once; what no pickable bin can serve stays a promise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from core.application.order_events import tell_word
from core.application.ports.uow import Ids, UnitOfWork
from core.application.promising import promise_lines, unpromise
from core.application.reserving import Short, reserve
from core.domain.errors import Refused, not_found
from core.domain.orders import Fulfilment, demand, settle
from core.domain.states import ORDER


@dataclass(frozen=True, slots=True)
class Released:
    """Orders that are on the floor now, and what could not be reserved."""

    orders: tuple[UUID, ...]
    short: tuple[Short, ...]


async def release_orders(
    uow: UnitOfWork, order_ids: Sequence[UUID], *, owners: Sequence[str] | None, now: int, ids: Ids
) -> Released:
    """Release these orders. Refuses the whole call when one may not be released."""
    found = [await uow.orders.lock_order(order_id, owners) for order_id in sorted(order_ids)]
    for order in found:
        if order.on_hold or order.cancel_requested:
            raise Refused("state-conflict", "An order on hold or to be cancelled is not released.")
        if order.state not in ("partially_shipped", "released", "picking"):
            ORDER.check(order.state, "released")
    if not found:
        raise not_found("order")
    return await _release(uow, found, rule="by hand", now=now, ids=ids)


async def release_by_rule(
    uow: UnitOfWork, *, limit: int, now: int, ids: Ids, owners: Sequence[str] | None = None
) -> Released:
    """Release what waits of these owners, most urgent, earliest due and oldest first."""
    wanted = await uow.reservations.releasable(limit=limit, owners=owners)
    orders = await uow.orders.lock(wanted)
    ready = [orders[i] for i in wanted if not orders[i].on_hold and not orders[i].cancel_requested]
    if not ready:
        return Released((), ())
    return await _release(uow, ready, rule="by priority", now=now, ids=ids)


async def _release(
    uow: UnitOfWork, orders: Sequence[Fulfilment], *, rule: str, now: int, ids: Ids
) -> Released:
    wave_id = ids()
    outcome = await reserve(uow, orders, now=now, ids=ids, wave_id=wave_id)
    if not outcome.tasks:
        return Released((), outcome.short)
    await uow.reservations.add_wave(wave_id, rule=rule, now=now)
    released = []
    for before in orders:
        order = outcome.orders[before.fulfilment_id]
        if order.lines == before.lines:
            continue
        if order.state in ("promised", "partially_promised"):
            order = replace(order.moved("released", now), wave_id=wave_id)
        order = await tell_word(uow, before.state, order, now=now)
        await uow.orders.save(order)
        released.append(order.order_id)
    return Released(tuple(released), outcome.short)


async def dissolve(
    uow: UnitOfWork, order_id: UUID, *, owners: Sequence[str] | None, now: int, ids: Ids
) -> Fulfilment:
    """Take a released order back before its first pick: its promises are restored."""
    order = await uow.orders.lock_order(order_id, owners)
    if order.state != "released":
        raise Refused("state-conflict", "Only a released order can be taken back from the floor.")
    freed = await uow.reservations.void(order.fulfilment_id, now=now)
    given = await uow.promises.open_of([order.fulfilment_id])
    items = demand((order.line(n).item_id, quantity) for n, quantity in freed.items())
    await uow.promises.give_back(order.owner_id, items)
    before = order.state
    order = await unpromise(uow, order, given, state="voided")
    order = order.counted(reserved={n: -quantity for n, quantity in freed.items()})
    order = settle(await promise_lines(uow, order, now=now, ids=ids), now)
    order = await tell_word(uow, before, replace(order, wave_id=None), now=now)
    return await uow.orders.save(order)
