"""Order intake: checked, kept once per external id, promised in the same transaction.

Everything that refuses an order is checked before the first write, so a refusal leaves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from core.application.ports.orders import NewOrder, SoldItem
from core.application.ports.uow import Ids, UnitOfWork
from core.domain.errors import FieldError, Refused
from core.domain.order_events import WORD_EVENTS, OrderEvent, numbered
from core.domain.orders import FillPolicy, Fulfilment, Line, demand, settle, share


@dataclass(frozen=True, slots=True)
class RequestedLine:
    """One line as it was asked for."""

    external_line_id: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """An order whose fields are valid; `body` is what is kept, `digest` tells repetitions."""

    owner: str
    channel: str
    external_order_id: str
    lines: tuple[RequestedLine, ...]
    fill_policy: FillPolicy = "fill_all"
    priority: str = "normal"
    ship_by: int | None = None
    on_hold: bool = False
    body: dict[str, Any]
    digest: bytes


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a request: created, already there, or kept as cancelled (fill_or_kill)."""

    order_id: UUID
    outcome: Literal["created", "existing", "unfilled"]
    shortages: tuple[dict[str, str | int], ...] = ()
    order: Fulfilment | None = None


async def accept_order(uow: UnitOfWork, request: OrderRequest, *, now: int, ids: Ids) -> Accepted:
    """Take an order in. The same body again gives the existing order; another body is refused.

    Refuses with sku-unknown, sku-inactive, duplicate-line, ship-by-past, order-exists.
    """
    items = await uow.orders.items(request.owner, (line.sku for line in request.lines))
    check_lines(request.lines, items)
    check_ship_by(request.ship_by, now)
    order_id = ids()
    number = await uow.orders.add_order(_new_order(request, order_id, now))
    if number is None:
        return await _existing(uow, request)
    order = _fulfilment(request, items, order_id, number, now=now, ids=ids)
    wanted = demand((line.item_id, line.ordered) for line in order.lines)
    granted = await uow.promises.take(order.owner_id, wanted)
    parts = share(granted, ((n.line_no, n.item_id, n.ordered) for n in order.lines))
    shortages = _shortages(order, parts)
    unfilled = bool(shortages) and request.fill_policy == "fill_or_kill"
    if unfilled:
        await uow.promises.give_back(order.owner_id, granted)
        parts = {}
    order, events = _decided(order.counted(promised=parts), now)
    promises = [(ids(), line_no, quantity) for line_no, quantity in parts.items()]
    await uow.orders.add_fulfilment(order, promises, events)
    return Accepted(order_id, "unfilled" if unfilled else "created", shortages, order)


def _decided(order: Fulfilment, now: int) -> tuple[Fulfilment, list[OrderEvent]]:
    """The new order's word and what it tells; what may not wait is cancelled."""
    order, received = numbered(order, "order.received")
    events = [received]
    if order.fill_policy != "fill_all":
        order = order.counted(cancelled={line.line_no: line.waiting for line in order.lines})
    order = settle(order, now)
    order, word = numbered(order, WORD_EVENTS[order.state])
    events.append(word)
    if order.on_hold:
        order, held = numbered(order, "order.on_hold")
        events.append(held)
    return order, events


async def lock_items(uow: UnitOfWork, requests: Sequence[OrderRequest]) -> None:
    """Lock the availability of all items of a bulk, so that its orders are promised in one go."""
    by_owner: dict[str, set[str]] = {}
    for request in requests:
        by_owner.setdefault(request.owner, set()).update(line.sku for line in request.lines)
    for owner in sorted(by_owner):
        items = await uow.orders.items(owner, by_owner[owner])
        await uow.promises.lock(owner, (item.item_id for item in items.values()))


def check_lines(lines: Sequence[RequestedLine], items: Mapping[str, SoldItem]) -> None:
    """Every SKU is known and sold, no line id comes twice; one SKU on two lines is legal."""
    unknown = [n for n, line in enumerate(lines) if line.sku not in items]
    if unknown:
        raise _refused("sku-unknown", "sku", unknown, "The owner has no item with this SKU.")
    inactive = [n for n, line in enumerate(lines) if not items[line.sku].active]
    if inactive:
        raise _refused("sku-inactive", "sku", inactive, "The item is not sold any more.")
    seen: set[str] = set()
    double = []
    for n, line in enumerate(lines):
        if line.external_line_id in seen:
            double.append(n)
        seen.add(line.external_line_id)
    if double:
        raise _refused(
            "duplicate-line", "external_line_id", double, "The line id comes twice in the order."
        )


def check_ship_by(ship_by: int | None, now: int) -> None:
    """An order cannot be due before it came."""
    if ship_by is not None and ship_by < now:
        detail = "ship_by is earlier than now."
        raise Refused("ship-by-past", detail, errors=(FieldError("/ship_by", "range", detail),))


def _refused(code: str, member: str, lines: Sequence[int], detail: str) -> Refused:
    errors = tuple(FieldError(f"/lines/{n}/{member}", code, detail) for n in lines[:100])
    return Refused(code, detail, errors=errors)


def _new_order(request: OrderRequest, order_id: UUID, now: int) -> NewOrder:
    return NewOrder(
        order_id=order_id,
        owner_id=request.owner,
        channel=request.channel,
        external_order_id=request.external_order_id,
        digest=request.digest,
        body=request.body,
        priority=request.priority,
        fill_policy=request.fill_policy,
        received_at=now,
    )


def new_lines(lines: Sequence[RequestedLine], items: Mapping[str, SoldItem]) -> tuple[Line, ...]:
    """Lines numbered from 1 as they were asked for."""
    return tuple(
        Line(n, line.external_line_id, items[line.sku].item_id, line.sku, line.quantity)
        for n, line in enumerate(lines, start=1)
    )


def _fulfilment(
    request: OrderRequest,
    items: Mapping[str, SoldItem],
    order_id: UUID,
    number: int,
    *,
    now: int,
    ids: Ids,
) -> Fulfilment:
    return Fulfilment(
        fulfilment_id=ids(),
        order_id=order_id,
        owner_id=request.owner,
        order_number=number,
        external_order_id=request.external_order_id,
        channel=request.channel,
        lines=new_lines(request.lines, items),
        received_at=now,
        changed_at=now,
        fill_policy=request.fill_policy,
        priority=request.priority,
        ship_by=request.ship_by,
        on_hold=request.on_hold,
    )


async def _existing(uow: UnitOfWork, request: OrderRequest) -> Accepted:
    known = await uow.orders.known(request.owner, request.channel, request.external_order_id)
    if known is None or known[1] != request.digest:
        raise Refused(
            "order-exists",
            "An order with this external_order_id came before with another body. "
            "Change that order or use a new id.",
        )
    return Accepted(known[0], "existing")


def _shortages(order: Fulfilment, parts: Mapping[int, int]) -> tuple[dict[str, str | int], ...]:
    return tuple(
        {
            "external_line_id": line.external_line_id,
            "sku": line.sku,
            "requested": line.ordered,
            "available": parts.get(line.line_no, 0),
        }
        for line in order.lines
        if parts.get(line.line_no, 0) < line.ordered
    )
