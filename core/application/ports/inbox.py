"""EPCs that were read and stand for nothing here: what a person looks at and decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class HeldEpc:
    """One EPC in the inbox; times in µs UTC, `code` says why it moves nothing."""

    epc: str
    code: str
    state: str
    agent: str
    device: str
    antenna: int | None
    first_seen_at: int
    last_seen_at: int
    count: int
    decided_by: str | None
    reason: str | None
    decided_at: int | None


class InboxStore(Protocol):
    """The inbox of one site."""

    async def held(self, *, state: str, limit: int) -> list[HeldEpc]:
        """Latest seen first."""

    async def decide(
        self, epc: str, *, state: str, decided_by: str, reason: str, now: int
    ) -> HeldEpc | None:
        """Write a decision on one EPC; None when it was never held."""
