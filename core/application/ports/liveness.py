"""What watching for silence needs of storage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from core.domain.liveness import AgentFact, CellFact


class LivenessStore(Protocol):
    """Signs of life of one site inside one transaction."""

    async def agents(self) -> Sequence[AgentFact]:
        """Registered agents that have spoken, revoked ones left out."""

    async def cells(self) -> Sequence[CellFact]:
        """The beats of each cell's holder."""

    async def standing(self, kinds: Sequence[str]) -> set[tuple[str, str]]:
        """(kind, subject) of open exceptions of these kinds."""

    async def turn_devices(self, states: Mapping[tuple[str, str], str], *, now: int) -> None:
        """Write the states of devices that nobody hears."""
