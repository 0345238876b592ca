"""Packing and staging: a tote's goods into a closed carton with its SSCC, cartons to their lane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from contracts.gs1.epc import encode_sscc_96
from contracts.gs1.keys import sscc_from, sscc_key
from core.application.carry import carry, carry_moves
from core.application.ledger import post_moves
from core.application.order_events import tell, tell_word
from core.application.ports.carriers import Carrier
from core.application.ports.uow import Ids, UnitOfWork
from core.domain.errors import FieldError, Refused, not_found
from core.domain.naming import normal_unit_key
from core.domain.orders import Fulfilment, settle
from core.domain.packing import packed_by_line
from core.domain.states import HANDLING_UNIT
from core.domain.stock import Place


@dataclass(frozen=True, slots=True)
class Carton:
    """A closed carton: what its label and its tag say."""

    carrier: Carrier
    sscc: str
    epc_hex: str


async def pack_order(
    uow: UnitOfWork,
    order_id: UUID,
    *,
    tote: str,
    station: str,
    owners: Sequence[str] | None,
    now: int,
    ids: Ids,
    actor: str,
) -> Carton:
    """Close a carton with what the tote holds. Packing an emptied tote again gives its carton."""
    order = await uow.orders.lock_order(order_id, owners)
    place = await _station(uow, station)
    found = await uow.carriers.find(normal_unit_key(tote, pointer="/tote"))
    if found is None or found.kind != "tote":
        raise not_found("tote")
    if found.fulfilment_id != order.fulfilment_id:
        return await _packed_before(uow, order)
    _check_ready(order)
    contents = await uow.carriers.contents([found.handling_unit_id])
    if not contents:
        raise Refused("state-conflict", "The tote is empty. Pick into it first.")
    parts = packed_by_line(order, ((c.item_id, c.quantity) for c in contents))
    carton = await _new_carton(uow, order, place, now=now, ids=ids)
    await uow.carriers.save([replace(found, fulfilment_id=None)], now=now)
    before = order.state
    order = settle(replace(order.counted(packed=parts), tote_id=None, changed_at=now), now)
    order = await tell_word(uow, before, order, now=now)
    await uow.orders.save(order)
    inside = replace(place, handling_unit_id=carton.carrier.handling_unit_id)
    moves = carry_moves(
        contents,
        lambda _: inside,
        event=ids(),
        biz_step="packing",
        cause="order",
        cause_id=str(order.order_id),
        now=now,
        actor=actor,
    )
    await post_moves(uow, moves, now=now, ids=ids)
    return carton


async def _station(uow: UnitOfWork, code: str) -> Place:
    place = await uow.stock.place(code)
    if place.kind not in ("packing", "staging"):
        detail = "Cartons are packed at a packing station."
        raise Refused("validation", detail, errors=(FieldError("/station", "choice", detail),))
    return place


def _check_ready(order: Fulfilment) -> None:
    """A carton closes once everything that was sent for is picked."""
    if order.state not in ("picked", "packed", "partially_shipped"):
        raise Refused(
            "state-conflict",
            "The order is not picked yet. Finish or shorten its pick tasks first.",
            state=order.state,
        )
    if order.cancel_requested:
        raise Refused("state-conflict", "The order is to be cancelled: ask the lead.")


async def _packed_before(uow: UnitOfWork, order: Fulfilment) -> Carton:
    cartons = [c for c in await uow.carriers.of_orders([order.fulfilment_id]) if _is_carton(c)]
    if order.state not in ("packed", "staged") or not cartons:
        raise Refused("state-conflict", "The tote does not hold goods of this order.")
    return await describe(uow, cartons[-1], order.owner_id)


def _is_carton(carrier: Carrier) -> bool:
    return carrier.kind == "carton" and carrier.epc_key.startswith("00/")


async def _new_carton(
    uow: UnitOfWork, order: Fulfilment, place: Place, *, now: int, ids: Ids
) -> Carton:
    carrier, sscc, epc_hex = await new_logistic_unit(
        uow, "carton", order.owner_id, place.location_id, ids=ids
    )
    HANDLING_UNIT.check("open", "closed")
    carrier = replace(carrier, state="closed", fulfilment_id=order.fulfilment_id)
    await uow.carriers.add(carrier, now=now)
    return Carton(carrier, sscc, epc_hex)


async def new_logistic_unit(
    uow: UnitOfWork, kind: str, owner: str, location_id: int | None, *, ids: Ids
) -> tuple[Carrier, str, str]:
    """An open handling unit (not saved) with the next SSCC of its owner's range, and its EPC."""
    prefix, serial = await uow.carriers.next_sscc(owner)
    if prefix is None:
        raise Refused("state-conflict", "The owner has no GS1 company prefix for SSCCs.")
    sscc = sscc_from(prefix, serial)
    carrier = Carrier(
        handling_unit_id=ids(),
        epc_key=sscc_key(sscc),
        kind=kind,
        state="open",
        owner_id=owner,
        location_id=location_id,
    )
    return carrier, sscc, encode_sscc_96(sscc, prefix_length=len(prefix))


