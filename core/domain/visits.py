"""A door visit's remainder: what its documents still owe, what came beside them.

`short` is what is not here yet, said aloud only when the visit closes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

from core.domain.plan import Plan
from core.domain.tags import Document

UnitState = Literal["received", "loaded", "open", "over", "wrong"]
_STRANGE: Mapping[str, UnitState] = {"unexpected": "over", "unknown": "over", "wrong_door": "wrong"}


@dataclass(frozen=True, slots=True)
class LineFact:
    """A document's line: ASN lines by item, a shipment as one line of handling units."""

    document: Document
    line_no: int
    sku: str | None
    expected: int
    received: int


@dataclass(frozen=True, slots=True)
class UnitFact:
    """One tag that a document names, or a stranger; `pass_id` is its evidence."""

    epc_key: str
    state: UnitState
    document: Document | None = None
    line_no: int | None = None
    sku: str | None = None
    handling_unit: str | None = None
    pass_id: UUID | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class StrangerFact:
    """The last word on a tag which a pass of the visit said; `direction` is the pass's."""

    epc_key: str
    outcome: str
    reason: str | None
    direction: str
    pass_id: UUID
    sku: str | None


@dataclass(frozen=True, slots=True)
class VisitFacts:
    """What storage knows of a visit; `plans` are unposted passes, oldest first, with their ids."""

    lines: tuple[LineFact, ...]
    units: tuple[UnitFact, ...]
    last_words: tuple[StrangerFact, ...]
    plans: tuple[tuple[UUID, Plan], ...] = ()


@dataclass(frozen=True, slots=True)
class Remainder:
    """Totals, lines and tags of a visit. `unposted` is what observing passes would have booked."""

    expected: int
    received: int
    unposted: int
    over: int
    short: int
    wrong: int
    lines: tuple[LineFact, ...]
    units: tuple[UnitFact, ...]


def remainder_of(facts: VisitFacts) -> Remainder:
    """The remainder, unposted passes counted as if they had been posted."""
    units = {(unit.document, unit.epc_key): unit for unit in facts.units}
    gained: dict[tuple[Document, int], int] = {}
    for pass_id, plan in facts.plans:
        _overlay(units, gained, pass_id, plan)
    lines = tuple(
        replace(line, received=line.received + gained.get((line.document, line.line_no), 0))
        for line in facts.lines
    )
    strangers = [found for word in facts.last_words if (found := _stranger(word)) is not None]
    short = sum(max(0, line.expected - line.received) for line in lines)
    beyond = sum(max(0, line.received - line.expected) for line in lines)
    return Remainder(
        expected=sum(line.expected for line in lines),
        received=sum(line.received for line in lines),
        unposted=sum(gained.values()),
        over=beyond + sum(unit.state == "over" for unit in strangers),
        short=short,
        wrong=sum(unit.state == "wrong" for unit in strangers),
        lines=lines,
        units=(*units.values(), *strangers),
    )


def _overlay(
    units: dict[tuple[Document | None, str], UnitFact],
    gained: dict[tuple[Document, int], int],
    pass_id: UUID,
    plan: Plan,
) -> None:
    for receipt in plan.receipts:
        document = Document("asn", receipt.asn_id)
        unit = units.get((document, receipt.epc_key))
        state: UnitState = "received" if receipt.change > 0 else "open"
        if unit is None or unit.state == state:
            continue
        units[(document, receipt.epc_key)] = replace(unit, state=state, pass_id=pass_id)
        mark = (document, receipt.line_no)
        gained[mark] = gained.get(mark, 0) + receipt.change
    keys = {change.handling_unit_id: change.epc_key for change in plan.handling}
    for entry in plan.loadings:
        document = Document("shipment", entry.shipment_id)
        key = keys.get(entry.handling_unit_id, "")
        unit = units.get((document, key))
        state = "loaded" if entry.loaded else "open"
        if unit is None or unit.state == state:
            continue
        units[(document, key)] = replace(unit, state=state, pass_id=pass_id)
        gained[(document, 0)] = gained.get((document, 0), 0) + (1 if entry.loaded else -1)


def _stranger(word: StrangerFact) -> UnitFact | None:
    state = _STRANGE.get(word.outcome)
    if state is None or word.reason in ("already_here", "not_here"):
        return None
    if word.outcome == "unknown" and word.epc_key.startswith("urn:"):
        return None
    return UnitFact(
        word.epc_key, state, sku=word.sku, pass_id=word.pass_id, reason=word.reason or word.outcome
    )


def summary_of(remainder: Remainder) -> dict[str, Any]:
    """What a closed visit keeps: totals and every tag that is not as announced."""
    odd = [unit for unit in remainder.units if unit.state in ("open", "over", "wrong")]
    return {
        "expected": remainder.expected,
        "received": remainder.received,
        "unposted": remainder.unposted,
        "over": remainder.over,
        "short": remainder.short,
        "wrong": remainder.wrong,
        "units": [_odd_unit(unit) for unit in odd],
    }


def _odd_unit(unit: UnitFact) -> dict[str, Any]:
    return {
        "key": unit.epc_key,
        "state": "short" if unit.state == "open" else unit.state,
        "sku": unit.sku,
        "handling_unit": unit.handling_unit,
        "pass_id": None if unit.pass_id is None else str(unit.pass_id),
        "reason": unit.reason,
    }


def short_documents(remainder: Remainder, documents: Iterable[Document]) -> list[Document]:
    """The documents with a line that is not complete."""
    owing = {line.document for line in remainder.lines if line.received < line.expected}
    return sorted(document for document in documents if document in owing)
