"""Door visits: opened by a person or the first fitting pass, closed with short, over and wrong.

One open visit a portal; opening the next closes the last. Closing ships what was verified.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from core.application.ports.doors import PassRecord
from core.application.ports.uow import Ids, UnitOfWork
from core.application.ports.visits import ShipmentProgress, VisitRecord
from core.application.shipping import hold_shipment, ship_shipment
from core.domain.errors import Refused, not_found, state_conflict
from core.domain.judgement import Judgement, Notice
from core.domain.states import DOOR_VISIT
from core.domain.tags import Document
from core.domain.visits import Remainder, remainder_of, short_documents, summary_of

_OPENABLE = {
    "asn": ("announced", "arrived", "receiving"),
    "shipment": ("planned", "staged", "verifying", "verified", "held"),
}


async def visit_for_pass(
    uow: UnitOfWork, record: PassRecord, judgement: Judgement, *, now: int, ids: Ids
) -> UUID | None:
    """The visit this pass belongs to; a fitting load opens one or adds its documents to it."""
    if record.visit_id is not None:
        return record.visit_id
    visit = await uow.visits.lock_open(record.portal)
    if visit is not None:
        await uow.visits.add_documents(visit.visit_id, judgement.documents)
        return visit.visit_id
    if not judgement.documents:
        return None
    visit_id = ids()
    opened_at = min(now, record.opened_at)
    await uow.visits.open(
        visit_id, portal=record.portal, truck=None, opened_by="pass", now=opened_at
    )
    await uow.visits.add_documents(visit_id, judgement.documents)
    return visit_id


async def open_visit(
    uow: UnitOfWork,
    *,
    portal: str,
    truck: str | None,
    documents: Iterable[Document],
    now: int,
    ids: Ids,
    actor: str,
) -> UUID:
    """A truck is at the door: closes the visit before it; no document is open at two doors."""
    named = frozenset(documents)
    states = await uow.visits.known(named)
    for document in sorted(named):
        state = states.get(document)
        if state is None:
            raise not_found("ASN" if document.kind == "asn" else "shipment")
        if state not in _OPENABLE[document.kind]:
            raise state_conflict(document.kind, state, "part of a visit")
    before = await uow.visits.lock_open(portal)
    if before is not None:
        waiting = bool(await uow.visits.unsettled(before))
        await _close(uow, before, now=now, ids=ids, actor="next visit", more_expected=waiting)
    taken = await uow.visits.taken(named)
    if taken:
        raise Refused(
            "state-conflict",
            "A document of this visit is open at another door. Close that visit first.",
            portal=next(iter(taken.values())),
        )
    visit_id = ids()
    await uow.visits.open(visit_id, portal=portal, truck=truck, opened_by="person", now=now)
    await uow.visits.add_documents(visit_id, named)
    for document in sorted(named):
        if states[document] == "announced":
            await uow.inbound.set_state(document.document_id, "arrived", now=now)
    return visit_id


async def close_visit(
    uow: UnitOfWork,
    *,
    visit_id: UUID,
    now: int,
    ids: Ids,
    actor: str,
    more_expected: bool = False,
    force: bool = False,
) -> dict[str, Any]:
    """The truck leaves: say short, over and wrong, ship what is verified, hold what is not.

    Refused while passes wait for a person, unless forced. Closing again gives the same summary.
    `more_expected` keeps incomplete ASNs open for another truck.
    """
    visit = await uow.visits.lock(visit_id)
    if visit.state == "closed":
        return dict(visit.summary)
    DOOR_VISIT.check(visit.state, "closing" if visit.state == "open" else "closed")
    waiting = await uow.visits.unsettled(visit)
    if waiting and not force:
        counted = ", ".join(f"{count} {state}" for state, count in sorted(waiting.items()))
        raise Refused(
            "state-conflict", f"Passes of this visit wait ({counted}). Settle them first."
        )
    return await _close(uow, visit, now=now, ids=ids, actor=actor, more_expected=more_expected)


async def _close(
    uow: UnitOfWork,
    visit: VisitRecord,
    *,
    now: int,
    ids: Ids,
    actor: str,
    more_expected: bool,
) -> dict[str, Any]:
    remainder = await remainder_for(uow, visit.visit_id)
    summary = summary_of(remainder)
    if visit.state == "open":
        await uow.visits.set_state(visit.visit_id, "closing", actor=actor, now=now, summary=None)
    short = short_documents(remainder, visit.documents)
    await _close_asns(uow, visit, short, more_expected=more_expected, now=now)
    for shipment in await uow.visits.shipments(visit.documents):
        await _close_shipment(uow, visit, shipment, now=now, ids=ids, actor=actor)
    await _tell(uow, visit, remainder, summary, now=now, ids=ids)
    await uow.visits.set_state(visit.visit_id, "closed", actor=actor, now=now, summary=summary)
    return summary


async def remainder_for(uow: UnitOfWork, visit_id: UUID) -> Remainder:
    """What the visit's documents still owe and what came beside them."""
    return remainder_of(await uow.visits.facts(visit_id))


