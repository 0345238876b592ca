"""What floor work needs of storage: tasks with leases, and bins with their room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from core.domain.putaway import Bin


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

    async def lock_next(
        self, kind: str, worker: str, *, owners: Sequence[str] | None, now: int
    ) -> Task | None:
        """The worker's own live task of this kind, else the oldest open one not locked.

        Of the goods of these owners, or of nobody known.
        """

    async def save(self, task: Task, *, now: int) -> None:
        """Write state, assignment, target and quantity."""

    async def free_expired(self, *, now: int) -> int:
        """Hand back tasks whose lease is over; how many."""

    async def coordinates(self, location_id: int | None) -> tuple[float, float]:
        """Where a place is on the floor, in metres; the origin when it is not known."""

    async def bins(self) -> list[Bin]:
        """Lock the choice of bins and read them with what they hold and what is on its way."""
