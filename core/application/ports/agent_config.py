"""Configuration documents of edge agents: every version that was ever put, newest counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ConfigVersion:
    """One version. `state` and `error` are what the agent said of it; offered = nothing yet."""

    agent: str
    version: int
    document: str
    author: str
    created_at: int
    state: str
    error: str | None
    reported_at: int | None


class AgentConfigStore(Protocol):
    """Documents of one site inside one transaction."""

    async def lock(self, agent: str) -> ConfigVersion | None:
        """Lock the agent; its newest version. Raises `not-found` for an unknown agent."""

    async def add(
        self, agent: str, version: int, document: str, *, author: str, now: int
    ) -> ConfigVersion:
        """Write the next version."""

    async def newest(self, agent: str) -> ConfigVersion | None:
        """What the agent should run. Raises `not-found` for an unknown agent."""

    async def one(self, agent: str, version: int) -> ConfigVersion:
        """One version, or `not-found`."""

    async def history(self, agent: str, *, limit: int, before: int | None) -> list[ConfigVersion]:
        """Newest first, those before a version."""

    async def last_good(self, agent: str, *, before: int) -> ConfigVersion | None:
        """The newest version below this one that the agent ran."""

    async def devices(self, agent: str) -> Sequence[str]:
        """The devices of the agent that the layout knows."""

    async def wanted(self) -> Mapping[str, int]:
        """The newest version of every agent that has one."""
