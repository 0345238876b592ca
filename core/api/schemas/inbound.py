"""Bodies of inbound, doors and floor work, and how a visit's remainder is shown."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from core.api.fields import (
    Body,
    ExternalId,
    Instant,
    Note,
    Quantity,
    Sku,
    choice,
    fail,
    no_repeats,
    text,
    whole,
)
from core.api.schemas.absent import ABSENT
from core.domain.judgement import Judgement
from core.domain.tags import Document
from core.domain.visits import LineFact, Remainder, UnitFact

Key = Annotated[str, text(160)]
Code = Annotated[str, text(64)]
Scope = Annotated[str, text(64)]
LineNo = Annotated[int, whole(1, 100_000)]
Units = Annotated[int, whole(0, 1_000_000)]


class AsnLineIn(Body):
    """A line of an ASN: base units of an item."""

    line_no: LineNo = Field(default=ABSENT)
    sku: Sku
    quantity: Quantity
    lot: Annotated[str, text(64)] = Field(default=ABSENT)
    expires_at: Instant = Field(default=ABSENT)

    @model_validator(mode="after")
    def _dated_lot(self) -> AsnLineIn:
        if self.expires_at is not None and self.lot is None:
            raise fail("required", "A date of expiry belongs to a lot: name it.")
        return self


class ContentIn(Body):
    """One announced tag: EPC in hex, key, URN or element string, and its item."""

    epc: Key
    line_no: LineNo = Field(default=ABSENT)
    sku: Sku = Field(default=ABSENT)


class HandlingUnitIn(Body):
    """An announced pallet or carton by its SSCC, and the tags in it."""

    key: Key
    kind: Annotated[str, choice("pallet", "carton")] = Field(default="pallet")
    contents: list[ContentIn] = Field(default_factory=list, max_length=5000)


class AsnIn(Body):
    """An announced delivery: by lines, by handling units with their tags, or by loose tags."""

    external_asn_id: ExternalId
    supplier: Annotated[str, text(128)] = Field(default=ABSENT)
    expected_at: Instant = Field(default=ABSENT)
    lines: list[AsnLineIn] = Field(default_factory=list, max_length=1000)
    handling_units: list[HandlingUnitIn] = Field(default_factory=list, max_length=500)
    epcs: list[ContentIn] = Field(default_factory=list, max_length=5000)
    site: Scope = Field(default=ABSENT)
    owner: Scope = Field(default=ABSENT)


class ReceiptLineIn(Body):
    """Goods that a person counted."""

    sku: Sku
    quantity: Quantity
    location: Code = Field(default=ABSENT)


class ReceiveIn(Body):
    """A receipt by hand."""

    lines: list[ReceiptLineIn] = Field(min_length=1, max_length=500)


class VisitIn(Body):
    """A truck at a door, and the documents it may carry."""

    portal: Code
    truck: Annotated[str, text(64)] = Field(default=ABSENT)
    asn_ids: Annotated[list[Annotated[str, text(36)]], no_repeats()] = Field(
        default_factory=list, max_length=100
    )
    shipment_ids: Annotated[list[Annotated[str, text(36)]], no_repeats()] = Field(
        default_factory=list, max_length=100
    )
    site: Scope = Field(default=ABSENT)


class CloseIn(Body):
    """How a visit closes: `more_expected` keeps short ASNs open, `force` leaves passes behind."""

    more_expected: bool = False
    force: bool = False


class ScanIn(Body):
    """A handheld's load scan."""

    code: Key
    direction: Annotated[str, choice("in", "out")]


class SettleIn(Body):
    """What an undecided pass was."""

    state: Annotated[str, choice("in", "out", "not_crossed")]


class ModeIn(Body):
    """How much a portal may do by itself, for a direction and an owner (all when left out)."""

    direction: Annotated[str, choice("in", "out")]
    owner: Scope = Field(default=ABSENT)
    mode: Annotated[str, choice("observe", "propose", "book")]


class NextTaskIn(Body):
    """Who asks for what kind of work."""

    kind: Annotated[str, choice("putaway", "replenishment", "discrepancy", "put_back", "count")]
    worker: Annotated[str, text(64)]


class ConfirmTaskIn(Body):
    """Where the goods went, and how many, if not as the task says."""

    location: Code = Field(default=ABSENT)
    quantity: Units = Field(default=ABSENT)


class ReasonIn(Body):
    """Why."""

    reason: Note = Field(default=ABSENT)


class DiscardIn(Body):
    """Why a dead letter is given up or driven again."""

    reason: Note


def show_document(document: Document | None) -> dict[str, str] | None:
    """An ASN or shipment by kind and id."""
    if document is None:
        return None
    return {"kind": document.kind, "id": str(document.document_id)}


def show_remainder(remainder: Remainder, *, with_units: str = "all") -> dict[str, Any]:
    """Totals, lines and (unless `none`) tags of a visit."""
    shown: dict[str, Any] = {
        "expected": remainder.expected,
        "received": remainder.received,
        "unposted": remainder.unposted,
        "over": remainder.over,
        "short": remainder.short,
        "wrong": remainder.wrong,
        "lines": [_line(line) for line in remainder.lines],
    }
    if with_units != "none":
        shown["units"] = [_unit(unit) for unit in remainder.units]
    return shown


def _line(line: LineFact) -> dict[str, Any]:
    return {
        "document": show_document(line.document),
        "line_no": line.line_no,
        "sku": line.sku,
        "expected": line.expected,
        "received": line.received,
        "short": max(0, line.expected - line.received),
        "over": max(0, line.received - line.expected),
    }


def _unit(unit: UnitFact) -> dict[str, Any]:
    return {
        "key": unit.epc_key,
        "state": unit.state,
        "document": show_document(unit.document),
        "line_no": unit.line_no,
        "sku": unit.sku,
        "handling_unit": unit.handling_unit,
        "pass_id": None if unit.pass_id is None else str(unit.pass_id),
        "reason": unit.reason,
    }


def show_judgement(judgement: Judgement) -> dict[str, Any]:
    """A verdict with its tags."""
    return {
        "verdict": judgement.verdict,
        "light": judgement.light,
        "tags": [
            {"key": tag.epc_key, "outcome": tag.outcome, "reason": tag.reason}
            for tag in judgement.tags
        ],
    }
