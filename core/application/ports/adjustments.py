"""What the use cases need of corrections: their rows, and the site's approval limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from core.domain.adjusting import Adjustment

Row = dict[str, Any]
Owners = Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Limits:
    """Up to how many base units, and up to which value in minor units of a currency, one person
    corrects alone; None is no limit.
    """

    units: int | None = None
    value: int | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Proposed:
    """A correction as it is kept."""

    adjustment_id: UUID
    wanted: Adjustment
    state: str
    proposed_by: str


class AdjustmentStore(Protocol):
    """Corrections of one site inside one transaction."""

    async def add(
        self, adjustment_id: UUID, wanted: Adjustment, *, state: str, now: int, actor: str
    ) -> None:
        """Keep a correction, posted or proposed."""

    async def lock(self, adjustment_id: UUID, owners: Owners) -> Proposed | None:
        """Lock and load."""

    async def decide(
        self, adjustment_id: UUID, *, state: str, note: str | None, now: int, actor: str
    ) -> None:
        """Write what a second person said."""

    async def limits(self) -> Limits:
        """The site's limits."""

    async def listed(
        self, *, owners: Owners, state: str | None, limit: int, after: tuple[int, str] | None
    ) -> list[Row]:
        """Corrections, newest first."""

    async def one(self, adjustment_id: UUID, owners: Owners) -> Row:
        """One correction; else not-found."""
