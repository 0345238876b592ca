"""Which agents ask for another configuration than they run. Pure; at most one answer in 5 s each.

An agent asks by its status: the version it runs and the last one it was offered. What it refused or
gave up is not sent again; a newer version is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import UNSET

from contracts.v1 import AgentStatus

EVERY_US: Final = 5_000_000
_SETTLED: Final = ("trial", "refused", "fallback")


class Configs:
    """The newest version of each agent, and when each was answered last (monotonic clock)."""

    def __init__(self) -> None:
        self._wanted: Mapping[str, int] = {}
        self._answered: dict[str, tuple[int, int]] = {}

    def use(self, wanted: Mapping[str, int]) -> None:
        """The newest versions of the book."""
        self._wanted = wanted

    def due(self, status: AgentStatus, at: int) -> int | None:
        """The version this agent must be sent now."""
        wanted = self._wanted.get(status.agent)
        running, offered = status.config_version, status.config_offered
        if wanted is None or running is UNSET or status.state == "offline" or running == wanted:
            return None
        if offered == wanted and status.config_state in _SETTLED:
            return None
        version, then = self._answered.get(status.agent, (0, 0))
        if version == wanted and at - then < EVERY_US:
            return None
        self._answered[status.agent] = (wanted, at)
        return wanted
