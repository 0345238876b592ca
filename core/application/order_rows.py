"""A new order as the read side would show it, without asking the database while stock is locked."""

from __future__ import annotations

from typing import Any

from core.application.ports.order_views import FROM_BODY, Row
from core.domain.orders import Fulfilment


def new_row(order: Fulfilment, body: dict[str, Any], *, site: str) -> Row:
    """The row of an order that has just come in; equal to `OrderViews.order` of it."""
    return {
        "id": order.order_id,
        "order_number": order.order_number,
        "external_order_id": order.external_order_id,
        "channel": order.channel,
        "owner": order.owner_id,
        "site": site,
        "status": order.state,
        "on_hold": order.on_hold,
        "exception": order.exception,
        "cancel_requested": order.cancel_requested,
        "priority": order.priority,
        "fill_policy": order.fill_policy,
        "ship_by": order.ship_by,
        "fulfilment_id": order.fulfilment_id,
        "received_at": order.received_at,
        "promised_at": order.promised_at,
        "released_at": None,
        "picked_at": None,
        "packed_at": None,
        "staged_at": None,
        "shipped_at": None,
        "updated_at": order.changed_at,
        "version": order.version,
        **{name: body.get(name) for name in FROM_BODY},
        "lines": [
            {
                "external_line_id": line.external_line_id,
                "sku": line.sku,
                "ordered": line.ordered,
                "promised": line.promised,
                "reserved": 0,
                "picked": 0,
                "packed": 0,
                "shipped": 0,
                "cancelled": line.cancelled,
                "returned": 0,
            }
            for line in order.lines
        ],
        "cartons": [],
    }
