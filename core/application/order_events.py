"""What the outside hears of an order: one numbered sequence of events per order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.application.ports.uow import UnitOfWork
from core.domain.orders import Fulfilment


async def tell(
    uow: UnitOfWork, order: Fulfilment, event: str, *, now: int, **facts: Any
) -> Fulfilment:
    """Emit `event` of a locked order; the returned order carries the next sequence number."""
    order = replace(order, sequence=order.sequence + 1)
    await uow.emit(
        event,
        aggregate=f"order:{order.order_id}",
        owner=order.owner_id,
        payload={**order_facts(order), **facts},
        occurred_at=now,
        sequence=order.sequence,
    )
    return order


def order_facts(order: Fulfilment) -> dict[str, Any]:
    """The members every order event has."""
    return {
        "order_id": str(order.order_id),
        "order_number": order.order_number,
        "external_order_id": order.external_order_id,
        "channel": order.channel,
        "owner": order.owner_id,
        "status": order.state,
        "lines": [
            {
                "external_line_id": line.external_line_id,
                "sku": line.sku,
                "ordered": line.ordered,
                "promised": line.promised,
                "reserved": line.reserved,
                "picked": line.picked,
                "packed": line.packed,
                "shipped": line.shipped,
                "cancelled": line.cancelled,
            }
            for line in order.lines
        ],
    }


async def tell_word(uow: UnitOfWork, before: str, order: Fulfilment, *, now: int) -> Fulfilment:
    """The event of a new state word, if the word changed and has one."""
    if order.state == before:
        return order
    event = WORD_EVENTS.get(order.state)
    return order if event is None else await tell(uow, order, event, now=now)


WORD_EVENTS = {
    "promised": "order.promised",
    "partially_promised": "order.promised",
    "backordered": "order.backordered",
    "released": "order.released",
    "picked": "order.picked",
    "packed": "order.packed",
    "shipped": "order.shipped",
    "partially_shipped": "order.shipped",
    "cancelled": "order.cancelled",
}
