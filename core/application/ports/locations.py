"""What the use cases need of locations: their rows with what they hold, and their locks."""

from __future__ import annotations

from typing import Any, Protocol

Row = dict[str, Any]


class LocationStore(Protocol):
    """Locations of one site inside one transaction."""

    async def listed(
        self,
        *,
        kind: str | None,
        zone: str | None,
        locked: str | None,
        limit: int,
        after: str | None,
    ) -> list[Row]:
        """Locations by code; `locked` is `true`, `false` or None for both."""

    async def one(self, code: str) -> Row:
        """One location; else not-found."""

    async def set_lock(self, code: str, *, reason: str | None, actor: str, now: int) -> None:
        """Lock it with a reason, or with None open it."""
