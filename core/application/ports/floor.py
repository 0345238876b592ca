"""What telling the floor needs of storage: exceptions, one live row per kind and subject."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from core.domain.judgement import Notice


class FloorStore(Protocol):
    """Exceptions of one site inside one transaction."""

    async def raise_notice(
        self,
        notice: Notice,
        *,
        exception_id: UUID,
        portal: str | None,
        pass_id: UUID | None,
        visit_id: UUID | None,
        now: int,
    ) -> bool:
        """Open an exception or bring the live one up to date; whether it is new."""

    async def clear(self, kinds: Sequence[str], subjects: Sequence[str], *, now: int) -> int:
        """Resolve the live exceptions of these kinds and subjects; how many."""

    async def acknowledge(
        self, exception_id: UUID, *, owners: Sequence[str] | None, actor: str, now: int
    ) -> None:
        """Note who has seen it; not-found otherwise. Once is enough."""

    async def resolve(
        self, exception_id: UUID, *, owners: Sequence[str] | None, actor: str, now: int
    ) -> None:
        """Close it; not-found otherwise. Once is enough."""
