"""Packing: what a carton holds must be what its order still wants packed."""

from __future__ import annotations

from collections.abc import Iterable

from core.domain.errors import Refused
from core.domain.orders import Fulfilment, demand, share


def packed_by_line(order: Fulfilment, goods: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Hand goods (item, quantity) to the lines; refused when the order did not pick them."""
    totals = demand(goods)
    lines = [(line.line_no, line.item_id, line.picked - line.packed) for line in order.lines]
    parts = share(totals, lines)
    if sum(parts.values()) != sum(totals.values()):
        raise Refused(
            "state-conflict",
            "The tote holds goods that were not picked for this order. Check it and pick again.",
        )
    return parts


def shipped_by_line(order: Fulfilment, goods: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Hand goods that left the door to the order's lines, packed ones only."""
    lines = [(line.line_no, line.item_id, line.packed - line.shipped) for line in order.lines]
    return share(demand(goods), lines)
