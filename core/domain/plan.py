"""What a pass would move, as a document: stored beside the book until a person confirms it.

Reading a plan back gives the same moves; the book is touched by posting alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.domain.judgement import Handling, Judgement, Loading, Receipt
from core.domain.stock import Move, Place


@dataclass(frozen=True, slots=True)
class Plan:
    """The effects of one judgement on stock, receipts, handling units and shipments."""

    moves: tuple[Move, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    handling: tuple[Handling, ...] = ()
    loadings: tuple[Loading, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether booking it would change nothing."""
        return not (self.moves or self.receipts or self.handling or self.loadings)


def plan_of(judgement: Judgement) -> Plan:
    """The effects of a judgement."""
    return Plan(judgement.moves, judgement.receipts, judgement.handling, judgement.loadings)


def write_plan(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values."""
    return {
        "moves": [_write_move(move) for move in plan.moves],
        "receipts": [
            {
                "asn_id": str(r.asn_id),
                "line_no": r.line_no,
                "epc_key": r.epc_key,
                "change": r.change,
            }
            for r in plan.receipts
        ],
        "handling": [
            {
                "handling_unit_id": str(h.handling_unit_id),
                "epc_key": h.epc_key,
                "state": h.state,
                "place": None if h.place is None else _write_place(h.place),
                "parent_id": None if h.parent_id is None else str(h.parent_id),
            }
            for h in plan.handling
        ],
        "loadings": [
            {
                "shipment_id": str(entry.shipment_id),
                "handling_unit_id": str(entry.handling_unit_id),
                "loaded": entry.loaded,
            }
            for entry in plan.loadings
        ],
    }


def read_plan(document: Mapping[str, Sequence[Mapping[str, Any]]]) -> Plan:
    """The plan of a stored document."""
    return Plan(
        tuple(_read_move(entry) for entry in document.get("moves", ())),
        tuple(
            Receipt(UUID(e["asn_id"]), e["line_no"], e["epc_key"], e["change"])
            for e in document.get("receipts", ())
        ),
        tuple(
            Handling(
                UUID(e["handling_unit_id"]),
                e["epc_key"],
                e["state"],
                None if e["place"] is None else _read_place(e["place"]),
                _uuid(e["parent_id"]),
            )
            for e in document.get("handling", ())
        ),
        tuple(
            Loading(UUID(e["shipment_id"]), UUID(e["handling_unit_id"]), loaded=e["loaded"])
            for e in document.get("loadings", ())
        ),
    )


def _write_move(move: Move) -> dict[str, Any]:
    return {
        "owner_id": move.owner_id,
        "item_id": move.item_id,
        "lot_id": move.lot_id,
        "quantity": move.quantity,
        "origin": _write_place(move.origin),
        "target": _write_place(move.target),
        "biz_step": move.biz_step,
        "source_key": move.source_key,
        "occurred_at": move.occurred_at,
        "epc_key": move.epc_key,
        "pass_id": None if move.pass_id is None else str(move.pass_id),
        "reverses_move_id": move.reverses_move_id,
    }


def _read_move(entry: Mapping[str, Any]) -> Move:
    return Move(
        owner_id=entry["owner_id"],
        item_id=entry["item_id"],
        lot_id=entry["lot_id"],
        quantity=entry["quantity"],
        origin=_read_place(entry["origin"]),
        target=_read_place(entry["target"]),
        biz_step=entry["biz_step"],
        cause="pass",
        cause_id=entry["pass_id"] or "",
        source="pass",
        source_key=entry["source_key"],
        occurred_at=entry["occurred_at"],
        epc_key=entry["epc_key"],
        pass_id=_uuid(entry["pass_id"]),
        reverses_move_id=entry["reverses_move_id"],
    )


def _write_place(place: Place) -> dict[str, Any]:
    return {
        "location_id": place.location_id,
        "kind": place.kind,
        "handling_unit_id": None if place.handling_unit_id is None else str(place.handling_unit_id),
        "status": place.status,
    }


def _read_place(entry: Mapping[str, Any]) -> Place:
    return Place(
        entry["location_id"], entry["kind"], _uuid(entry["handling_unit_id"]), entry["status"]
    )


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)
