"""Who may decide for a cell: one holder at a time, fenced by an epoch that only rises.

The holder shows life by beats; a standby that sees none takes over and bars the old one.
"""

from __future__ import annotations

from typing import Protocol


class CellClaim(Protocol):
    """A claim on one cell over its own database connection; `Unavailable` when that is away."""

    @property
    def epoch(self) -> int | None:
        """The epoch held, or None while another holds the cell."""

    async def try_take(self) -> int | None:
        """Take the cell if it is free: raises its epoch and returns it; None when it is held."""

    async def beat(self) -> bool:
        """Show life; False when the cell was taken from us."""

    async def beats(self) -> tuple[int, int]:
        """(epoch, beats) of the present holder, for a standby to compare."""

    async def bar(self) -> None:
        """End the session of a holder that shows no life, so that the cell becomes free."""

    async def release(self) -> None:
        """Give the cell up; a standby need not wait."""


class Succession:
    """When a standby may take a held cell: its beats stood still for `patience_us`."""

    def __init__(self, *, patience_us: int) -> None:
        self._patience = patience_us
        self._seen: tuple[int, int] | None = None
        self._since = 0

    def overdue(self, beats: tuple[int, int], *, at: int) -> bool:
        """Whether the holder of these beats has been silent too long; `at` is a monotonic clock."""
        if beats != self._seen:
            self._seen, self._since = beats, at
            return False
        return at - self._since >= self._patience
