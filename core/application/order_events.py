"""What the outside hears of an order: one numbered sequence of events per order."""

from __future__ import annotations

from typing import Any

from core.application.ports.uow import UnitOfWork
from core.domain.order_events import WORD_EVENTS, aggregate, numbered
from core.domain.orders import Fulfilment


async def tell(
    uow: UnitOfWork, order: Fulfilment, event: str, *, now: int, **facts: Any
) -> Fulfilment:
    """Emit `event` of a locked order; the returned order carries the next sequence number."""
    order, told = numbered(order, event, **facts)
    await uow.emit(
        event,
        aggregate=aggregate(order),
        owner=order.owner_id,
        payload=told.payload,
        occurred_at=now,
        sequence=told.sequence,
    )
    return order


async def tell_word(uow: UnitOfWork, before: str, order: Fulfilment, *, now: int) -> Fulfilment:
    """The event of a new state word, if the word changed and has one."""
    if order.state == before:
        return order
    event = WORD_EVENTS.get(order.state)
    return order if event is None else await tell(uow, order, event, now=now)
