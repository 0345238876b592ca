"""EPCs that were read and stand for nothing here: what a person looks at and decides."""

from __future__ import annotations

from collections.abc import Sequence
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

    async def held(
        self, *, state: str, limit: int, after: tuple[int, str] | None = None
    ) -> list[HeldEpc]:
        """Latest seen first; `after` = (last seen, EPC) of the row before."""

    async def one(self, epc: str) -> HeldEpc | None:
        """One EPC as it stands, locked."""

    async def fitting(
        self, gtins: Sequence[str], owners: Sequence[str] | None
    ) -> dict[str, tuple[str, str]]:
        """The (owner, SKU) whose GTIN this is, where exactly one item has it."""

    async def decide(
        self, epc: str, *, state: str, decided_by: str, reason: str, now: int
    ) -> HeldEpc | None:
        """Write a decision on one EPC; None when it was never held."""