async def describe(uow: UnitOfWork, carrier: Carrier, owner: str) -> Carton:
    """Label and tag of a carton that exists."""
    prefix = await uow.carriers.prefix(owner)
    sscc = carrier.epc_key.removeprefix("00/")
    return Carton(carrier, sscc, encode_sscc_96(sscc, prefix_length=len(prefix or "0000000")))


async def stage(
    uow: UnitOfWork,
    name: str,
    *,
    location: str,
    owners: Sequence[str] | None,
    now: int,
    ids: Ids,
    actor: str,
) -> Carrier:
    """Bring a carton, or a pallet of cartons, to its lane; its orders and shipment follow."""
    place = await uow.stock.place(location)
    if place.kind not in ("staging", "dock"):
        detail = "Goods are staged at a staging place or a dock."
        raise Refused("validation", detail, errors=(FieldError("/location", "choice", detail),))
    top_id = await find_carrier(uow, name, owners, pointer="/handling_unit")
    orders = await uow.orders.lock(await uow.shipping.orders_in([top_id]))
    tree = await uow.carriers.tree([top_id])
    top = tree[top_id]
    if top.parent_id is not None:
        raise Refused("state-conflict", "The carton stands on a pallet: stage the pallet.")
    for carrier in tree.values():
        if carrier.state != "staged":
            HANDLING_UNIT.check(carrier.state, "staged")
    staged = {i: replace(carrier, state="staged") for i, carrier in tree.items()}
    await uow.carriers.save(staged.values(), now=now)
    for order in orders.values():
        await _stage_order(uow, order, now=now)
    await uow.shipping.settle_staged([c.shipment_id for c in tree.values()], now=now)
    await carry(
        uow,
        staged,
        place,
        biz_step="staging_outbound",
        cause="order",
        cause_id=str(next(iter(orders.values())).order_id) if orders else str(top_id),
        now=now,
        ids=ids,
        actor=actor,
    )
    return replace(staged[top_id], location_id=place.location_id)


async def find_carrier(
    uow: UnitOfWork, name: str, owners: Sequence[str] | None, *, pointer: str
) -> UUID:
    """The handling unit named by its id or any form of its key; not-found outside `owners`."""
    try:
        named: UUID | str = UUID(name)
    except ValueError:
        named = normal_unit_key(name, pointer=pointer)
    found = await uow.carriers.identify(named)
    if found is None or (owners is not None and found.owner_id not in owners):
        raise not_found("handling unit")
    return found.handling_unit_id


async def _stage_order(uow: UnitOfWork, order: Fulfilment, *, now: int) -> None:
    """An order is staged once it is packed and all its cartons are."""
    if order.state != "packed":
        return
    cartons = await uow.carriers.of_orders([order.fulfilment_id])
    if all(c.state in ("staged", "loaded") for c in cartons if c.kind == "carton"):
        order = await tell(uow, order.moved("staged", now), "order.staged", now=now)
        await uow.orders.save(order)
