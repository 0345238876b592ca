"""What the past is read from: the ledger, changes of position, passes, and the evidence archive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from core.application.ports.map import Owners
from core.application.ports.tracking import StreamKey

Row = dict[str, Any]


class HistoryStore(Protocol):
    """The floor of one site at a past instant; all times in microseconds UTC."""

    async def nearest_mark(self, at: int, *, now: int) -> int | None:
        """The stock mark nearest to an instant; None where now is nearer."""

    async def mark_stock(self, at: int, *, base: int | None, now: int) -> bool:
        """Keep what stood where at an instant, counted from `base`; False when it is kept."""

    async def forget_marks(self, *, before: int) -> int:
        """Drop older marks; how many."""

    async def balances(self, at: int, owners: Owners, *, base: int | None) -> list[Row]:
        """Units by place and handling unit, as the ledger had recorded them by then; counted from
        the mark at `base`, or from now.
        """

    async def positions(self, at: int) -> list[Row]:
        """By place, how many tags were thought to be there."""

    async def carriers(self, at: int, owners: Owners, *, limit: int) -> list[Row]:
        """Handling units with the position that stood then."""

    async def passes(self, at: int, *, limit: int) -> list[Row]:
        """The latest passes that had begun by then, newest first."""

    async def exceptions(self, at: int, owners: Owners, *, limit: int) -> list[Row]:
        """What stood open then."""


class Evidence(Protocol):
    """The archive of accepted readings; reading it may take a while, so never on the event loop."""

    @property
    def kept_us(self) -> int:
        """How long a reading is kept."""

    def observations(
        self,
        epc_key: str,
        *,
        since: int,
        until: int,
        cursors: Mapping[StreamKey, int],
        limit: int,
    ) -> list[Row]:
        """Readings of a tag that occurred from `since` up to `until`, each once, in order of
        time."""
