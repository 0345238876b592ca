"""ASNs: announced, cancelled, received by hand. Announcing commissions tags; it moves no stock.

The same ASN posted again is the same ASN; another body under its external id is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from core.application.ledger import post_moves
from core.application.ports.inbound import AnnouncedUnit, Asn, AsnLine, AsnUnit, KnownItem
from core.application.ports.tasks import Task
from core.application.ports.uow import Ids, UnitOfWork
from core.domain.errors import FieldError, Refused
from core.domain.states import ASN
from core.domain.stock import Move, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLine:
    """A line as the supplier announces it."""

    line_no: int
    sku: str
    quantity: int
    lot: str | None = None
    expires_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewContent:
    """One announced tag by its normal key, with its line or its SKU; `holder` is a key too."""

    epc_key: str
    line_no: int | None = None
    sku: str | None = None
    holder: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAsn:
    """An ASN as it comes in. `holders` are (normal key, kind) of announced handling units."""

    owner_id: str
    external_asn_id: str
    supplier: str | None
    expected_at: int | None
    lines: tuple[NewLine, ...]
    holders: tuple[tuple[str, str], ...] = ()
    contents: tuple[NewContent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HandReceipt:
    """Goods counted by a person: base units of a SKU at a location."""

    sku: str
    quantity: int
    location: str | None = None


async def announce_asn(uow: UnitOfWork, new: NewAsn, *, now: int, ids: Ids) -> tuple[UUID, bool]:
    """Announce a delivery: (id, whether it is new). All or nothing."""
    known = await uow.inbound.known(new.owner_id, new.external_asn_id)
    if known is not None:
        await _same(uow, known, new)
        return known, False
    items = await _items(uow, new)
    lots = await uow.inbound.lots(
        (items[line.sku].item_id, line.lot) for line in new.lines if line.lot is not None
    )
    await _date_lots(uow, new, items, lots)
    lines = _lines(new, items, lots)
    asn = Asn(
        asn_id=ids(),
        owner_id=new.owner_id,
        external_asn_id=new.external_asn_id,
        supplier=new.supplier,
        state="announced",
        expected_at=new.expected_at,
        lines=tuple(lines.values()),
    )
    if not await uow.inbound.add(asn, now=now):
        raise Refused("asn-exists", "An ASN with this external id was announced just now.")
    holders = [
        AnnouncedUnit(handling_unit_id=ids(), epc_key=key, kind=kind) for key, kind in new.holders
    ]
    by_key = {holder.epc_key: holder.handling_unit_id for holder in holders}
    units = [_unit(content, index, lines, by_key) for index, content in enumerate(new.contents)]
    clash = await uow.inbound.announce(asn, holders, units, now=now)
    if clash:
        raise _refused_keys(new, clash)
    return asn.asn_id, True


async def _date_lots(
    uow: UnitOfWork,
    new: NewAsn,
    items: Mapping[str, KnownItem],
    lots: Mapping[tuple[int, str], int],
) -> None:
    """A lot gets the date of expiry that the supplier names; a lot has one date."""
    dated = {
        lots[(items[line.sku].item_id, line.lot)]: line.expires_at
        for line in new.lines
        if line.lot is not None and line.expires_at is not None
    }
    other = await uow.inbound.date_lots(dated)
    for nth, line in enumerate(new.lines):
        if line.lot is not None and lots[(items[line.sku].item_id, line.lot)] in other:
            detail = "The lot has another date of expiry in the book. Check the label."
            error = FieldError(f"/lines/{nth}/expires_at", "lot-expiry", detail)
            raise Refused("lot-expiry", detail, errors=(error,))


async def _same(uow: UnitOfWork, asn_id: UUID, new: NewAsn) -> None:
    asn = await uow.inbound.lock(asn_id, None)
    known = Counter((line.sku, line.expected) for line in asn.lines)
    if known != Counter((line.sku, line.quantity) for line in _with_contents(new)):
        raise Refused(
            "asn-exists",
            "An ASN with this external id has other lines. Cancel it, or use another id.",
        )


async def _items(uow: UnitOfWork, new: NewAsn) -> Mapping[str, KnownItem]:
    skus = [line.sku for line in new.lines] + [c.sku for c in new.contents if c.sku is not None]
    items = await uow.inbound.items(new.owner_id, skus)
    missing = [
        FieldError(f"/lines/{n}/sku", "sku-unknown", "There is no such item of this owner.")
        for n, line in enumerate(new.lines)
        if line.sku not in items
    ]
    missing += [
        FieldError(f"/epcs/{n}/sku", "sku-unknown", "There is no such item of this owner.")
        for n, content in enumerate(new.contents)
        if content.sku is not None and content.sku not in items
    ]
    if missing:
        raise Refused("sku-unknown", "An item is not known here.", errors=tuple(missing))
    return items


def _with_contents(new: NewAsn) -> list[NewLine]:
    """The lines, one added for each SKU that only tags name."""
    named = {line.sku for line in new.lines}
    extra = Counter(
        content.sku
        for content in new.contents
        if content.line_no is None and content.sku is not None and content.sku not in named
    )
    first = max((line.line_no for line in new.lines), default=0) + 1
    return [
        *new.lines,
        *(
            NewLine(line_no=first + n, sku=sku, quantity=count)
            for n, (sku, count) in enumerate(sorted(extra.items()))
        ),
    ]


def _lines(
    new: NewAsn, items: Mapping[str, KnownItem], lots: Mapping[tuple[int, str], int]
) -> dict[int, AsnLine]:
    out = {}
    for line in _with_contents(new):
        item_id = items[line.sku].item_id
        lot_id = None if line.lot is None else lots[(item_id, line.lot)]
        out[line.line_no] = AsnLine(
            line_no=line.line_no,
            item_id=item_id,
            lot_id=lot_id,
            sku=line.sku,
            expected=line.quantity,
        )
    return out


def _unit(
    content: NewContent, index: int, lines: Mapping[int, AsnLine], holders: Mapping[str, UUID]
) -> AsnUnit:
    line = (
        lines.get(content.line_no)
        if content.line_no is not None
        else next((one for one in lines.values() if one.sku == content.sku), None)
    )
    if line is None:
        detail = "The tag names no line of this ASN."
        error = FieldError(f"/epcs/{index}/line_no", "choice", detail)
        raise Refused("validation", detail, errors=(error,))
    return AsnUnit(
        epc_key=content.epc_key,
        line_no=line.line_no,
        item_id=line.item_id,
        lot_id=line.lot_id,
        handling_unit_id=None if content.holder is None else holders[content.holder],
    )


def _refused_keys(new: NewAsn, clash: Sequence[str]) -> Refused:
    places = {content.epc_key: f"/epcs/{n}" for n, content in enumerate(new.contents)}
    places |= {key: f"/handling_units/{n}" for n, (key, _) in enumerate(new.holders)}
    detail = (
        "This tag is in stock already, was retired, is announced by another ASN, or is of another"
        " item."
    )
    errors = tuple(FieldError(places.get(key, "/epcs"), "duplicate", detail) for key in clash)
    return Refused("validation", "Some tags cannot be announced; see errors.", errors=errors)


async def cancel_asn(
    uow: UnitOfWork, *, asn_id: UUID, owners: Sequence[str] | None, now: int
) -> None:
    """Cancel an announced ASN; refused once anything of it has arrived. Once is enough."""
    asn = await uow.inbound.lock(asn_id, owners)
    if asn.state == "cancelled":
        return
    ASN.check(asn.state, "cancelled")
    await uow.inbound.set_state(asn_id, "cancelled", now=now)
    await uow.inbound.withdraw(asn_id, now=now)


async def receive_by_hand(
    uow: UnitOfWork,
    *,
    asn_id: UUID,
    owners: Sequence[str] | None,
    receipts: Sequence[HandReceipt],
    now: int,
    ids: Ids,
    actor: str,
) -> Asn:
    """Book what a person counted against the ASN's lines, over them too, with putaway tasks."""
    asn = await uow.inbound.lock(asn_id, owners)
    if asn.state not in ("announced", "arrived", "receiving"):
        ASN.check(asn.state, "receiving")
    receipt_id = ids()
    supplier = await uow.stock.virtual("supplier")
    received: Counter[int] = Counter()
    moves: list[Move] = []
    for index, receipt in enumerate(receipts):
        line = _line_for(asn, receipt, index, received)
        place = await _place_for(uow, receipt)
        received[line.line_no] += receipt.quantity
        moves.append(_hand_move(asn, line, receipt, supplier, place, receipt_id, index, now, actor))
    await uow.inbound.count_received(asn_id, received)
    if asn.state != "receiving":
        await uow.inbound.set_state(asn_id, "arrived", now=now)
        await uow.inbound.set_state(asn_id, "receiving", now=now)
    await post_moves(uow, moves, now=now, ids=ids)
    for move in moves:
        if move.target.kind in ("staging", "dock"):
            await uow.tasks.add(_putaway(move, ids()), now=now)
    return replace(
        asn,
        state="receiving",
        lines=tuple(
            replace(line, received=line.received + received[line.line_no]) for line in asn.lines
        ),
    )


