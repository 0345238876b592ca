"""What the floor's exceptions and dead letters need of storage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from core.domain.judgement import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLetter:
    """A dead letter with its bytes; one of a reading has an index and that reading's bytes."""

    site: str
    agent: str | None
    boot: int | None
    seq: int | None
    index: int | None
    topic: str
    payload: bytes
    received_at: int
    state: str


class FloorStore(Protocol):
    """Exceptions and dead letters of one site inside one transaction."""

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

    async def clear_of_pass(self, pass_id: UUID, *, keeping: Sequence[str], now: int) -> int:
        """Resolve what this pass raised about other subjects than these; how many."""

    async def acknowledge(
        self, exception_id: UUID, *, owners: Sequence[str] | None, actor: str, now: int
    ) -> None:
        """Note who has seen it; not-found otherwise. Once is enough."""

    async def resolve(
        self, exception_id: UUID, *, owners: Sequence[str] | None, actor: str, now: int
    ) -> None:
        """Close it; not-found otherwise. Once is enough."""

    async def lock_letter(self, dead_letter_id: int) -> StoredLetter:
        """Lock and load a dead letter; not-found otherwise."""

    async def settle_letter(
        self, dead_letter_id: int, state: str, *, reason: str, actor: str, now: int
    ) -> None:
        """Write what a person made of a dead letter."""

    async def seen_since(self, subjects: Mapping[str, int]) -> frozenset[str]:
        """Those subjects whose position was seen at or after the given instant."""
