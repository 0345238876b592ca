"""Corrections and floor moves by people: each is a move with its cause, reserved goods included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from core.application.carry import carry, carry_moves
from core.application.choosing import take_goods
from core.application.ledger import post_moves
from core.application.locks import check_unlocked
from core.application.packing import find_carrier
from core.application.ports.carriers import Carrier, Content
from core.application.ports.uow import Ids, UnitOfWork
from core.application.replenish import choose
from core.application.suspicions import check_unsuspected
from core.domain.adjusting import Adjustment
from core.domain.errors import FieldError, Refused, not_found, wrong_field
from core.domain.stock import Move, Place


async def adjust_stock(
    uow: UnitOfWork, adjustment: Adjustment, *, event: UUID, now: int, ids: Ids, actor: str
) -> None:
    """Post a correction under its id. Reserved goods may go: their orders are planned again."""
    items = await uow.orders.items(adjustment.owner, [adjustment.sku])
    if adjustment.sku not in items:
        detail = "The owner has no item with this SKU."
        error = FieldError("/sku", "sku-unknown", detail)
        raise Refused("sku-unknown", detail, errors=(error,))
    item_id = items[adjustment.sku].item_id
    place = replace(await uow.stock.place(adjustment.location), status=adjustment.status)
    if place.is_virtual:
        detail = "Stock is corrected at a real place."
        error = FieldError("/location", "location-virtual", detail)
        raise Refused("location-virtual", detail, errors=(error,))
    if adjustment.delta == 0:
        raise wrong_field("/delta", "range", "Name a difference.")
    other = await uow.stock.virtual("loss" if adjustment.reason == "loss" else "adjustment")
    if adjustment.delta > 0:
        goods = await _appearing(uow, adjustment, item_id, other)
        target = place
    else:
        goods = await _leaving(uow, adjustment, item_id, place)
        target = other
    moves = carry_moves(
        goods,
        lambda _: target,
        event=event,
        biz_step="cycle_counting",
        cause="adjustment",
        cause_id=adjustment.reason,
        now=now,
        actor=actor,
    )
    await post_moves(uow, moves, now=now, ids=ids)


async def _appearing(
    uow: UnitOfWork, adjustment: Adjustment, item_id: int, source: Place
) -> list[Content]:
    """Goods that the book did not have; known units by their tags, the rest without."""
    units = await uow.carriers.units(adjustment.epcs)
    for n, key in enumerate(adjustment.epcs):
        unit = units.get(key)
        if unit is None or unit.place is not None or unit.item_id != item_id:
            raise wrong_field(f"/epcs/{n}", "choice", "This unit is not known as gone from here.")
    rest = adjustment.delta - len(adjustment.epcs)
    if rest < 0:
        raise wrong_field("/epcs", "length", "More tags than goods.")
    owner = adjustment.owner
    goods = [Content(owner, item_id, units[k].lot_id, 1, source, k) for k in adjustment.epcs]
    if rest:
        goods.append(Content(owner, item_id, None, rest, source))
    return goods


async def _leaving(
    uow: UnitOfWork, adjustment: Adjustment, item_id: int, place: Place
) -> list[Content]:
    """Goods that the shelf does not have: named units, else what has no tag, else everything."""
    here = [c for c in await uow.carriers.at(place, item_id) if c.owner_id == adjustment.owner]
    return take_goods(here, -adjustment.delta, adjustment.epcs)


async def move_carrier(
    uow: UnitOfWork,
    name: str,
    *,
    to: str,
    owners: Sequence[str] | None,
    now: int,
    ids: Ids,
    actor: str,
) -> None:
    """A handling unit stands somewhere else now, with all it holds."""
    place = await _open_place(uow, to)
    top_id = await find_carrier(uow, name, owners, pointer="/handling_unit")
    tree = await uow.carriers.tree([top_id])
    _check_movable(tree, place)
    await check_unsuspected(uow, [carrier.epc_key for carrier in tree.values()])
    freed = {i: replace(c, parent_id=None) if i == top_id else c for i, c in tree.items()}
    await carry(
        uow,
        freed,
        place,
        biz_step="storing",
        cause="scan",
        cause_id=str(top_id),
        now=now,
        ids=ids,
        actor=actor,
    )


def _check_movable(tree: Mapping[UUID, Carrier], place: Place) -> None:
    states = {carrier.state for carrier in tree.values()}
    if states & {"announced", "loaded", "gone"}:
        raise Refused("state-conflict", "The unit is not on the floor, or is on a truck.")
    if "staged" in states and place.kind not in ("staging", "dock"):
        raise Refused("state-conflict", "A staged unit stays in a lane. Cancel its shipment first.")


async def move_unit(
    uow: UnitOfWork,
    key: str,
    *,
    to: str,
    owners: Sequence[str] | None,
    now: int,
    ids: Ids,
    actor: str,
) -> None:
    """One tagged unit lies somewhere else now."""
    place = await _open_place(uow, to)
    await check_unsuspected(uow, [key])
    unit = (await uow.carriers.units([key])).get(key)
    if unit is None or unit.place is None or (owners is not None and unit.owner_id not in owners):
        raise not_found("unit")
    goods = [Content(unit.owner_id, unit.item_id, unit.lot_id, 1, unit.place, key)]
    await _post(uow, goods, place, now=now, ids=ids, actor=actor)


async def move_goods(
    uow: UnitOfWork,
    *,
    owner: str,
    sku: str,
    quantity: int,
    origin: str,
    to: str,
    now: int,
    ids: Ids,
    actor: str,
) -> None:
    """So many of an item were carried from place to place."""
    place, source = await _open_place(uow, to), await _floor_place(uow, origin)
    items = await uow.orders.items(owner, [sku])
    if sku not in items:
        raise not_found("item")
    here = [c for c in await uow.carriers.at(source, items[sku].item_id) if c.owner_id == owner]
    total = sum(c.quantity for c in here)
    if total < quantity:
        raise Refused(
            "insufficient-stock",
            "The place holds less than that in the book. Count it or move less.",
            wanted=quantity,
            available=total,
        )
    goods: list[Content] = []
    for lot_id in dict.fromkeys(c.lot_id for c in here):
        left = quantity - sum(c.quantity for c in goods)
        goods += choose(here, lot_id, left)
    await _post(uow, goods, place, now=now, ids=ids, actor=actor)


async def _open_place(uow: UnitOfWork, code: str) -> Place:
    """A real place that takes goods."""
    place = await _floor_place(uow, code)
    await check_unlocked(uow, code)
    return place


async def _floor_place(uow: UnitOfWork, code: str) -> Place:
    place = await uow.stock.place(code)
    if place.is_virtual:
        raise Refused("location-virtual", "Goods are moved between real places.")
    return place


async def _post(
    uow: UnitOfWork, goods: Sequence[Content], to: Place, *, now: int, ids: Ids, actor: str
) -> None:
    event = ids()
    moves: list[Move] = carry_moves(
        goods,
        lambda content: replace(to, status=content.place.status),
        event=event,
        biz_step="storing",
        cause="scan",
        cause_id=str(event),
        now=now,
        actor=actor,
    )
    await post_moves(uow, moves, now=now, ids=ids)
