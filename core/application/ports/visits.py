"""What the use cases of door visits need of storage: visits, their documents, what is open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from core.domain.tags import Document
from core.domain.visits import VisitFacts


@dataclass(frozen=True, slots=True)
class VisitRecord:
    """One truck at one door."""

    visit_id: UUID
    portal: str
    state: str
    opened_by: str
    opened_at: int
    documents: frozenset[Document]
    summary: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ShipmentProgress:
    """A shipment at the door: its state and how much of it is on the truck."""

    shipment_id: UUID
    owner_id: str
    state: str
    portal: str | None
    units: int
    loaded: int


class VisitStore(Protocol):
    """Door visits of one site inside one transaction."""

    async def lock(self, visit_id: UUID) -> VisitRecord:
        """Lock and load a visit; not-found otherwise."""

    async def lock_open(self, portal: str) -> VisitRecord | None:
        """Lock and load the visit now at a portal."""

    async def open(
        self, visit_id: UUID, *, portal: str, truck: str | None, opened_by: str, now: int
    ) -> None:
        """Insert an open visit; the portal must be free."""

    async def add_documents(self, visit_id: UUID, documents: Iterable[Document]) -> None:
        """Name documents that the visit carries; one named already stays."""

    async def taken(self, documents: Iterable[Document]) -> dict[Document, str]:
        """Those documents which an open visit names, with its portal."""

    async def known(self, documents: Iterable[Document]) -> dict[Document, str]:
        """Those documents which exist here, with their state."""

    async def unsettled(self, visit: VisitRecord) -> dict[str, int]:
        """Passes that keep the visit from closing: open at its portal, undecided, proposed."""

    async def facts(self, visit_id: UUID) -> VisitFacts:
        """What the remainder is computed from."""

    async def set_state(
        self, visit_id: UUID, state: str, *, actor: str, now: int, summary: Mapping[str, Any] | None
    ) -> None:
        """Write the state; with a summary, the end of the visit too."""

    async def shipments(self, documents: Iterable[Document]) -> Sequence[ShipmentProgress]:
        """The shipments among these documents, by id; not locked."""

    async def strangers(self, visit_id: UUID) -> int:
        """Handling units and units on the truck that no shipment of the visit names."""
