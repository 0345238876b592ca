"""Counting bins: opened by hand, plan or doubt; counted blind; reconciled by moves.

A count that finds more than the limit is counted again by somebody else; if it still does, a second
person reconciles it. Findings that goods in motion could explain are counted again, never booked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from core.application.packing import find_carrier
from core.application.ports.counts import Stocktake
from core.application.ports.uow import Ids, UnitOfWork
from core.application.reconciling import post_findings
from core.domain.counting import LineKey, judge_lines, judge_units, units_off
from core.domain.errors import FieldError, Refused, not_found
from core.domain.states import COUNT


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedGoods:
    """So many without tags of an item in the bin."""

    owner: str
    sku: str
    quantity: int
    lot: str | None = None
    handling_unit: str | None = None
    status: str = "available"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a count came to: `reconciled`, `recount` or `approval`, and how far it was off."""

    result: str
    off: int


async def open_counts(
    uow: UnitOfWork, codes: Sequence[str], *, reason: str, now: int, ids: Ids, actor: str
) -> list[UUID]:
    """Open a count of each place that has none yet; ids of the new ones."""
    places = []
    for nth, code in enumerate(codes):
        place = await uow.stock.place(code)
        if place.is_virtual:
            detail = "Only real places are counted."
            error = FieldError(f"/locations/{nth}", "location-virtual", detail)
            raise Refused("location-virtual", detail, errors=(error,))
        places.append(place.location_id)
    return await uow.counts.add(places, reason=reason, ids=ids, now=now, actor=actor)


async def plan_counts(
    uow: UnitOfWork, *, limit: int, zone: str | None, now: int, ids: Ids, actor: str
) -> list[UUID]:
    """Open counts of the bins that are most overdue by the class of their goods."""
    due = await uow.counts.due(now=now, limit=limit, zone=zone)
    return await uow.counts.add(due, reason="plan", ids=ids, now=now, actor=actor)


async def submit_count(
    uow: UnitOfWork,
    count_id: UUID,
    goods: Sequence[CountedGoods],
    epcs: Sequence[str],
    *,
    worker: str,
    now: int,
    ids: Ids,
    actor: str,
) -> Outcome:
    """What somebody found in the whole bin; what is not named is not there."""
    count = await _locked(uow, count_id)
    COUNT.check(count.state, "counted")
    if count.started_at is None:
        raise Refused("state-conflict", "Nobody has started this count. Take it first.")
    if count.round > 1 and count.counted_by == worker:
        raise _second("Somebody else counts it again.")
    counted = await _counted(uow, goods)
    book = await uow.counts.book(count.location_id, since=count.started_at)
    lines = judge_lines(book.lines, counted)
    units = judge_units(book.units, epcs, await uow.counts.known(epcs))
    await uow.counts.write(count_id, lines, units)
    count = replace(count, state="counted", counted_at=now, counted_by=worker, counted_key=actor)
    off, limit = units_off(lines, units), await uow.counts.limit_units()
    disturbed = any(line.finding == "disturbed" for line in lines)
    if disturbed or (off > limit and count.round == 1):
        await _again(uow, count, now=now, actor=actor)
        return Outcome("recount", off)
    await uow.counts.save(count, now=now, actor=actor)
    if off > limit:
        return Outcome("approval", off)
    await _reconcile(uow, count, now=now, ids=ids, actor=actor)
    return Outcome("reconciled", off)


async def recount(uow: UnitOfWork, count_id: UUID, *, now: int, actor: str) -> None:
    """Have it counted once more, by somebody else."""
    count = await _locked(uow, count_id)
    await _again(uow, count, now=now, actor=actor)


async def _again(uow: UnitOfWork, count: Stocktake, *, now: int, actor: str) -> None:
    COUNT.check(count.state, "open")
    again = replace(count, state="open", round=count.round + 1, assigned_to=None, started_at=None)
    await uow.counts.save(again, now=now, actor=actor)


async def reconcile_count(
    uow: UnitOfWork, count_id: UUID, *, now: int, ids: Ids, actor: str
) -> None:
    """Book what was found; not by who counted."""
    count = await _locked(uow, count_id)
    COUNT.check(count.state, "reconciled")
    if actor in (count.counted_by, count.counted_key):
        raise _second("A second person reconciles what is over the limit.")
    await _reconcile(uow, count, now=now, ids=ids, actor=actor)


async def cancel_count(uow: UnitOfWork, count_id: UUID, *, now: int, actor: str) -> None:
    """Give an open count up."""
    count = await _locked(uow, count_id)
    COUNT.check(count.state, "cancelled")
    await uow.counts.save(replace(count, state="cancelled"), now=now, actor=actor)


async def _reconcile(uow: UnitOfWork, count: Stocktake, *, now: int, ids: Ids, actor: str) -> None:
    await post_findings(uow, count, now=now, ids=ids, actor=actor)
    await uow.counts.save(replace(count, state="reconciled"), now=now, actor=actor)


async def _counted(uow: UnitOfWork, goods: Sequence[CountedGoods]) -> Counter[LineKey]:
    """Quantities by line; the same line named twice is added up."""
    found: Counter[LineKey] = Counter()
    for nth, line in enumerate(goods):
        items = await uow.orders.items(line.owner, [line.sku])
        if line.sku not in items:
            raise _unknown(nth, "sku", "sku-unknown", "The owner has no item with this SKU.")
        item_id, lot_id, unit = items[line.sku].item_id, None, None
        if line.lot is not None:
            lot_id = await uow.lots.find(item_id, line.lot)
            if lot_id is None:
                raise _unknown(nth, "lot", "choice", "The item has no such lot.")
        if line.handling_unit is not None:
            pointer = f"/lines/{nth}/handling_unit"
            unit = await find_carrier(uow, line.handling_unit, None, pointer=pointer)
        found[LineKey(line.owner, item_id, lot_id, unit, line.status)] += line.quantity
    return found


async def _locked(uow: UnitOfWork, count_id: UUID) -> Stocktake:
    count = await uow.counts.lock(count_id)
    if count is None:
        raise not_found("count")
    return count


def _second(detail: str) -> Refused:
    return Refused("second-person", detail)


def _unknown(nth: int, name: str, code: str, detail: str) -> Refused:
    error = FieldError(f"/lines/{nth}/{name}", code, detail)
    return Refused("sku-unknown" if name == "sku" else "validation", detail, errors=(error,))
