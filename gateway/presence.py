"""Presence of a tag at a read point: the states glimpsed, observed and lost.

After EPCglobal ALE (Application Level Events). Times in microseconds, monotonic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

State = Literal["glimpsed", "observed", "lost", "forgotten"]


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