async def _close_asns(
    uow: UnitOfWork,
    visit: VisitRecord,
    short: list[Document],
    *,
    more_expected: bool,
    now: int,
) -> None:
    """An ASN of which something was booked closes with its visit; what is left of it is short."""
    states = await uow.visits.known(d for d in visit.documents if d.kind == "asn")
    for document in sorted(states):
        if states[document] != "receiving" or (document in short and more_expected):
            continue
        await uow.inbound.short_units(document.document_id)
        await uow.inbound.set_state(document.document_id, "closed", now=now)


async def _close_shipment(
    uow: UnitOfWork,
    visit: VisitRecord,
    shipment: ShipmentProgress,
    *,
    now: int,
    ids: Ids,
    actor: str,
) -> None:
    if shipment.state == "verified" and shipment.loaded == shipment.units:
        await ship_shipment(uow, shipment_id=shipment.shipment_id, now=now, ids=ids, actor=actor)
    elif shipment.loaded and shipment.state in ("verifying", "verified"):
        reason = f"{shipment.units - shipment.loaded}-missing"
        await hold_shipment(uow, shipment.shipment_id, reason=reason, now=now, ids=ids)


async def _tell(
    uow: UnitOfWork,
    visit: VisitRecord,
    remainder: Remainder,
    summary: dict[str, Any],
    *,
    now: int,
    ids: Ids,
) -> None:
    counts = {k: summary[k] for k in ("expected", "received", "over", "short", "wrong")}
    odd = remainder.short or remainder.over or remainder.wrong
    if odd:
        notice = Notice(
            "visit.discrepancy",
            "warning",
            f"visit/{visit.visit_id}",
            f"The visit at {visit.portal} closed with {remainder.short} short, "
            f"{remainder.over} over and {remainder.wrong} wrong.",
            None,
            {name: str(count) for name, count in counts.items()},
        )
        await _raise(uow, notice, visit, now=now, ids=ids)
    for document in sorted(visit.documents):
        if document.kind == "asn":
            await _tell_receipt(uow, visit, document, remainder, now=now)


async def _tell_receipt(
    uow: UnitOfWork, visit: VisitRecord, document: Document, remainder: Remainder, *, now: int
) -> None:
    """What became of one ASN, to its owner."""
    asn = await uow.inbound.lock(document.document_id, None)
    lines = [line for line in remainder.lines if line.document == document]
    exact = all(line.received == line.expected for line in lines)
    await uow.emit(
        "receipt.completed" if exact else "receipt.discrepancy",
        aggregate=f"asn:{asn.asn_id}",
        owner=asn.owner_id,
        payload={
            "asn_id": str(asn.asn_id),
            "external_asn_id": asn.external_asn_id,
            "state": asn.state,
            "visit_id": str(visit.visit_id),
            "lines": [
                {
                    "line_no": line.line_no,
                    "sku": line.sku,
                    "expected": line.expected,
                    "received": line.received,
                }
                for line in lines
            ],
        },
        occurred_at=now,
    )


async def _raise(
    uow: UnitOfWork, notice: Notice, visit: VisitRecord, *, now: int, ids: Ids
) -> None:
    await uow.floor.raise_notice(
        notice,
        exception_id=ids(),
        portal=visit.portal,
        pass_id=None,
        visit_id=visit.visit_id,
        now=now,
    )
