"""Orders after intake: hold, change and cancel by their rules; each on the locked order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

from core.application.intake import RequestedLine, check_lines, check_ship_by, new_lines
from core.application.order_events import tell, tell_word
from core.application.ports.uow import Ids, UnitOfWork
from core.application.promising import promise_lines, unpromise
from core.domain.errors import Refused, state_conflict
from core.domain.orders import BEFORE_RELEASE, ON_FLOOR, Fulfilment, cancel_word, settle

LATE_FIELDS = frozenset({"ship_to", "service"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChange:
    """What a PATCH changes: members of the order's document, and what they mean for the floor."""

    members: dict[str, Any] = field(default_factory=dict)
    lines: tuple[RequestedLine, ...] | None = None
    if_version: int | None = None


async def cancel_order(
    uow: UnitOfWork, order_id: UUID, *, owners: Sequence[str] | None, now: int
) -> Fulfilment:
    """Before release at once; on the floor it becomes a request which the floor decides."""
    order = await uow.orders.lock_order(order_id, owners)
    if order.state == "cancelled" or order.cancel_requested:
        return order
    if cancel_word(order) == "request":
        order = replace(order, cancel_requested=True, changed_at=now)
        order = await tell(uow, order, "order.cancel_requested", now=now)
        return await uow.orders.save(order)
    given = await uow.promises.open_of([order.fulfilment_id])
    order = await unpromise(uow, order, given, state="voided")
    return await _cancelled(uow, order, now=now)


async def decide_cancel(
    uow: UnitOfWork,
    order_id: UUID,
    decision: Literal["accept", "refuse"],
    *,
    owners: Sequence[str] | None,
    reason: str | None,
    now: int,
    ids: Ids,
) -> Fulfilment:
    """The floor answers a cancel request. Accepted: reservations voided, picked goods put back."""
    order = await uow.orders.lock_order(order_id, owners)
    if not order.cancel_requested or order.state not in ON_FLOOR:
        raise Refused("state-conflict", "Nobody asked to cancel this order, or it is too late.")
    order = replace(order, cancel_requested=False, changed_at=now)
    if decision == "refuse":
        order = await tell(uow, order, "order.cancel_refused", now=now, reason=reason)
        return await uow.orders.save(order)
    if any(c.state == "loaded" for c in await uow.carriers.of_orders([order.fulfilment_id])):
        raise Refused("state-conflict", "A carton of the order is on a truck. Unload it first.")
    freed = await uow.reservations.void(order.fulfilment_id, now=now)
    given = await uow.promises.open_of([order.fulfilment_id])
    order = await unpromise(uow, order, given, state="voided")
    back: dict[int, int] = {}
    for line in order.lines:
        held = freed.get(line.line_no, 0) + line.picked - line.shipped
        back[line.item_id] = back.get(line.item_id, 0) + held
    await uow.promises.give_back(order.owner_id, dict(sorted(back.items())))
    order = order.counted(reserved={line_no: -n for line_no, n in freed.items()})
    await uow.picking.put_back(order.fulfilment_id, now=now, ids=ids)
    return await _cancelled(uow, order, now=now)


async def _cancelled(uow: UnitOfWork, order: Fulfilment, *, now: int) -> Fulfilment:
    """Close every line: picked goods are stock again, what was not shipped is cancelled."""
    lines = tuple(
        replace(
            line,
            picked=line.shipped,
            packed=line.shipped,
            cancelled=line.ordered - line.shipped,
        )
        for line in order.lines
    )
    order = replace(order, lines=lines, tote_id=None, on_hold=False).moved("cancelled", now)
    return await uow.orders.save(await tell(uow, order, "order.cancelled", now=now))


async def set_hold(
    uow: UnitOfWork,
    order_id: UUID,
    hold: Literal["hold", "unhold"],
    *,
    owners: Sequence[str] | None,
    now: int,
) -> Fulfilment:
    """Stop an order before the floor takes it, or let it go on."""
    order = await uow.orders.lock_order(order_id, owners)
    wanted = hold == "hold"
    if order.on_hold == wanted:
        return order
    if wanted and order.state not in BEFORE_RELEASE:
        raise state_conflict("order", order.state, "on hold")
    order = replace(order, on_hold=wanted, changed_at=now)
    order = await tell(uow, order, "order.on_hold" if wanted else "order.unheld", now=now)
    return await uow.orders.save(order)


