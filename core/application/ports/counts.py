"""What the use cases need of counts: their rows, a bin's book during one, and its findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from core.domain.counting import Known, Line, LineKey, UnitBook, UnitFinding, Window

Row = dict[str, Any]
Owners = Sequence[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stocktake:
    """One count of one bin."""

    count_id: UUID
    location_id: int
    code: str
    reason: str
    state: str
    round: int
    assigned_to: str | None
    started_at: int | None
    counted_at: int | None
    counted_by: str | None
    counted_key: str | None


@dataclass(frozen=True, slots=True)
class BinBook:
    """A bin's book from an instant until now: lines without tags, and its tags."""

    lines: Mapping[LineKey, Window]
    units: UnitBook


class CountStore(Protocol):
    """Counts of one site inside one transaction."""

    async def add(
        self, locations: Iterable[int], *, reason: str, ids: Any, now: int, actor: str
    ) -> list[UUID]:
        """Open a count of each bin that has none; their ids."""

    async def lock(self, count_id: UUID) -> Stocktake | None:
        """Lock and load."""

    async def take(self, *, worker: str, zone: str | None, now: int) -> Stocktake | None:
        """The worker's own open count, else the next free one by walking order, given to them."""

    async def save(self, count: Stocktake, *, now: int, actor: str) -> None:
        """Write state, round and who did what."""

    async def book(self, location_id: int, *, since: int) -> BinBook:
        """The bin's book from `since` until now."""

    async def known(self, epc_keys: Iterable[str]) -> Mapping[str, Known]:
        """State of these units in the book; unknown keys are left out."""

    async def write(
        self, count_id: UUID, lines: Iterable[Line], units: Mapping[str, UnitFinding]
    ) -> None:
        """Put the findings of a round in place of those of the last."""

    async def findings(self, count_id: UUID) -> tuple[list[Line], dict[str, UnitFinding]]:
        """The findings that stand."""

    async def due(self, *, now: int, limit: int, zone: str | None) -> list[int]:
        """Bins whose last count is older than their class allows, the most overdue first."""

    async def limit_units(self) -> int:
        """How far book and bin may be apart before a second person reconciles."""

    async def listed(
        self, *, state: str | None, limit: int, after: tuple[int, str] | None
    ) -> list[Row]:
        """Counts, newest first."""

    async def one(self, count_id: UUID, owners: Owners) -> Row:
        """One count with its findings; else not-found."""
