"""Read side of inbound, doors, work and devices: rows as the interface shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from core.domain.portal_report import PortalReport

Row = dict[str, Any]
Owners = Sequence[str] | None
After = tuple[int, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PassFilter:
    """Which passes to list."""

    portal: str | None = None
    state: str | None = None
    booking: str | None = None
    visit_id: UUID | None = None
    verdict: str | None = None


class InboundViews(Protocol):
    """ASNs, visits, passes, tasks, exceptions and devices of one site, read only."""

    async def asns(
        self, *, owners: Owners, state: str | None, limit: int, after: After
    ) -> list[Row]:
        """ASNs with their lines, newest first."""

    async def asn(self, asn_id: UUID, owners: Owners) -> Row:
        """One ASN with lines, handling units and tags; else not-found."""

    async def visits(
        self, *, portal: str | None, state: str | None, limit: int, after: After
    ) -> list[Row]:
        """Door visits with their documents, newest first."""

    async def visit(self, visit_id: UUID) -> Row:
        """One visit; else not-found."""

    async def passes(self, wanted: PassFilter, *, limit: int, after: After) -> list[Row]:
        """Passes, newest first."""

    async def portal_pass(self, pass_id: UUID) -> Row:
        """One pass with its tags, evidence and planned moves; else not-found."""

    async def booked(self, *, since: int | None, until: int | None) -> list[Row]:
        """Booked passes of readers that closed in a span, with the keys that they carried."""

    async def portals(self) -> list[Row]:
        """Portals with modes, open visit, last verdict and the state of their agent."""

    async def report(
        self, portal: str, *, owners: Owners = None, since: int | None = None
    ) -> PortalReport:
        """How a portal's verdicts fared by direction and owner, since the mode was set."""

    async def tasks(
        self,
        *,
        owners: Owners,
        kind: str | None = None,
        state: str | None = None,
        task_id: UUID | None = None,
        limit: int = 1,
        after: After = None,
    ) -> list[Row]:
        """Tasks with the names of goods and places, oldest first."""

    async def exceptions(
        self, *, owners: Owners, open_only: bool | None, limit: int, after: After
    ) -> list[Row]:
        """Exceptions, newest first; `open_only` False lists the resolved ones."""

    async def exception(self, exception_id: UUID, owners: Owners) -> Row:
        """One exception; else not-found."""

    async def dead_letters(self, *, state: str | None, limit: int, after: int | None) -> list[Row]:
        """Dead letters, newest first, bytes in base64."""

    async def dead_letter(self, dead_letter_id: int) -> Row:
        """One dead letter; else not-found."""

    async def holds(self, *, limit: int, after: str | None) -> list[Row]:
        """Held readings by EPC."""

    async def agents(self) -> list[Row]:
        """Agents with their last status."""

    async def devices(self) -> list[Row]:
        """Devices with their state."""
