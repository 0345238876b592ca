"""What an outward load does: shipments are loaded, received goods go back, strangers are held.

A handling unit moves with all that it holds; only what was read of a shipment counts as loaded.
"""

from __future__ import annotations

from dataclasses import replace

from core.domain.judgement import Loading, Notice, Receipt
from core.domain.load import Draft, relocated
from core.domain.states import HANDLING_UNIT
from core.domain.stock import Place
from core.domain.tags import Claim, HandlingUnitTag, UnitTag


def judge_outward(draft: Draft) -> None:
    """Say and plan for every tag of a load that went out."""
    for root in draft.roots():
        _handling_unit(draft, root)
    for key in sorted(draft.crossed & draft.expected.units.keys()):
        if key not in draft.outcomes:
            _loose_unit(draft, draft.expected.units[key])


def _handling_unit(draft: Draft, root: HandlingUnitTag) -> None:
    gate = draft.expected.gate
    if root.place is None:
        if draft.fitting(root.claims, "asn") is not None:
            _say_all(draft, root, "carried_back")
        elif root.epc_key in draft.crossed:
            draft.stranger(root.epc_key, root.claims, root.owner_id)
    elif root.place.location_id == gate.door.location_id:
        _stands_at_door(draft, root)
    elif _was_received(draft, root):
        _carry_back(draft, root)
    elif _shipment_claims(draft, root):
        _load(draft, root)
    else:
        _strange_root(draft, root)


def _stands_at_door(draft: Draft, root: HandlingUnitTag) -> None:
    """Out through the door where the book has it already: nothing moves.

    Loaded before if it belongs here, else a stranger once more: standing at a door is no right to
    leave by it.
    """
    if not _shipment_claims(draft, root) and not _was_received(draft, root):
        claims = tuple(claim for unit in draft.tree(root) for claim in unit.claims)
        draft.stranger(root.epc_key, claims, root.owner_id)
        draft.strangers.append(root.epc_key)
        return
    for unit in draft.tree(root):
        fits = draft.fitting(unit.claims, "shipment") is not None
        if not fits and any(draft.expected.elsewhere(claim) for claim in unit.claims):
            draft.stranger(unit.epc_key, unit.claims, unit.owner_id)
            draft.strangers.append(unit.epc_key)
    _say_all(draft, root, "already_loaded")
    _mark_read(draft, root)


def _was_received(draft: Draft, root: HandlingUnitTag) -> bool:
    """Whether a pass of this visit received what is in it."""
    for unit in draft.tree(root):
        pasts = [*unit.came, *(u.came for u in draft.units_of(unit) if u.came is not None)]
        if any(past.move.origin.is_virtual for past in pasts):
            return True
    return any(c.document.kind == "asn" and c.done and draft.expected.fits(c) for c in root.claims)


def _shipment_claims(draft: Draft, root: HandlingUnitTag) -> list[Claim]:
    claims = (draft.fitting(unit.claims, "shipment") for unit in draft.tree(root))
    return [claim for claim in claims if claim is not None]


def _load(draft: Draft, root: HandlingUnitTag) -> None:
    door = draft.expected.gate.door
    unread = 0
    for unit in draft.tree(root):
        claim = draft.fitting(unit.claims, "shipment")
        if claim is not None:
            draft.use(claim)
            if _is_read(draft, unit):
                draft.say(unit.epc_key, "matched")
                draft.loadings.append(_loading(claim, unit, loaded=True))
                draft.cleared.append(unit.epc_key)
            else:
                draft.say(unit.epc_key, "missing", "shipment")
                unread += 1
        elif any(draft.expected.elsewhere(c) for c in unit.claims):
            draft.stranger(unit.epc_key, unit.claims, unit.owner_id)
            draft.strangers.append(unit.epc_key)
        _take_along(draft, unit, door, "loading", "loaded", root=unit is root)
    if unread:
        claimed = len(_shipment_claims(draft, root))
        draft.notices.append(_unread_notice(draft, root, unread, claimed))


def _mark_read(draft: Draft, root: HandlingUnitTag) -> None:
    """On the truck already: what is read only now counts as loaded now."""
    for unit in draft.tree(root):
        claim = draft.fitting(unit.claims, "shipment")
        if claim is not None and not claim.done and _is_read(draft, unit):
            draft.loadings.append(_loading(claim, unit, loaded=True))
            draft.cleared.append(unit.epc_key)


def _is_read(draft: Draft, unit: HandlingUnitTag) -> bool:
    if unit.epc_key in draft.crossed or any(key in draft.crossed for key in unit.units):
        return True
    return any(_is_read(draft, child) for child in draft.children(unit))


def _take_along(
    draft: Draft, unit: HandlingUnitTag, place: Place, step: str, state: str, *, root: bool
) -> None:
    """Move a handling unit's own contents (not those of its children) and say what was read."""
    if unit.place is None:
        return
    draft.say_read(unit.epc_key, "matched")
    for inner in draft.units_of(unit):
        if inner.place is None:
            continue
        draft.say_read(inner.epc_key, "matched")
        draft.move_unit(inner, inner.place, relocated(inner.place, place), step)
    holder = replace(unit.place, handling_unit_id=unit.handling_unit_id)
    for stock in unit.untagged:
        draft.move_untagged(unit, stock, holder, relocated(holder, place), step)
    allowed = HANDLING_UNIT.allows(unit.state, state)
    draft.put(unit, state if allowed else unit.state, place, root=root)


