"""A load while it is being judged: which handling units it carries, and what has been said so far.

A handling unit is carried when its own tag crossed, or enough of what it holds did.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from uuid import UUID

from core.domain.expected import Expected
from core.domain.judgement import Handling, Loading, Notice, Outcome, Receipt, TagOutcome, Work
from core.domain.stock import Move, Place, reverse
from core.domain.tags import Claim, Document, DocumentKind, HandlingUnitTag, Past, UnitTag, Untagged


def relocated(held: Place, place: Place) -> Place:
    """The same holder and status at another location."""
    return replace(held, location_id=place.location_id, kind=place.kind)


@dataclass(slots=True)
class Draft:
    """What is known of the load and what is decided so far; the first word on a tag stays."""

    expected: Expected
    crossed: frozenset[str]
    pass_id: UUID
    occurred_at: int
    actor: str | None
    outcomes: dict[str, TagOutcome] = field(default_factory=dict)
    documents: set[Document] = field(default_factory=set)
    moves: list[Move] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    loadings: list[Loading] = field(default_factory=list)
    handling: list[Handling] = field(default_factory=list)
    work: list[Work] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def say(self, epc_key: str, outcome: Outcome, reason: str | None = None) -> None:
        """Set the outcome of a tag unless it has one."""
        self.outcomes.setdefault(epc_key, TagOutcome(epc_key, outcome, reason))

    def say_read(self, epc_key: str, outcome: Outcome, reason: str | None = None) -> None:
        """The outcome of a tag that goes with the load: `not_seen` when it was not read."""
        if epc_key in self.crossed:
            self.say(epc_key, outcome, reason)
        else:
            self.say(epc_key, "not_seen", reason)

    def fitting(self, claims: tuple[Claim, ...], kind: DocumentKind) -> Claim | None:
        """The claim of a document of this kind that this portal's visit carries or may take."""
        found = (c for c in claims if c.document.kind == kind and self.expected.fits(c))
        return next(found, None)

    def use(self, claim: Claim) -> None:
        """The visit carries the document of this claim."""
        self.documents.add(claim.document)

    def children(self, unit: HandlingUnitTag) -> list[HandlingUnitTag]:
        """What the handling unit holds directly, by key."""
        held = self.expected.handling_units.values()
        inner = [h for h in held if h.parent_id == unit.handling_unit_id]
        return sorted(inner, key=lambda h: h.epc_key)

    def tree(self, root: HandlingUnitTag) -> Iterator[HandlingUnitTag]:
        """The handling unit and all that it holds, outermost first."""
        yield root
        for child in self.children(root):
            yield from self.tree(child)

    def units_of(self, unit: HandlingUnitTag) -> list[UnitTag]:
        """The serialised units that the book says are in this handling unit."""
        return [self.expected.units[key] for key in unit.units if key in self.expected.units]

    def is_carried(self, unit: HandlingUnitTag) -> bool:
        """Whether the load carries this handling unit (own tag, or its contents speak for it)."""
        if unit.epc_key in self.crossed:
            return True
        inner = set(unit.units) | set(unit.announced)
        seen = len(inner & self.crossed)
        if unit.kind != "pallet":
            return seen > 0
        children = self.children(unit)
        carried = sum(self.is_carried(child) for child in children)
        return 2 * (seen + carried) > len(inner) + len(children) and seen + carried > 0

    def roots(self) -> list[HandlingUnitTag]:
        """The outermost handling units of the load, by key."""
        held = self.expected.handling_units.values()
        carried = [unit for unit in held if self.is_carried(unit)]
        ids = {unit.handling_unit_id for unit in carried}
        return sorted((u for u in carried if u.parent_id not in ids), key=lambda u: u.epc_key)

    def put(self, unit: HandlingUnitTag, state: str, place: Place | None, *, root: bool) -> None:
        """Record the new state and place; the root of a load has left whatever held it before."""
        parent = None if root else unit.parent_id
        self.handling.append(Handling(unit.handling_unit_id, unit.epc_key, state, place, parent))

    def move_unit(self, unit: UnitTag, origin: Place, target: Place, biz_step: str) -> None:
        """Move one serialised unit."""
        self._move(
            unit.owner_id,
            unit.item_id,
            unit.lot_id,
            1,
            origin,
            target,
            biz_step,
            unit.epc_key,
            unit.epc_key,
        )

    def move_untagged(
        self, holder: HandlingUnitTag, stock: Untagged, origin: Place, target: Place, biz_step: str
    ) -> None:
        """Move stock without serials with the handling unit that holds it."""
        mark = f"{stock.owner_id}.{stock.item_id}.{stock.lot_id or 0}.{stock.status}"
        self._move(
            stock.owner_id,
            stock.item_id,
            stock.lot_id,
            stock.quantity,
            replace(origin, status=stock.status),
            replace(target, status=stock.status),
            biz_step,
            None,
            f"{holder.epc_key}/{mark}",
        )

    def move_back(self, past: Past, biz_step: str) -> Move:
        """Reverse a move of this visit under `{its key}/back`; this pass is its cause."""
        back = reverse(
            past.move,
            source_key=f"{past.move.source_key}/back",
            occurred_at=self.occurred_at,
            reverses_move_id=past.move_id or None,
        )
        back = replace(
            back,
            pass_id=self.pass_id,
            cause_id=str(self.pass_id),
            biz_step=biz_step,
            actor=self.actor,
        )
        self.moves.append(back)
        return back

    def _move(
        self,
        owner_id: str,
        item_id: int,
        lot_id: int | None,
        quantity: int,
        origin: Place,
        target: Place,
        biz_step: str,
        epc_key: str | None,
        mark: str,
    ) -> None:
        self.moves.append(
            Move(
                owner_id=owner_id,
                item_id=item_id,
                lot_id=lot_id,
                quantity=quantity,
                origin=origin,
                target=target,
                biz_step=biz_step,
                cause="pass",
                cause_id=str(self.pass_id),
                source="pass",
                source_key=f"{self.pass_id}/{mark}",
                occurred_at=self.occurred_at,
                epc_key=epc_key,
                pass_id=self.pass_id,
                actor=self.actor,
            )
        )

    def stranger(self, epc_key: str, claims: tuple[Claim, ...], owner_id: str | None) -> None:
        """A known tag that does not belong to this door's visit: wrong door, or unexpected."""
        doors = [door for door in map(self.expected.elsewhere, claims) if door is not None]
        here = self.expected.portal
        if doors:
            self.say(epc_key, "wrong_door", doors[0])
            self.notices.append(
                Notice(
                    "pass.wrong_door",
                    "critical",
                    epc_key,
                    f"Went through {here} but belongs to {doors[0]}.",
                    owner_id,
                    {"portal": here, "belongs_to": doors[0]},
                )
            )
            return
        self.say(epc_key, "unexpected", "not_in_visit" if claims else "not_on_list")
        self.notices.append(
            Notice(
                "pass.unexpected",
                "warning",
                epc_key,
                f"Went through {here} and no document of the visit names it.",
                owner_id,
                {"portal": here},
            )
        )
