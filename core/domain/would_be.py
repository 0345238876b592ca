"""The expected list as it would be had the visit's unposted passes been posted.

So a portal that only observes or proposes still knows a pallet that goes out and comes in again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from core.domain.expected import Expected
from core.domain.plan import Plan
from core.domain.stock import Move
from core.domain.tags import Claim, Document, HandlingUnitTag, Past, UnitTag

_AWAY = {"supplier": "announced", "customer": "gone"}


def as_it_would_be(expected: Expected, plans: Iterable[Plan]) -> Expected:
    """The snapshot after these plans, oldest first; owners whose portal books are left alone."""
    units, holders = dict(expected.units), dict(expected.handling_units)
    keys: dict[UUID | None, str] = {h.handling_unit_id: key for key, h in holders.items()}
    for plan in plans:
        moves = [move for move in plan.moves if not _books(expected, move.owner_id)]
        for move in moves:
            if move.epc_key in units:
                units[move.epc_key] = _moved(units[move.epc_key], move)
                _rehouse(holders, keys, move)
            elif move.epc_key is None and move.target.handling_unit_id in keys:
                key = keys[move.target.handling_unit_id]
                holders[key] = _carried(holders[key], move)
        touched = {move.owner_id for move in moves}
        for change in plan.handling:
            held = holders.get(change.epc_key)
            if held is not None and (held.owner_id is None or held.owner_id in touched):
                holders[change.epc_key] = replace(
                    held, state=change.state, place=change.place, parent_id=change.parent_id
                )
        _note_documents(units, holders, keys, plan)
    return replace(expected, units=units, handling_units=holders)


def _books(expected: Expected, owner_id: str) -> bool:
    return "book" in (expected.mode("in", [owner_id]), expected.mode("out", [owner_id]))


def _moved(unit: UnitTag, move: Move) -> UnitTag:
    back = move.source_key.endswith("/back")
    away = move.target.is_virtual
    return replace(
        unit,
        place=None if away else move.target,
        state=_AWAY.get(move.target.kind, "missing") if away else "present",
        came=None if back else Past(0, move),
    )


def _rehouse(holders: dict[str, HandlingUnitTag], keys: dict[UUID | None, str], move: Move) -> None:
    old = keys.get(move.origin.handling_unit_id)
    new = keys.get(move.target.handling_unit_id)
    if move.epc_key is None or old == new:
        return
    if old is not None:
        left = tuple(key for key in holders[old].units if key != move.epc_key)
        holders[old] = replace(holders[old], units=left)
    if new is not None and not move.target.is_virtual:
        holders[new] = replace(holders[new], units=(*holders[new].units, move.epc_key))


def _carried(holder: HandlingUnitTag, move: Move) -> HandlingUnitTag:
    if move.source_key.endswith("/back"):
        return replace(holder, came=())
    return replace(holder, came=(*holder.came, Past(0, move)))


def _note_documents(
    units: dict[str, UnitTag],
    holders: dict[str, HandlingUnitTag],
    keys: dict[UUID | None, str],
    plan: Plan,
) -> None:
    for receipt in plan.receipts:
        unit = units.get(receipt.epc_key)
        if unit is not None:
            document = Document("asn", receipt.asn_id)
            units[receipt.epc_key] = replace(
                unit, claims=_done(unit.claims, document, done=receipt.change > 0)
            )
    for entry in plan.loadings:
        key = keys.get(entry.handling_unit_id)
        if key is not None:
            document = Document("shipment", entry.shipment_id)
            holders[key] = replace(
                holders[key], claims=_done(holders[key].claims, document, done=entry.loaded)
            )


def _done(claims: tuple[Claim, ...], document: Document, *, done: bool) -> tuple[Claim, ...]:
    return tuple(replace(c, done=done) if c.document == document else c for c in claims)
