"""What the use cases of portals need of storage: expected lists, passes, door visits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from core.domain.expected import Expected, Mode
from core.domain.judgement import Judgement


class DoorStore(Protocol):
    """Expected lists, passes and door visits of one site inside one transaction."""

    async def expected(self, portal: str, epc_keys: Sequence[str], *, now: int) -> Expected:
        """The snapshot for these tags at this portal; not-found for an unknown portal."""

    async def record_judgement(
        self, pass_id: UUID, judgement: Judgement, *, mode: Mode, now: int
    ) -> None:
        """Write verdict, mode and tag outcomes of a pass."""
