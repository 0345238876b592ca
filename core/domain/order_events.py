"""What is said of an order: its events, numbered within the order, and the facts they carry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from core.domain.orders import Fulfilment

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


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One event of an order, numbered within it."""

    name: str
    sequence: int
    payload: dict[str, Any]


def numbered(order: Fulfilment, event: str, **facts: Any) -> tuple[Fulfilment, OrderEvent]:
    """The next event of an order, and the order that has told it."""
    order = replace(order, sequence=order.sequence + 1)
    return order, OrderEvent(event, order.sequence, {**order_facts(order), **facts})


def aggregate(order: Fulfilment) -> str:
    """What events of one order are kept in order by."""
    return f"order:{order.order_id}"


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