def _line_for(asn: Asn, receipt: HandReceipt, index: int, received: Mapping[int, int]) -> AsnLine:
    """The first line of the SKU that still waits for goods, else its last one."""
    mine = [line for line in asn.lines if line.sku == receipt.sku]
    if not mine:
        detail = "The ASN does not name this item. Count it as found, or announce it."
        error = FieldError(f"/lines/{index}/sku", "choice", detail)
        raise Refused("validation", detail, errors=(error,))
    waiting = (
        line for line in mine if line.expected > line.received + received.get(line.line_no, 0)
    )
    return next(waiting, mine[-1])


async def _place_for(uow: UnitOfWork, receipt: HandReceipt) -> Place:
    if receipt.location is not None:
        place = await uow.stock.place(receipt.location)
        if place.is_virtual:
            raise Refused("location-virtual", "Goods cannot lie at a virtual place.")
        return place
    return await uow.stock.place_by_id(await uow.inbound.receiving_location())


def _hand_move(
    asn: Asn,
    line: AsnLine,
    receipt: HandReceipt,
    supplier: Place,
    place: Place,
    receipt_id: UUID,
    index: int,
    now: int,
    actor: str,
) -> Move:
    return Move(
        owner_id=asn.owner_id,
        item_id=line.item_id,
        lot_id=line.lot_id,
        quantity=receipt.quantity,
        origin=supplier,
        target=place,
        biz_step="receiving",
        cause="scan",
        cause_id=str(asn.asn_id),
        source="receipt",
        source_key=f"{receipt_id}/{index}",
        occurred_at=now,
        actor=actor,
    )


def _putaway(move: Move, task_id: UUID) -> Task:
    return Task(
        task_id=task_id,
        kind="putaway",
        state="open",
        owner_id=move.owner_id,
        item_id=move.item_id,
        lot_id=move.lot_id,
        handling_unit_id=None,
        epc_key=None,
        quantity=move.quantity,
        source_location_id=move.target.location_id,
        target_location_id=None,
        reservation_id=None,
        reason=None,
        assigned_to=None,
        lease_until=None,
    )
