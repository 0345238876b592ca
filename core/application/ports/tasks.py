"""What floor work needs of storage: tasks with leases, bins with their room, contents to move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from core.domain.putaway import Bin
from core.domain.stock import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One piece of floor work."""

    task_id: UUID
    kind: str
    state: str
    owner_id: str | None
    item_id: int | None
    lot_id: int | None
    handling_unit_id: UUID | None
    epc_key: str | None
    quantity: int
    source_location_id: int | None
    target_location_id: int | None
    reservation_id: UUID | None
    reason: str | None
    assigned_to: str | None
    lease_until: int | None


@dataclass(frozen=True, slots=True)
class Held:
    """Stock at one place: serialised units by key, or a quantity without serials."""

    owner_id: str
    item_id: int
    lot_id: int | None
    place: Place
    quantity: int
    epc_key: str | None


class TaskStore(Protocol):
    """Tasks of one site inside one transaction."""

    async def add(self, task: Task, *, now: int) -> None:
        """Insert a task."""

    async def cancel_of(
        self, *, handling_units: Sequence[UUID], epc_keys: Sequence[str], now: int
    ) -> None:
        """Cancel the live putaway and discrepancy tasks of these goods."""

    async def lock(self, task_id: UUID) -> Task:
        """Lock and load; not-found otherwise."""

    async def lock_next(self, kind: str, worker: str, *, now: int) -> Task | None:
        """The worker's own live task of this kind, else the oldest open one not locked."""

    async def save(self, task: Task, *, now: int) -> None:
        """Write state, assignment, target and quantity."""

    async def free_expired(self, *, now: int) -> int:
        """Hand back tasks whose lease is over; how many."""

    async def bins(self) -> list[Bin]:
        """Lock the choice of bins and read them with what they hold and what is on its way."""

    async def items_in(self, handling_unit_id: UUID) -> frozenset[int]:
        """The items in a handling unit and all that it holds."""

    async def location(self, code: str) -> Place:
        """The place with this code."""

    async def contents(self, handling_unit_id: UUID) -> list[Held]:
        """All that a handling unit and its inner ones hold."""

    async def tree(self, handling_unit_id: UUID) -> list[tuple[UUID, str]]:
        """A handling unit and its inner ones, outermost first, with their states."""

    async def stock_at(
        self,
        *,
        owner_id: str,
        item_id: int,
        lot_id: int | None,
        place: Place,
    ) -> list[Held]:
        """The stock of an item at a place: its units in key order, then what has no serial."""

    async def unit(self, epc_key: str) -> Held | None:
        """Where a unit is, or None when it is not here."""

    async def relocate(self, handling_units: Sequence[UUID], location_id: int, *, now: int) -> None:
        """Write the place of handling units that a task moved; the first one leaves its holder."""
