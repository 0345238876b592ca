"""The expected list of a portal at one moment: what its tags stand for, its visit, its modes.

A plain snapshot: `core.application.expected` builds it, `core.domain.passes.judge` reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from core.domain.stock import Place
from core.domain.tags import Claim, Document, HandlingUnitTag, UnitTag

Mode = Literal["observe", "propose", "book"]
Crossing = Literal["in", "out"]
RANK: Mapping[str, int] = {"observe": 0, "propose": 1, "book": 2}
ANY_OWNER = "*"


@dataclass(frozen=True, slots=True)
class OpenVisit:
    """The truck now at the portal and the documents it may carry."""

    visit_id: UUID
    opened_by: str
    documents: frozenset[Document]
    opened_at: int

    @property
    def takes_more(self) -> bool:
        """A visit that a pass opened takes more documents that fit; a person's list is closed."""
        return self.opened_by == "pass" or not self.documents


@dataclass(frozen=True, slots=True)
class Gate:
    """The places a portal joins, and the virtual ones its moves need."""

    portal: str
    door: Place
    inside: Place
    supplier: Place
    found: Place
    missing: Place
    discrepancy: Place


@dataclass(frozen=True, slots=True)
class Expected:
    """Everything `judge` may know; holders and contents of the handling units asked for are in it.

    Where a portal does not book, the places are those which the visit's unposted passes would have
    left behind, so that goods carried out and in again are told apart in every mode.
    """

    gate: Gate
    visit: OpenVisit | None
    units: Mapping[str, UnitTag]
    handling_units: Mapping[str, HandlingUnitTag]
    retired: frozenset[str] = frozenset()
    modes: Mapping[tuple[str, str], Mode] = field(default_factory=dict)
    suspected: frozenset[str] = frozenset()

    @property
    def portal(self) -> str:
        """The portal's name."""
        return self.gate.portal

    def knows(self, epc_key: str) -> bool:
        """Whether the key stands for a unit or handling unit of this site."""
        return epc_key in self.units or epc_key in self.handling_units

    def doubtful(self, epc_keys: Iterable[str]) -> frozenset[str]:
        """Tags under suspicion among these and what is known to be in them."""
        keys = set(epc_keys)
        held = (self.handling_units[key] for key in keys if key in self.handling_units)
        inside = {key for unit in held for key in (*unit.units, *unit.announced)}
        return self.suspected & (keys | inside)

    def claims(self, epc_key: str) -> tuple[Claim, ...]:
        """The live documents that name this tag."""
        tag = self.units.get(epc_key) or self.handling_units.get(epc_key)
        return () if tag is None else tag.claims

    def is_expected(self, epc_key: str) -> bool:
        """Whether a live document brings this tag here: a prior, never a crossing."""
        return any(self.fits(claim) for claim in self.claims(epc_key))

    def fits(self, claim: Claim) -> bool:
        """Whether the claim's document is of this portal's visit, or could open or join one."""
        visit = self.visit
        if visit is not None and claim.document in visit.documents:
            return True
        if visit is not None and not visit.takes_more:
            return False
        return claim.visit_id is None and claim.portal in (None, self.portal)

    def elsewhere(self, claim: Claim) -> str | None:
        """The other portal where the claim's document is open or bound, if there is one."""
        return claim.portal if claim.portal not in (None, self.portal) else None

    def mode(self, direction: Crossing, owners: Iterable[str]) -> Mode:
        """The most cautious mode among the owners of a load; a portal without a row observes."""
        found = [self._mode_of(direction, owner) for owner in owners]
        return min(found or [self._mode_of(direction, ANY_OWNER)], key=lambda mode: RANK[mode])

    def _mode_of(self, direction: Crossing, owner: str) -> Mode:
        general = self.modes.get((direction, ANY_OWNER), "observe")
        return self.modes.get((direction, owner), general)

    def holder(self, handling_unit_id: UUID | None) -> HandlingUnitTag | None:
        """The handling unit of this id, when the snapshot has it."""
        if handling_unit_id is None:
            return None
        found = (h for h in self.handling_units.values() if h.handling_unit_id == handling_unit_id)
        return next(found, None)
