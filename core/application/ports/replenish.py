"""What replenishment needs of storage: pick faces with what is there and coming, and its holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from core.domain.replenishment import Face, Refill
from core.domain.stock import Place


@dataclass(frozen=True, slots=True)
class Hold:
    """A pending replenishment reservation and where its goods are now."""

    reservation_id: UUID
    quant_id: int
    item_id: int
    lot_id: int | None
    quantity: int
    place: Place


class ReplenishStore(Protocol):
    """Pick faces and replenishment reservations of one site inside one transaction."""

    async def low_faces(self, *, limit: int) -> list[Face]:
        """Lock the pick faces that fell below their minimum, emptiest first."""

    async def reserve(self, refills: Sequence[tuple[UUID, UUID, Refill]], *, now: int) -> None:
        """Hold the quants and insert (reservation id, task id, refill): pending, task open."""

    async def hold(self, reservation_id: UUID) -> Hold | None:
        """Lock a pending reservation; None when it was voided."""

    async def settle(self, hold: Hold, *, posted: int, now: int) -> None:
        """Free the quant of the whole hold; post so much of it, or void it when nothing moved."""
