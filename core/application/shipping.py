"""Shipping at the door: units loaded and unloaded, shipments held, and goods that leave the site.

An order is shipped in one way only: its shipment is verified at a door and the visit closes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from uuid import UUID

from core.application.carry import carry_moves
from core.application.ledger import post_moves
from core.application.order_events import tell
from core.application.ports.carriers import Carrier, Content
from core.application.ports.uow import Ids, UnitOfWork
from core.application.ports.watch import Alarm
from core.domain.errors import not_found
from core.domain.orders import Fulfilment, demand, shipped_word
from core.domain.packing import shipped_by_line
from core.domain.shipping import Shipment, at_the_door, verified_word
from core.domain.states import HANDLING_UNIT, SHIPMENT


async def mark_loaded(
    uow: UnitOfWork, shipment_id: UUID, handling_unit_id: UUID, pass_id: UUID | None, now: int
) -> Shipment:
    """A unit of the shipment is on the truck; the shipment is verified once all are. Repeatable."""
    shipment = await uow.shipping.lock(shipment_id, None)
    carrier = await _unit_of(uow, shipment, handling_unit_id)
    if carrier.state != "loaded":
        HANDLING_UNIT.check(carrier.state, "loaded")
        await uow.carriers.save([replace(carrier, state="loaded")], now=now)
    marked = at_the_door(shipment).with_unit(handling_unit_id, loaded_at=now, pass_id=pass_id)
    return await _saved(uow, shipment, verified_word(marked), now=now)


async def mark_unloaded(
    uow: UnitOfWork, shipment_id: UUID, handling_unit_id: UUID, pass_id: UUID | None, now: int
) -> Shipment:
    """A loaded unit was carried back within its visit."""
    shipment = await uow.shipping.lock(shipment_id, None)
    carrier = await _unit_of(uow, shipment, handling_unit_id)
    if carrier.state != "staged":
        HANDLING_UNIT.check(carrier.state, "staged")
        await uow.carriers.save([replace(carrier, state="staged")], now=now)
    marked = shipment.with_unit(handling_unit_id, loaded_at=None, pass_id=pass_id)
    return await _saved(uow, shipment, verified_word(marked), now=now)


async def hold_shipment(
    uow: UnitOfWork, shipment_id: UUID, *, reason: str, now: int, ids: Ids
) -> Shipment:
    """Something is on the truck that is not on the list, or is missing when the visit closes."""
    shipment = await uow.shipping.lock(shipment_id, None)
    if shipment.state == "held":
        return shipment
    held = await _saved(uow, shipment, at_the_door(shipment).moved("held"), now=now)
    await uow.watch.raise_alarm(
        Alarm(
            kind="shipment.held",
            subject=f"shipment {shipment_id}",
            message="The shipment is held: what is on the truck is not what is on its list.",
            severity="critical",
            owner_id=shipment.owner_id,
            facts={"reason": reason, "portal": shipment.portal},
        ),
        exception_id=ids(),
        now=now,
    )
    return held


async def resume_shipment(uow: UnitOfWork, shipment_id: UUID, *, now: int) -> Shipment:
    """A person cleared what held it: verifying again, verified if nothing is missing."""
    shipment = await uow.shipping.lock(shipment_id, None)
    resumed = verified_word(shipment.moved("verifying"))
    await uow.watch.clear_alarm("shipment.held", f"shipment {shipment_id}", now=now)
    return await _saved(uow, shipment, resumed, now=now)


async def _unit_of(uow: UnitOfWork, shipment: Shipment, handling_unit_id: UUID) -> Carrier:
    if all(unit.handling_unit_id != handling_unit_id for unit in shipment.units):
        raise not_found("unit of the shipment")
    return (await uow.carriers.lock([handling_unit_id]))[handling_unit_id]


async def _saved(uow: UnitOfWork, before: Shipment, after: Shipment, *, now: int) -> Shipment:
    await uow.shipping.save(after, now=now)
    if before.state != after.state and after.state in ("verified", "held", "shipped"):
        await uow.emit(
            f"shipment.{after.state}",
            aggregate=f"shipment:{after.shipment_id}",
            owner=after.owner_id,
            payload={
                "shipment_id": str(after.shipment_id),
                "external_id": after.external_id,
                "portal": after.portal,
                "status": after.state,
                "units": len(after.units),
                "loaded": sum(unit.loaded_at is not None for unit in after.units),
            },
            occurred_at=now,
        )
    return after


async def ship_shipment(
    uow: UnitOfWork, *, shipment_id: UUID, now: int, ids: Ids, actor: str
) -> Shipment:
    """The truck leaves with a verified shipment: goods go to the customer, orders are shipped.

    Refused unless the shipment is verified. Shipping it again changes nothing.
    """
    orders = await uow.orders.lock(await uow.shipping.orders_of(shipment_id))
    shipment = await uow.shipping.lock(shipment_id, None)
    if shipment.state == "shipped":
        return shipment
    SHIPMENT.check(shipment.state, "shipped")
    tree = await uow.carriers.tree(unit.handling_unit_id for unit in shipment.units)
    contents = await uow.carriers.contents(tree)
    by_order: dict[UUID, list[Content]] = {}
    for content in contents:
        holder = tree[content.place.handling_unit_id or shipment_id]
        if holder.fulfilment_id is not None:
            by_order.setdefault(holder.fulfilment_id, []).append(content)
    totals: list[tuple[int, int]] = []
    for fulfilment_id, goods in by_order.items():
        order = orders[fulfilment_id]
        goods_list = [(c.item_id, c.quantity) for c in goods]
        totals.extend(await _ship_order(uow, order, goods_list, shipment, now=now))
    await uow.promises.give_back(shipment.owner_id, demand(totals))
    gone = [replace(_gone(c), location_id=None) for c in tree.values()]
    await uow.carriers.save(gone, now=now)
    await _post(uow, orders, by_order, now=now, ids=ids, actor=actor)
    shipped = replace(shipment.moved("shipped"), shipped_at=now)
    return await _saved(uow, shipment, shipped, now=now)


def _gone(carrier: Carrier) -> Carrier:
    if carrier.state != "gone":
        HANDLING_UNIT.check(carrier.state, "gone")
    return replace(carrier, state="gone")


async def _ship_order(
    uow: UnitOfWork,
    order: Fulfilment,
    goods: Iterable[tuple[int, int]],
    shipment: Shipment,
    *,
    now: int,
) -> list[tuple[int, int]]:
    """Count what left to the order's lines and move its word on; (item, quantity) that was owed."""
    parts = shipped_by_line(order, goods)
    order = order.counted(shipped=parts)
    if order.state == "packed":
        order = order.moved("staged", now)
    word = shipped_word(order)
    if order.state != word:
        order = order.moved(word, now)
    order = await tell(uow, order, "order.shipped", now=now, shipment_id=str(shipment.shipment_id))
    await uow.orders.save(order)
    return [(order.line(line_no).item_id, quantity) for line_no, quantity in parts.items()]


async def _post(
    uow: UnitOfWork,
    orders: Mapping[UUID, Fulfilment],
    by_order: Mapping[UUID, list[Content]],
    *,
    now: int,
    ids: Ids,
    actor: str,
) -> None:
    customer = await uow.stock.virtual("customer")
    moves = []
    for fulfilment_id, goods in by_order.items():
        moves += carry_moves(
            goods,
            lambda _: customer,
            event=ids(),
            biz_step="shipping",
            cause="order",
            cause_id=str(orders[fulfilment_id].order_id),
            now=now,
            actor=actor,
        )
    await post_moves(uow, moves, now=now, ids=ids)
