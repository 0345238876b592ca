"""Totes: returnable carriers that a picker fills; a tote holds goods of one order at a time."""

from __future__ import annotations

from dataclasses import replace

from core.application.ports.carriers import Carrier
from core.application.ports.uow import Ids, UnitOfWork
from core.domain.binding import check_free
from core.domain.errors import FieldError, Refused, not_found
from core.domain.naming import normal_unit_key
from core.domain.orders import Fulfilment
from core.domain.states import HANDLING_UNIT


async def register_tote(uow: UnitOfWork, name: str, *, now: int, ids: Ids) -> Carrier:
    """The tote with this key, made known to the site at its tote start if it is new."""
    key = normal_unit_key(name, pointer="/key")
    if not key.startswith("8003/"):
        detail = "A tote is named by its GRAI."
        raise Refused("validation", detail, errors=(FieldError("/key", "format", detail),))
    found = await uow.carriers.find(key)
    if found is not None and found.kind != "tote":
        raise Refused("state-conflict", "This key belongs to another kind of handling unit.")
    holder = await uow.tags.holder(key)
    if holder is not None and holder.what == "retired":
        check_free(holder, None)
    start = await uow.picking.tote_start()
    if found is None:
        tote = Carrier(
            handling_unit_id=ids(), epc_key=key, kind="tote", state="open", location_id=start
        )
        await uow.carriers.add(tote, now=now)
        return tote
    if found.state == "gone":
        HANDLING_UNIT.check(found.state, "open")
        found = replace(found, state="open", location_id=start)
        await uow.carriers.save([found], now=now)
    return found


async def bind_tote(uow: UnitOfWork, order: Fulfilment, name: str, *, now: int) -> Carrier:
    """The tote for goods of this order; refused while it holds another order's."""
    tote = await uow.carriers.find(normal_unit_key(name, pointer="/tote"))
    if tote is None or tote.kind != "tote":
        raise not_found("tote")
    if tote.fulfilment_id not in (None, order.fulfilment_id):
        raise Refused("state-conflict", "The tote holds another order. Take an empty one.")
    if tote.state != "open" or tote.location_id is None:
        raise Refused("state-conflict", "The tote is not in use here.", state=tote.state)
    if tote.fulfilment_id is None:
        if await uow.carriers.contents([tote.handling_unit_id]):
            raise Refused("state-conflict", "The tote is not empty. Put its goods back first.")
        tote = replace(tote, fulfilment_id=order.fulfilment_id)
        await uow.carriers.save([tote], now=now)
    return tote
