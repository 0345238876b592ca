"""Read-rate collapse: a reader that always heard much and now hears little, by its own past.

Only for devices that read steadily (shelf and zone readers). A portal hears loads that come and go:
its silence is no fault, so it is never judged unless its settings call it steady.
"""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import Final

SECOND_US: Final = 1_000_000
BUCKET_US: Final = 10 * SECOND_US
# The last minute against the nine minutes before it, of which five at least must be known.
RECENT, BEFORE, LEAST_KNOWN = 6, 54, 30
LEAST_READS, STEADY_SHARE = 50, 0.8
COLLAPSE, RECOVERED = 0.2, 0.5
# A lower rate that lasts an hour is the new usual one.
ACCEPT_US: Final = 3_600 * SECOND_US


class ReadRate:
    """Raw reads of one device in buckets of 10 s; `at` is the agent's monotonic clock."""

    def __init__(self) -> None:
        self._buckets: deque[int] = deque(maxlen=RECENT + BEFORE)
        self._reads = 0
        self._turn_at: int | None = None
        self._usual = 0.0
        self._since: int | None = None

    def restart(self) -> None:
        """The device was away: what it did not read then says nothing about its rate."""
        self._buckets.clear()
        self._reads = 0
        self._turn_at = None
        self._since = None

    def heard(self, reads: int, at: int) -> None:
        """Take what was read."""
        self.step(at)
        self._reads += reads

    def step(self, at: int) -> None:
        """Close the buckets that have passed."""
        if self._turn_at is None:
            self._turn_at = at + BUCKET_US
        while at >= self._turn_at:
            self._buckets.append(self._reads)
            self._reads = 0
            self._turn_at += BUCKET_US
            if at - self._turn_at > (RECENT + BEFORE) * BUCKET_US:
                self.restart()
                return
            self._judge(self._turn_at)

    def _judge(self, at: int) -> None:
        counts = list(self._buckets)
        recent = sum(counts[-RECENT:]) / RECENT
        if self._since is not None:
            if recent >= RECOVERED * self._usual or at - self._since >= ACCEPT_US:
                self._since = None
            return
        before = counts[:-RECENT]
        if len(before) < LEAST_KNOWN:
            return
        usual = median(before)
        steady = sum(count > 0 for count in before) >= STEADY_SHARE * len(before)
        if steady and usual >= LEAST_READS and recent <= COLLAPSE * usual:
            self._usual, self._since = usual, at

    @property
    def collapsed(self) -> bool:
        """Whether the last minute was at most a fifth of the usual, and has not recovered."""
        return self._since is not None
