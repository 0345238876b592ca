"""Stock statuses: goods stay where they lie and become available, held, damaged or under quality.

Only available goods are promised and reserved, so a change is a move, and reservations that lose
their goods are planned again in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from core.application.carry import carry_moves
from core.application.choosing import take_goods
from core.application.ledger import post_moves
from core.application.packing import find_carrier
from core.application.ports.carriers import Content
from core.application.ports.uow import Ids, UnitOfWork
from core.domain.errors import FieldError, Refused, not_found, wrong_field
from core.domain.stock import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """So many of an item, at a place or in a handling unit, from one status to another."""

    owner: str
    sku: str
    location: str | None
    handling_unit: str | None
    from_status: str
    to_status: str
    quantity: int
    reason: str
    lot: str | None = None
    epcs: tuple[str, ...] = ()


async def change_status(
    uow: UnitOfWork, wanted: StatusChange, *, now: int, ids: Ids, actor: str
) -> UUID:
    """Post the change. Goods of a recalled lot, or out of date, never become available."""
    if wanted.from_status == wanted.to_status:
        raise wrong_field("/to_status", "choice", "The goods have this status already.")
    items = await uow.orders.items(wanted.owner, [wanted.sku])
    if wanted.sku not in items:
        detail = "The owner has no item with this SKU."
        raise Refused("sku-unknown", detail, errors=(FieldError("/sku", "sku-unknown", detail),))
    item_id = items[wanted.sku].item_id
    place = replace(await _place(uow, wanted), status=wanted.from_status)
    here = [c for c in await uow.carriers.at(place, item_id) if c.owner_id == wanted.owner]
    if wanted.lot is not None:
        lot_id = await uow.lots.find(item_id, wanted.lot)
        if lot_id is None:
            raise not_found("lot")
        here = [c for c in here if c.lot_id == lot_id]
    goods = take_goods(here, wanted.quantity, wanted.epcs)
    if wanted.to_status == "available":
        await check_sellable(uow, goods, now=now)
    return await post_status(
        uow, goods, wanted.to_status, reason=wanted.reason, now=now, ids=ids, actor=actor
    )


async def _place(uow: UnitOfWork, wanted: StatusChange) -> Place:
    if (wanted.location is None) == (wanted.handling_unit is None):
        raise wrong_field(
            "/location", "required", "Name a location or a handling unit, one of them."
        )
    if wanted.location is not None:
        place = await uow.stock.place(wanted.location)
        if place.is_virtual:
            raise Refused("location-virtual", "Goods have a status at a real place.")
        return place
    name = wanted.handling_unit or ""
    unit_id = await find_carrier(uow, name, [wanted.owner], pointer="/handling_unit")
    carrier = (await uow.carriers.lock([unit_id]))[unit_id]
    if carrier.fulfilment_id is not None or carrier.location_id is None:
        raise Refused(
            "state-conflict",
            "The unit is an order's, or not on site. Take the goods out of the order first.",
        )
    place = await uow.stock.place_by_id(carrier.location_id)
    return replace(place, handling_unit_id=carrier.handling_unit_id)


async def check_sellable(uow: UnitOfWork, goods: Sequence[Content], *, now: int) -> None:
    """Refuse goods of a lot that is recalled (`lot-recalled`) or out of date (`lot-expired`)."""
    lots = sorted({content.lot_id for content in goods if content.lot_id is not None})
    for lot in await uow.lots.blocked(lots, now=now):
        if lot.recalled_at is not None:
            detail = "A lot of these goods is recalled. Release the lot first."
            raise Refused("lot-recalled", detail, sku=lot.sku, lot=lot.code)
        detail = "A lot of these goods is out of date: it cannot be sold."
        raise Refused("lot-expired", detail, sku=lot.sku, lot=lot.code)


async def post_status(
    uow: UnitOfWork,
    goods: Sequence[Content],
    status: str,
    *,
    reason: str,
    now: int,
    ids: Ids,
    actor: str,
) -> UUID:
    """Move goods, all of another status, to this one where they lie; the id of the change."""
    event = ids()
    moves = carry_moves(
        goods,
        lambda content: replace(content.place, status=status),
        event=event,
        biz_step="inspecting",
        cause="adjustment",
        cause_id=reason,
        now=now,
        actor=actor,
    )
    await post_moves(uow, moves, now=now, ids=ids)
    return event
