"""Commissioning: an EPC is bound to a unit or a handling unit, given over to a new tag, or killed.

None of it is a move: what a tag is stuck on stays where it is. A binding that ended stays readable
and is never taken up again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.application.packing import find_carrier
from core.application.ports.carriers import Carrier
from core.application.ports.tags import Bearer, Binding
from core.application.ports.uow import Ids, UnitOfWork
from core.application.suspicions import check_unsuspected
from core.domain.binding import (
    check_carrier_key,
    check_free,
    check_same_scheme,
    check_unit_key,
    the_reason,
)
from core.domain.errors import FieldError, Refused, not_found
from core.domain.states import TAG_BINDING
from core.domain.stock import Place

Owners = Sequence[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitTagging:
    """A tag for one unit. Without a place it is announced: it is received when it comes."""

    owner: str
    sku: str
    lot: str | None = None
    location: str | None = None
    handling_unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierTagging:
    """A tag for a new, empty handling unit at a place."""

    kind: str
    location: str
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag's key, and its EPC in hex where it was given so."""

    key: str
    epc: str | None = None


async def bind_unit(
    uow: UnitOfWork,
    tag: Tag,
    wanted: UnitTagging,
    *,
    reason: str,
    owners: Owners,
    now: int,
    actor: str,
) -> None:
    """Commission a unit. With a place, untagged stock of the item must lie there."""
    why, item = the_reason(reason), await uow.tags.item(wanted.owner, wanted.sku)
    if item is None:
        detail = "The owner has no active item with this SKU."
        raise Refused("sku-unknown", detail, errors=(FieldError("/sku", "sku-unknown", detail),))
    check_unit_key(tag.key, item.gtins)
    await _take(uow, tag.key, owners)
    if item.tracking in ("lot", "both") and wanted.lot is None:
        detail = "Units of this item have a lot: name it."
        raise Refused("validation", detail, errors=(FieldError("/lot", "required", detail),))
    lot_id = None if wanted.lot is None else await uow.tags.lot(item.item_id, wanted.lot)
    place = await _place(uow, wanted, owners)
    if place is not None and await uow.tags.loose(wanted.owner, item.item_id, lot_id, place) < 1:
        raise Refused(
            "no-untagged-stock",
            "No untagged stock of this item is booked there. Adjust the stock first, or bind the"
            " tag without a place.",
        )
    binding = Binding(
        epc_key=tag.key, epc=tag.epc, owner_id=wanted.owner, item_id=item.item_id, lot_id=lot_id
    )
    await uow.tags.add_unit(binding, place, now=now)
    await uow.tags.bind(binding, reason=why, now=now, actor=actor)
    await _told(uow, tag.key, now)


async def bind_carrier(
    uow: UnitOfWork,
    tag: Tag,
    wanted: CarrierTagging,
    *,
    reason: str,
    owners: Owners,
    now: int,
    ids: Ids,
    actor: str,
) -> None:
    """Commission a new, empty pallet, carton or tote."""
    why = the_reason(reason)
    check_carrier_key(tag.key, wanted.kind)
    await _take(uow, tag.key, owners)
    place = await uow.stock.place(wanted.location)
    if place.is_virtual:
        detail = "A handling unit stands at a real place."
        error = FieldError("/location", "location-virtual", detail)
        raise Refused("location-virtual", detail, errors=(error,))
    made = Carrier(
        handling_unit_id=ids(),
        epc_key=tag.key,
        kind=wanted.kind,
        state="open",
        location_id=place.location_id,
        owner_id=wanted.owner,
    )
    await uow.carriers.add(made, now=now)
    binding = Binding(
        epc_key=tag.key,
        epc=tag.epc,
        owner_id=wanted.owner,
        handling_unit_id=made.handling_unit_id,
    )
    await uow.tags.bind(binding, reason=why, now=now, actor=actor)
    await _told(uow, tag.key, now)


