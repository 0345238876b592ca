"""Planning shipments: which handling units go on one truck, nested on pallets if wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from core.application.packing import find_carrier, new_logistic_unit
from core.application.ports.carriers import Carrier
from core.application.ports.uow import Ids, UnitOfWork
from core.domain.errors import FieldError, Refused, not_found
from core.domain.naming import normal_unit_key
from core.domain.shipping import Shipment, ShipmentUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentPlan:
    """What is to go: whole orders, or named handling units."""

    order_ids: tuple[UUID, ...] = ()
    handling_units: tuple[str, ...] = ()
    portal: str | None = None
    carrier: str | None = None
    external_id: str | None = None


async def plan_shipment(
    uow: UnitOfWork, plan: ShipmentPlan, *, owners: Sequence[str] | None, now: int, ids: Ids
) -> UUID:
    """Plan a shipment of packed goods of one owner; none of them may be on another one."""
    if plan.portal is not None and not await uow.shipping.has_portal(plan.portal):
        raise not_found("portal")
    tops = [
        await find_carrier(uow, name, owners, pointer=f"/handling_units/{n}")
        for n, name in enumerate(plan.handling_units)
    ]
    wanted = [await uow.orders.lock_order(order_id, owners) for order_id in sorted(plan.order_ids)]
    await uow.orders.lock(await uow.shipping.orders_in(tops))
    cartons = await uow.carriers.of_orders(order.fulfilment_id for order in wanted)
    tree = await uow.carriers.tree([*tops, *(c.handling_unit_id for c in cartons)])
    units = [c for c in tree.values() if c.kind in ("carton", "pallet")]
    _check_units(units, [order.fulfilment_id for order in wanted])
    shipment = Shipment(
        shipment_id=ids(),
        owner_id=units[0].owner_id or "",
        state="planned",
        units=tuple(
            ShipmentUnit(handling_unit_id=c.handling_unit_id, fulfilment_id=c.fulfilment_id)
            for c in units
        ),
        external_id=plan.external_id,
        carrier=plan.carrier,
        portal=plan.portal,
    )
    await uow.shipping.add(shipment, now=now)
    await uow.carriers.save([replace(c, shipment_id=shipment.shipment_id) for c in units], now=now)
    await uow.shipping.settle_staged([shipment.shipment_id], now=now)
    return shipment.shipment_id


def _check_units(units: Sequence[Carrier], orders: Sequence[UUID]) -> None:
    packed = {c.fulfilment_id for c in units}
    if not units or any(fulfilment_id not in packed for fulfilment_id in orders):
        raise Refused("state-conflict", "There is an order without a packed carton. Pack it first.")
    if any(c.shipment_id is not None for c in units):
        raise Refused("state-conflict", "A handling unit is on another shipment already.")
    if any(c.state not in ("closed", "staged") for c in units):
        raise Refused("state-conflict", "A handling unit is not closed, or is loaded already.")
    if any(c.kind == "carton" and c.fulfilment_id is None for c in units):
        raise Refused("state-conflict", "A carton belongs to no order.")
    if len({c.owner_id for c in units}) != 1:
        raise Refused("state-conflict", "A shipment holds goods of one owner.")


async def palletize(
    uow: UnitOfWork,
    shipment_id: UUID,
    *,
    pallet_key: str | None,
    handling_units: Sequence[str],
    owners: Sequence[str] | None,
    now: int,
    ids: Ids,
) -> Carrier:
    """Nest cartons of a shipment on a pallet where they stand; the pallet joins the shipment."""
    named = [
        await find_carrier(uow, name, owners, pointer=f"/handling_units/{n}")
        for n, name in enumerate(handling_units)
    ]
    shipment = await uow.shipping.lock(shipment_id, owners)
    if shipment.state not in ("planned", "staged"):
        raise Refused("state-conflict", "The shipment is at the door already.")
    cartons = list((await uow.carriers.lock(named)).values())
    if any(c.shipment_id != shipment_id or c.kind != "carton" for c in cartons):
        raise Refused("state-conflict", "Only cartons of this shipment go on its pallet.")
    places = {(c.location_id, c.state) for c in cartons}
    if len(places) != 1 or any(c.parent_id is not None for c in cartons):
        raise Refused("state-conflict", "The cartons do not stand together, or are on a pallet.")
    location_id, state = places.pop()
    pallet = await _pallet(uow, shipment, pallet_key, location_id, now=now, ids=ids)
    pallet = replace(pallet, state=state, shipment_id=shipment_id, location_id=location_id)
    nested = [replace(c, parent_id=pallet.handling_unit_id) for c in cartons]
    await uow.carriers.save([pallet, *nested], now=now)
    await uow.shipping.add_units(
        shipment_id, [ShipmentUnit(handling_unit_id=pallet.handling_unit_id)]
    )
    return pallet


async def _pallet(
    uow: UnitOfWork,
    shipment: Shipment,
    key: str | None,
    location_id: int | None,
    *,
    now: int,
    ids: Ids,
) -> Carrier:
    if key is None:
        pallet, _, _ = await new_logistic_unit(
            uow, "pallet", shipment.owner_id, location_id, ids=ids
        )
        await uow.carriers.add(pallet, now=now)
        return pallet
    normal = normal_unit_key(key, pointer="/pallet_key")
    found = await uow.carriers.find(normal)
    if found is None:
        if not normal.startswith("00/"):
            detail = "A pallet is named by its SSCC."
            error = FieldError("/pallet_key", "format", detail)
            raise Refused("validation", detail, errors=(error,))
        found = Carrier(
            handling_unit_id=ids(),
            epc_key=normal,
            kind="pallet",
            state="open",
            owner_id=shipment.owner_id,
            location_id=location_id,
        )
        await uow.carriers.add(found, now=now)
        return found
    tree = await uow.carriers.tree([found.handling_unit_id])
    held = await uow.carriers.contents(tree)
    if found.kind != "pallet" or len(tree) > 1 or held or found.shipment_id is not None:
        raise Refused("state-conflict", "This pallet is in use.")
    return found


async def cancel_shipment(
    uow: UnitOfWork, shipment_id: UUID, *, owners: Sequence[str] | None, now: int
) -> None:
    """Before the door only: its handling units may go on another shipment."""
    shipment = await uow.shipping.lock(shipment_id, owners)
    if shipment.state == "cancelled":
        return
    await uow.shipping.save(shipment.moved("cancelled"), now=now)
    carriers = await uow.carriers.lock(unit.handling_unit_id for unit in shipment.units)
    await uow.carriers.save([replace(c, shipment_id=None) for c in carriers.values()], now=now)
