"""What the ledger check needs of storage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Finding:
    """One disagreement with first principles."""

    invariant: str
    subject: str
    fact: str


class VerifyStore(Protocol):
    """Recomputes the book from its moves, in one snapshot."""

    async def findings(self, *, limit: int) -> Sequence[Finding]:
        """Every disagreement, at most `limit` per invariant."""

    async def record(self, findings: Sequence[Finding], *, started_at: int, at: int) -> None:
        """Keep the outcome of a run for boards and alarms."""