async def change_order(
    uow: UnitOfWork,
    order_id: UUID,
    change: OrderChange,
    *,
    owners: Sequence[str] | None,
    now: int,
    ids: Ids,
) -> Fulfilment:
    """Before release anything; on the floor the address, the service and quantities downwards.

    Refuses with precondition-failed when the order changed since `if_version`.
    """
    order = await uow.orders.lock_order(order_id, owners)
    if change.if_version is not None and change.if_version != order.version:
        raise Refused("precondition-failed", "The order changed meanwhile. Read it again.")
    before = order.state
    if before not in BEFORE_RELEASE and (
        before not in ON_FLOOR or not set(change.members) <= LATE_FIELDS
    ):
        raise Refused(
            "state-conflict",
            "Once released, only ship_to, service and smaller quantities can change.",
            state=before,
        )
    order = _with_members(order, change.members, now)
    if change.lines is not None:
        order = await _with_lines(uow, order, change.lines, now=now, ids=ids)
    order = settle(replace(order, changed_at=now), now)
    await _keep_body(uow, order, change)
    order = await tell_word(uow, before, order, now=now)
    return await uow.orders.save(order)


def _with_members(order: Fulfilment, members: dict[str, Any], now: int) -> Fulfilment:
    if "priority" in members:
        order = replace(order, priority=members["priority"])
    if "ship_by_us" in members:
        check_ship_by(members["ship_by_us"], now)
        order = replace(order, ship_by=members["ship_by_us"])
    if "hold" in members:
        order = replace(order, on_hold=members["hold"])
    return order


async def _with_lines(
    uow: UnitOfWork, order: Fulfilment, lines: tuple[RequestedLine, ...], *, now: int, ids: Ids
) -> Fulfilment:
    if order.state not in BEFORE_RELEASE:
        order = await _lowered(uow, order, lines)
        return await promise_lines(uow, order, now=now, ids=ids)
    items = await uow.orders.items(order.owner_id, (line.sku for line in lines))
    check_lines(lines, items)
    given = await uow.promises.open_of([order.fulfilment_id])
    order = await unpromise(uow, order, given, state="voided")
    order = replace(order, lines=new_lines(lines, items))
    order = await promise_lines(uow, order, now=now, ids=ids)
    if order.fill_policy == "fill_or_kill" and any(line.waiting for line in order.lines):
        raise Refused("insufficient-stock", "The changed order cannot be promised in full.")
    if order.fill_policy == "fill_available":
        order = order.counted(cancelled={line.line_no: line.waiting for line in order.lines})
    await uow.orders.replace_lines(order)
    return order


async def _lowered(
    uow: UnitOfWork, order: Fulfilment, lines: tuple[RequestedLine, ...]
) -> Fulfilment:
    """Smaller quantities on the floor: a part cancel of what no picker was sent for yet."""
    known = {line.external_line_id: line for line in order.lines}
    given = await uow.promises.open_of([order.fulfilment_id])
    for wanted in lines:
        line = known.get(wanted.external_line_id)
        if line is None or line.sku != wanted.sku:
            raise Refused("state-conflict", "A released order gets no new lines.")
        less = line.ordered - line.cancelled - wanted.quantity
        if less < 0 or less > line.waiting + line.promised:
            raise Refused(
                "state-conflict",
                "A released line can only give up what is neither reserved nor picked.",
            )
        freed = [p for p in given if p.line_no == line.line_no] if less > line.waiting else []
        order = await unpromise(uow, order, freed, state="voided")
        order = order.counted(cancelled={line.line_no: less})
    return order


async def _keep_body(uow: UnitOfWork, order: Fulfilment, change: OrderChange) -> None:
    body = await uow.orders.body(order.order_id)
    body.update({k: v for k, v in change.members.items() if not k.endswith("_us")})
    if change.lines is not None and order.state in BEFORE_RELEASE:
        body["lines"] = [
            {"external_line_id": n.external_line_id, "sku": n.sku, "quantity": n.quantity}
            for n in change.lines
        ]
    await uow.orders.set_body(order.order_id, body, order.priority)
