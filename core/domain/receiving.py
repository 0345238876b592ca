"""What an inward load does: announced goods are received, loaded ones come back, strangers wait.

Of an announced handling unit only what was read is received; what is not booked anywhere goes from
the virtual `found` place to `discrepancy` with a task.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from core.domain.judgement import Notice, Receipt, Work
from core.domain.load import Draft, relocated
from core.domain.loading import put_down_loaded
from core.domain.stock import Place
from core.domain.tags import Claim, HandlingUnitTag, UnitTag


def judge_inward(draft: Draft) -> None:
    """Say and plan for every tag of a load that came in."""
    for root in draft.roots():
        _handling_unit(draft, root, root=True)
    loose: Counter[tuple[str, int, int | None]] = Counter()
    for key in sorted(draft.crossed & draft.expected.units.keys()):
        if key not in draft.outcomes:
            _loose_unit(draft, draft.expected.units[key], loose)
    for (owner_id, item_id, lot_id), quantity in sorted(loose.items(), key=str):
        inside = draft.expected.gate.inside.location_id
        draft.work.append(Work("putaway", owner_id, quantity, inside, item_id, lot_id))


def _handling_unit(draft: Draft, unit: HandlingUnitTag, *, root: bool) -> None:
    gate = draft.expected.gate
    if unit.place is None:
        _arriving(draft, unit, root=root)
    elif unit.place.location_id == gate.door.location_id:
        put_down_loaded(draft, unit)
    else:
        _already_here(draft, unit)


def _arriving(draft: Draft, unit: HandlingUnitTag, *, root: bool) -> None:
    gate = draft.expected.gate
    if unit.state == "gone" and unit.kind == "tote":
        draft.say_read(unit.epc_key, "matched", "returned")
        draft.put(unit, "open", gate.inside, root=root)
        return
    claim = draft.fitting(unit.claims, "asn")
    if claim is None or unit.state != "announced":
        if unit.epc_key in draft.crossed:
            draft.stranger(unit.epc_key, unit.claims, unit.owner_id)
        return
    draft.use(claim)
    draft.say_read(unit.epc_key, "matched")
    draft.put(unit, "closed", gate.inside, root=root)
    received = _receive_contents(draft, unit)
    if received and root:
        draft.work.append(
            Work(
                "putaway",
                unit.owner_id,
                received,
                gate.inside.location_id,
                handling_unit_id=unit.handling_unit_id,
            )
        )
    for child in draft.children(unit):
        _handling_unit(draft, child, root=False)


def _receive_contents(draft: Draft, unit: HandlingUnitTag) -> int:
    """Receive the announced contents that were read; say `missing` for the others."""
    gate = draft.expected.gate
    target = replace(gate.inside, handling_unit_id=unit.handling_unit_id)
    waiting = [u for key in unit.announced if (u := draft.expected.units.get(key)) is not None]
    waiting = [u for u in waiting if u.place is None and _open_claim(draft, u) is not None]
    received, unread = 0, 0
    for inner in waiting:
        claim = _open_claim(draft, inner)
        if claim is None:
            continue
        if inner.epc_key in draft.crossed:
            _receive(draft, inner, claim, target)
            received += 1
        else:
            draft.say(inner.epc_key, "missing", "announced")
            unread += 1
    if unread:
        draft.notices.append(missing_notice(draft, unit, unread, len(waiting)))
    else:
        draft.cleared.append(unit.epc_key)
    return received


def _open_claim(draft: Draft, unit: UnitTag) -> Claim | None:
    return draft.fitting(tuple(c for c in unit.claims if not c.done), "asn")


def _receive(draft: Draft, unit: UnitTag, claim: Claim, target: Place) -> None:
    draft.use(claim)
    draft.say(unit.epc_key, "matched")
    draft.move_unit(unit, draft.expected.gate.supplier, target, "receiving")
    draft.receipts.append(Receipt(claim.document.document_id, claim.line_no or 0, unit.epc_key, 1))
    draft.cleared.append(unit.epc_key)


def _already_here(draft: Draft, unit: HandlingUnitTag) -> None:
    """The book has it inside already: nothing moves but what its announcement still owes."""
    ours = any(c.done or draft.expected.fits(c) for c in unit.claims)
    _receive_contents(draft, unit)
    for inner in draft.tree(unit):
        for key in (inner.epc_key, *inner.units):
            if key in draft.crossed:
                draft.say(key, "matched" if ours else "unexpected", "already_here")
    if not ours:
        draft.notices.append(_already_notice(draft, unit.epc_key, unit.owner_id))


def _loose_unit(draft: Draft, unit: UnitTag, loose: Counter[tuple[str, int, int | None]]) -> None:
    gate = draft.expected.gate
    if unit.place is None:
        claim = _open_claim(draft, unit)
        if claim is not None:
            _receive(draft, unit, claim, gate.inside)
            loose[(unit.owner_id, unit.item_id, unit.lot_id)] += 1
        else:
            _found(draft, unit)
    elif unit.place.location_id == gate.door.location_id:
        draft.cleared.append(unit.epc_key)
        if unit.came is not None:
            draft.say(unit.epc_key, "matched", "carried_back")
            draft.move_back(unit.came, "void_shipping")
        else:
            draft.say(unit.epc_key, "unexpected", "left_at_door")
            draft.move_unit(unit, unit.place, relocated(unit.place, gate.inside), "receiving")
    elif unit.came is not None or any(c.done for c in unit.claims):
        draft.say(unit.epc_key, "matched", "already_here")
    else:
        draft.say(unit.epc_key, "unexpected", "already_here")
        draft.notices.append(_already_notice(draft, unit.epc_key, unit.owner_id))


def _found(draft: Draft, unit: UnitTag) -> None:
    """A known unit that the book does not have here: to `discrepancy`, with a task."""
    gate = draft.expected.gate
    draft.stranger(unit.epc_key, unit.claims, unit.owner_id)
    origin = gate.missing if unit.state == "missing" else gate.found
    draft.move_unit(unit, origin, gate.discrepancy, "receiving")
    draft.work.append(
        Work(
            "discrepancy",
            unit.owner_id,
            1,
            gate.discrepancy.location_id,
            unit.item_id,
            unit.lot_id,
            epc_key=unit.epc_key,
            reason=draft.outcomes[unit.epc_key].outcome,
        )
    )


def missing_notice(draft: Draft, unit: HandlingUnitTag, unread: int, known: int) -> Notice:
    """The exception for a handling unit that went through without all that it should hold."""
    return Notice(
        "pass.missing",
        "warning",
        unit.epc_key,
        f"{unread} of {known} known contents were not read at {draft.expected.portal}.",
        unit.owner_id,
        {"portal": draft.expected.portal, "unread": str(unread)},
    )


def _already_notice(draft: Draft, subject: str, owner_id: str | None) -> Notice:
    return Notice(
        "pass.unexpected",
        "warning",
        subject,
        f"Came in through {draft.expected.portal} but is booked inside already.",
        owner_id,
        {"portal": draft.expected.portal},
    )
