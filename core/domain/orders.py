"""Orders: the counters of a line, and the order's word that follows from them.

For each line promised + reserved + picked + cancelled <= ordered; the rest waits for stock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

from core.domain.errors import Refused
from core.domain.states import ORDER

FillPolicy = Literal["fill_all", "fill_available", "fill_or_kill"]
PRIORITIES = ("low", "normal", "high", "urgent")
BEFORE_RELEASE = frozenset({"received", "promised", "partially_promised", "backordered"})
PICKABLE = frozenset({"released", "picking", "partially_shipped"})
ON_FLOOR = frozenset({"released", "picking", "picked", "packed", "staged"})
_STAMPED = frozenset({"promised", "released", "picked", "packed", "staged", "shipped"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `promised` and `reserved` stand now, `picked`, `packed`, `shipped` add up."""

    line_no: int
    external_line_id: str
    item_id: int
    sku: str
    ordered: int
    promised: int = 0
    reserved: int = 0
    picked: int = 0
    packed: int = 0
    shipped: int = 0
    cancelled: int = 0

    @property
    def waiting(self) -> int:
        """What no stock is promised to yet."""
        return self.ordered - self.cancelled - self.promised - self.reserved - self.picked

    @property
    def to_ship(self) -> int:
        """What is still owed."""
        return self.ordered - self.cancelled - self.shipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Fulfilment:
    """What one site does for one order; carries the order's state table and its lines."""

    fulfilment_id: UUID
    order_id: UUID
    owner_id: str
    order_number: int
    external_order_id: str
    channel: str
    lines: tuple[Line, ...]
    received_at: int
    changed_at: int
    state: str = "received"
    fill_policy: str = "fill_all"
    priority: str = "normal"
    on_hold: bool = False
    exception: bool = False
    cancel_requested: bool = False
    ship_by: int | None = None
    wave_id: UUID | None = None
    tote_id: UUID | None = None
    promised_at: int | None = None
    released_at: int | None = None
    picked_at: int | None = None
    packed_at: int | None = None
    staged_at: int | None = None
    shipped_at: int | None = None
    version: int = 1
    sequence: int = 0

    def line(self, line_no: int) -> Line:
        """The line with this number."""
        return next(line for line in self.lines if line.line_no == line_no)

    def moved(self, state: str, now: int) -> Fulfilment:
        """This fulfilment in `state`; refused when the table does not allow it."""
        ORDER.check(self.state, state)
        stamp: dict[str, Any] = {f"{state}_at": now} if state in _STAMPED else {}
        return replace(self, state=state, changed_at=now, **stamp)

    def counted(self, **changes: Mapping[int, int]) -> Fulfilment:
        """Add to counters: `counted(reserved={1: -2}, picked={1: 2})` by line number."""
        lines = list(self.lines)
        for index, line in enumerate(lines):
            new = {
                name: getattr(line, name) + by_line[line.line_no]
                for name, by_line in changes.items()
                if line.line_no in by_line
            }
            if new:
                values: dict[str, Any] = dict(new)
                lines[index] = replace(line, **values)
        return replace(self, lines=tuple(lines))


def promise_word(lines: Iterable[Line]) -> str:
    """promised, partially_promised or backordered, as far as stock stands behind the lines."""
    lines = tuple(lines)
    if all(line.waiting == 0 for line in lines):
        return "promised"
    held = sum(line.promised + line.reserved + line.picked for line in lines)
    return "partially_promised" if held else "backordered"


def settle(order: Fulfilment, now: int) -> Fulfilment:
    """The order's word after its counters changed; takes every step the table asks for."""
    if order.state in BEFORE_RELEASE:
        return _settle_promise(order, now)
    reserved = sum(line.reserved for line in order.lines)
    picked = sum(line.picked for line in order.lines)
    packed = sum(line.packed for line in order.lines)
    if order.state == "released" and picked:
        order = order.moved("picking", now)
    if order.state == "released" and not reserved:
        return _dissolved(order, now)
    if order.state == "picking" and not reserved:
        order = order.moved("picked", now)
    if order.state == "picked" and packed == picked:
        order = order.moved("packed", now)
    return order


def _settle_promise(order: Fulfilment, now: int) -> Fulfilment:
    if all(line.cancelled == line.ordered for line in order.lines):
        return order.moved("cancelled", now)
    word = promise_word(order.lines)
    return order if word == order.state else order.moved(word, now)


def _dissolved(order: Fulfilment, now: int) -> Fulfilment:
    """A released order that holds nothing any more goes back to its promise."""
    word = promise_word(order.lines)
    if word != "backordered":
        return order.moved(word, now)
    return order.moved("partially_promised", now).moved("backordered", now)


def shipped_word(order: Fulfilment) -> str:
    """What the order is once goods left the door."""
    owed = sum(line.to_ship for line in order.lines)
    return "partially_shipped" if owed else "shipped"


def demand(lines: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Quantity per item, repeated lines summed, in locking order."""
    totals: dict[int, int] = {}
    for item_id, quantity in lines:
        totals[item_id] = totals.get(item_id, 0) + quantity
    return dict(sorted(totals.items()))


def share(granted: Mapping[int, int], lines: Iterable[tuple[int, int, int]]) -> dict[int, int]:
    """Hand `granted` (by item) to (line_no, item_id, wanted) in order; {line_no: quantity}."""
    left = dict(granted)
    out: dict[int, int] = {}
    for line_no, item_id, wanted in lines:
        part = min(wanted, left.get(item_id, 0))
        if part > 0:
            left[item_id] -= part
            out[line_no] = part
    return out


def cancel_word(order: Fulfilment) -> Literal["now", "request"]:
    """Whether a cancel takes effect at once or asks the floor; refused once goods are shipped."""
    if order.state in BEFORE_RELEASE:
        return "now"
    if order.state in ON_FLOOR:
        return "request"
    ORDER.check(order.state, "cancelled")
    raise Refused("state-conflict", "The order cannot be cancelled any more. Ask for a return.")