async def retag(
    uow: UnitOfWork, key: str, tag: Tag, *, reason: str, owners: Owners, now: int, actor: str
) -> None:
    """What carries `key` carries a new tag from now on; the old one is retired for good."""
    why = the_reason(reason)
    await uow.tags.reserve(key, tag.key)
    bearer = await _bearer(uow, key, owners)
    check_same_scheme(key, tag.key)
    check_free(await uow.tags.holder(tag.key), _scope(owners))
    if bearer.expected:
        raise Refused("state-conflict", "An ASN still announces it under this tag. Receive it.")
    old = bearer.binding
    TAG_BINDING.check("bound", "retired")
    await uow.tags.exchange(bearer, tag.key, now=now)
    await uow.tags.retire(
        old, ended="retagged", replaced_by=tag.key, reason=why, now=now, actor=actor
    )
    new = replace(old, epc_key=tag.key, epc=tag.epc, replaces=key)
    await uow.tags.bind(new, reason=why, now=now, actor=actor)
    await _told(uow, key, now)
    await _told(uow, tag.key, now)


async def kill(
    uow: UnitOfWork, key: str, *, reason: str, owners: Owners, now: int, actor: str
) -> None:
    """The tag is dead. Goods stay in the book, untagged; what must have a serial is re-tagged."""
    why = the_reason(reason)
    await uow.tags.reserve(key)
    bearer = await _bearer(uow, key, owners)
    if bearer.expected:
        raise Refused("state-conflict", "An ASN still announces it under this tag. Receive it.")
    if bearer.present and bearer.tracking in ("serial", "both"):
        raise Refused(
            "serial-required", "This item is tracked by serial: re-tag the unit, or book it out."
        )
    if bearer.filled:
        raise Refused("not-empty", "The handling unit holds something: re-tag it, or empty it.")
    TAG_BINDING.check("bound", "retired")
    await uow.tags.forget(bearer, now=now)
    await uow.tags.retire(
        bearer.binding, ended="killed", replaced_by=None, reason=why, now=now, actor=actor
    )
    await _told(uow, key, now)


async def _take(uow: UnitOfWork, key: str, owners: Owners) -> None:
    await uow.tags.reserve(key)
    check_free(await uow.tags.holder(key), _scope(owners))


async def _bearer(uow: UnitOfWork, key: str, owners: Owners) -> Bearer:
    """What carries the tag; refused when it left the site or its copy is not settled."""
    bearer = await uow.tags.bearer(key)
    if bearer is None:
        await _check_known(uow, key, owners)
        raise not_found("tag")
    if not _covers(owners, bearer.binding.owner_id):
        raise not_found("tag")
    if bearer.state in ("gone", "loaded"):
        raise Refused("state-conflict", "What carries this tag has left, or is on a truck.")
    await check_unsuspected(uow, [key])
    return bearer


async def _check_known(uow: UnitOfWork, key: str, owners: Owners) -> None:
    """A tag that ended is told apart from one that never was."""
    holder = await uow.tags.holder(key)
    if holder is not None and holder.what == "retired" and _covers(owners, holder.owner_id):
        check_free(holder, _scope(owners))


def _covers(owners: Owners, owner: str | None) -> bool:
    return owners is None or owner is None or owner in owners


async def _place(uow: UnitOfWork, wanted: UnitTagging, owners: Owners) -> Place | None:
    if wanted.handling_unit is not None:
        found = await find_carrier(uow, wanted.handling_unit, owners, pointer="/handling_unit")
        carrier = (await uow.carriers.tree([found]))[found]
        if carrier.location_id is None:
            raise Refused("state-conflict", "The handling unit is not on the floor.")
        place = await uow.stock.place_by_id(carrier.location_id)
        return replace(place, handling_unit_id=found)
    return None if wanted.location is None else await uow.stock.place(wanted.location)


def _scope(owners: Owners) -> tuple[str, ...] | None:
    return None if owners is None else tuple(owners)


async def _told(uow: UnitOfWork, key: str, now: int) -> None:
    """What was said of this tag before is settled by what a person did."""
    await uow.floor.clear(["tag.retired"], [f"tag/{key}"], now=now)