def _carry_back(draft: Draft, root: HandlingUnitTag) -> None:
    """Received within this visit and taken out again: every receipt is reversed."""
    for unit in draft.tree(root):
        draft.say_read(unit.epc_key, "matched", "carried_back")
        for inner in draft.units_of(unit):
            draft.say_read(inner.epc_key, "matched", "carried_back")
            _unreceive(draft, inner)
        for past in unit.came:
            draft.move_back(past, "void_shipping")
        draft.cleared.append(unit.epc_key)
        back = HANDLING_UNIT.allows(unit.state, "announced")
        if back:
            draft.put(unit, "announced", None, root=unit is root)


def _unreceive(draft: Draft, unit: UnitTag) -> None:
    if unit.came is None:
        if unit.place is not None:
            draft.move_unit(
                unit, unit.place, relocated(unit.place, draft.expected.gate.door), "loading"
            )
        return
    draft.move_back(unit.came, "void_shipping")
    draft.cleared.append(unit.epc_key)
    for claim in unit.claims:
        if claim.document.kind == "asn" and claim.done:
            draft.receipts.append(
                Receipt(claim.document.document_id, claim.line_no or 0, unit.epc_key, -1)
            )
            return


def _strange_root(draft: Draft, root: HandlingUnitTag) -> None:
    """Held stock that leaves without a document here: booked where it is, exception raised."""
    claims = tuple(claim for unit in draft.tree(root) for claim in unit.claims)
    draft.stranger(root.epc_key, claims, root.owner_id)
    draft.strangers.append(root.epc_key)
    door = draft.expected.gate.door
    for unit in draft.tree(root):
        _take_along(draft, unit, door, "loading", unit.state, root=unit is root)


def _loose_unit(draft: Draft, unit: UnitTag) -> None:
    gate = draft.expected.gate
    if unit.place is None:
        if draft.fitting(unit.claims, "asn") is not None:
            draft.say(unit.epc_key, "matched", "carried_back")
        else:
            draft.stranger(unit.epc_key, unit.claims, unit.owner_id)
    elif unit.place.location_id == gate.door.location_id:
        if any(draft.expected.fits(claim) for claim in unit.claims):
            draft.say(unit.epc_key, "matched", "already_loaded")
        else:
            draft.stranger(unit.epc_key, unit.claims, unit.owner_id)
            draft.strangers.append(unit.epc_key)
    elif unit.came is not None and unit.came.move.origin.is_virtual:
        draft.say(unit.epc_key, "matched", "carried_back")
        _unreceive(draft, unit)
    else:
        holder = draft.expected.holder(unit.place.handling_unit_id)
        draft.stranger(unit.epc_key, unit.claims + (holder.claims if holder else ()), unit.owner_id)
        draft.strangers.append(unit.epc_key)
        target = Place(gate.door.location_id, gate.door.kind, None, unit.place.status)
        draft.move_unit(unit, unit.place, target, "loading")


def put_down_loaded(draft: Draft, root: HandlingUnitTag) -> None:
    """Off the truck again: what was loaded in this visit returns to where it was staged."""
    gate = draft.expected.gate
    for unit in draft.tree(root):
        origin = gate.inside
        draft.say_read(unit.epc_key, "matched", "carried_back")
        for inner in draft.units_of(unit):
            draft.say_read(inner.epc_key, "matched", "carried_back")
            if inner.came is not None:
                origin = draft.move_back(inner.came, "void_shipping").target
            elif inner.place is not None:
                draft.move_unit(
                    inner, inner.place, relocated(inner.place, gate.inside), "void_shipping"
                )
        for past in unit.came:
            origin = draft.move_back(past, "void_shipping").target
        if unit.untagged and not unit.came and unit.place is not None:
            holder = replace(unit.place, handling_unit_id=unit.handling_unit_id)
            for stock in unit.untagged:
                draft.move_untagged(
                    unit, stock, holder, relocated(holder, gate.inside), "void_shipping"
                )
        draft.cleared.append(unit.epc_key)
        staged = HANDLING_UNIT.allows(unit.state, "staged")
        place = replace(origin, handling_unit_id=None, status="available")
        draft.put(unit, "staged" if staged else unit.state, place, root=unit is root)
        for claim in unit.claims:
            if claim.document.kind == "shipment" and claim.done:
                draft.loadings.append(_loading(claim, unit, loaded=False))


def _say_all(draft: Draft, root: HandlingUnitTag, reason: str) -> None:
    for unit in draft.tree(root):
        for key in (unit.epc_key, *unit.units, *unit.announced):
            if key in draft.crossed:
                draft.say(key, "matched", reason)


def _loading(claim: Claim, unit: HandlingUnitTag, *, loaded: bool) -> Loading:
    return Loading(claim.document.document_id, unit.handling_unit_id, loaded)


def _unread_notice(draft: Draft, root: HandlingUnitTag, unread: int, known: int) -> Notice:
    return Notice(
        "pass.missing",
        "warning",
        root.epc_key,
        f"{unread} of {known} cartons of the shipment were not read at {draft.expected.portal}.",
        root.owner_id,
        {"portal": draft.expected.portal, "unread": str(unread)},
    )
