"""Presence of a tag at a read point: ALE states, and SMURF's window for readers of zones.

ALE (EPCglobal Application Level Events): glimpsed, observed, lost. SMURF: Jeffery, Garofalakis and
Franklin, "Adaptive Cleaning for RFID Data Streams", VLDB 2006. Times in microseconds, monotonic.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

State = Literal["glimpsed", "observed", "lost", "forgotten"]
DELTA = 0.05
EPOCH_US = 250_000
LONGEST_EPOCHS = 240


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The four ALE settings of a read point."""

    glimpsed_us: int
    observed_us: int
    observed_reads: int
    lost_us: int


# Start values; a portal's lost time is longer than its session's quiet time, a zone's is EdgeX's.
PORTAL = Timeouts(1_000_000, 200_000, 2, 3_000_000)
ZONE = Timeouts(5_000_000, 1_000_000, 3, 600_000_000)


class Change(NamedTuple):
    """A tag's new state and when it took it."""

    key: str
    state: State
    at: int


@dataclass(slots=True)
class _Tag:
    first: int
    last: int
    reads: int
    observed: bool = False


class Presence:
    """The tags in view of one read point; feed it in order of time, then `step` the clock."""

    def __init__(self, limits: Timeouts) -> None:
        self.limits = limits
        self._tags: dict[str, _Tag] = {}

    def hear(self, key: str, at: int, *, reads: int = 1) -> list[Change]:
        """Take reads of a tag; what changed, silence before it included."""
        changes = self._overdue(key, at)
        tag = self._tags.get(key)
        if tag is None:
            self._tags[key] = tag = _Tag(at, at, 0)
            changes.append(Change(key, "glimpsed", at))
        tag.reads += reads
        tag.last = max(tag.last, at)
        limits = self.limits
        enough = tag.reads >= limits.observed_reads or tag.last - tag.first >= limits.observed_us
        if not tag.observed and enough:
            tag.observed = True
            changes.append(Change(key, "observed", at))
        return changes

    def step(self, at: int) -> list[Change]:
        """The clock has come this far: who is lost, and whose glimpse is forgotten."""
        return [change for key in list(self._tags) for change in self._overdue(key, at)]

    def state(self, key: str) -> State | None:
        """The state now; None for a tag not in view."""
        tag = self._tags.get(key)
        if tag is None:
            return None
        return "observed" if tag.observed else "glimpsed"

    def _overdue(self, key: str, at: int) -> list[Change]:
        tag = self._tags.get(key)
        if tag is None:
            return []
        limit = self.limits.lost_us if tag.observed else self.limits.glimpsed_us
        if at - tag.last < limit:
            return []
        del self._tags[key]
        return [Change(key, "lost" if tag.observed else "forgotten", tag.last + limit)]


@dataclass(slots=True)
class SmurfWindow:
    """One tag's adaptive window of `width` epochs over its read rate per epoch (0 to 1)."""

    width: int = 1
    _rates: deque[float] = field(default_factory=lambda: deque(maxlen=LONGEST_EPOCHS))

    def epoch(self, rate: float) -> bool:
        """An epoch ended in which this share of the reader's cycles read the tag; is it present?

        Grows while the window is too short to be sure of a read (1 - DELTA), and halves when the
        reads in it fall outside two standard deviations of what a present tag would give.
        """
        self._rates.append(min(max(rate, 0.0), 1.0))
        seen = self._seen()
        if not seen:
            self.width = 1
            return False
        p = sum(seen) / len(seen)
        needed = math.ceil(math.log(1 / DELTA) / p)
        if needed > self.width:
            self.width = max(min(self.width + 2, needed), 1)
        elif abs(len(seen) - self.width * p) > 2 * math.sqrt(self.width * p * (1 - p)):
            self.width = max(min(self.width // 2, needed), 1)
        self.width = min(self.width, LONGEST_EPOCHS)
        return bool(self._seen())

    def _seen(self) -> list[float]:
        """The rates of the epochs in the window that read the tag."""
        window = list(self._rates)[-self.width :]
        return [rate for rate in window if rate > 0.0]
