"""What picking needs of storage: tasks, who has them, and the reservations they use up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

from core.domain.picking import PickTask


class PickStore(Protocol):
    """Pick tasks of one site inside one transaction."""

    async def order_of(self, task_id: UUID, owners: Sequence[str] | None) -> UUID:
        """The fulfilment of a task that `owners` may see; else not-found."""

    async def lock(self, task_id: UUID) -> PickTask:
        """Lock and load a task; its order must be locked already."""

    async def held_by(self, worker: str) -> UUID | None:
        """The fulfilment that this worker has assigned tasks of."""

    async def next_order(self, owners: Sequence[str] | None) -> UUID | None:
        """Lock the most urgent order with open tasks that nobody works on; skips locked ones."""

    async def assign(
        self, fulfilment_id: UUID, *, worker: str, lease_until: int, now: int
    ) -> list[UUID]:
        """Give an order's open tasks to a worker; all the worker has of it, in walking order."""

    async def hand_on(self, fulfilment_id: UUID, *, worker: str, now: int) -> None:
        """Give open tasks of an order to the worker who has it in hand."""

    async def tote_start(self) -> int:
        """The location where empty totes stand: the conveyor, else a packing or staging place."""

    async def progress(self, task: PickTask, *, reason: str | None, now: int) -> None:
        """Write state, quantity picked, reason and holder of a locked task."""

    async def consume(self, task: PickTask, quantity: int, *, part_id: UUID, now: int) -> None:
        """Post so much of the task's reservation: its quant is held less by it."""

    async def void_rest(self, task: PickTask, *, now: int) -> int:
        """Void what is pending of the task's reservation and free the quant; how much it was."""

    async def put_back(self, fulfilment_id: UUID, *, now: int, ids: Callable[[], UUID]) -> int:
        """A put-back task for each handling unit that holds goods; the order lets them go."""

    async def count_task(self, task: PickTask, *, task_id: UUID, reason: str, now: int) -> None:
        """Ask someone to count the bin of a short pick."""

    async def settle_wave(self, wave_id: UUID, *, now: int) -> None:
        """Bring a wave's word in line with its tasks."""

    async def expire_leases(self, *, now: int) -> int:
        """Tasks whose holder is silent beyond the lease are open again."""
