"""Debounce of one polled input: an edge counts when the new level has held long enough. Pure.

The edge has the time of the first sample that showed it; a glitch shorter than the hold is nothing.
"""

from __future__ import annotations


class Debounce:
    """`mono` is a monotonic clock for the hold, `now` the clock of readings (us)."""

    __slots__ = ("_candidate_at", "_hold_us", "_since", "_stable")

    def __init__(self, *, hold_us: int) -> None:
        self._hold_us = hold_us
        self._stable: bool | None = None
        self._candidate_at: int | None = None
        self._since = 0

    def sample(self, level: bool, *, mono: int, now: int) -> tuple[bool, int] | None:
        """(level, time of the edge) once it has held; the first sample counts at once."""
        if self._stable is None:
            self._stable = level
            return level, now
        if level is self._stable:
            self._candidate_at = None
            return None
        if self._candidate_at is None:
            self._candidate_at, self._since = mono, now
        if mono - self._candidate_at < self._hold_us:
            return None
        self._stable, self._candidate_at = level, None
        return level, self._since
