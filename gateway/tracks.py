"""What one portal heard of one tag: its runs in order of device time, bounded.

Sides are 0 outside, 1 inside. Times are microseconds of the agent's clock.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import NamedTuple

OUTSIDE, INSIDE = 0, 1
# Stands for the level of a reading whose reader reports none.
LEVEL_UNKNOWN_DBM = -70.0
KEPT_US = 60_000_000
FORGET_US = 600_000_000
MAX_RUNS = 800


class Run(NamedTuple):
    """A smoothed run at one antenna; sorts by its first time."""

    first: int
    last: int
    side: int
    peak_at: int
    peak: float
    mean: float
    spread: float
    reads: int
    boot: int
    seq: int


@dataclass(slots=True, eq=False)
class Track:
    """A tag at a portal. `taken_until`: what came before belongs to a load that has crossed.

    `crossed_until`: when that load was through the door; later runs tell where the tag is since.
    """

    key: str
    epc: str
    agent: str
    known_since: int
    runs: list[Run] = field(default_factory=list)
    last: int = 0
    taken_until: int = 0
    crossed_until: int = 0
    motion_at: int = 0
    _level: list[float | None] = field(default_factory=lambda: [None, None])
    _level_at: list[int] = field(default_factory=lambda: [0, 0])

    def add(self, run: Run, *, motion_db: float, window_us: int) -> bool:
        """Take a run; True when it shows the tag in motion: it appears, or its level changes."""
        if self.runs and run.first < self.runs[-1].first:
            insort(self.runs, run)
        else:
            self.runs.append(run)
        self.last = max(self.last, run.last)
        if len(self.runs) > MAX_RUNS or self.runs[0].last < self.last - KEPT_US:
            keep = bisect_left(self.runs, (self.last - KEPT_US // 2,))
            del self.runs[: max(keep, len(self.runs) - MAX_RUNS // 2)]
        level, since = self._level[run.side], run.first - self._level_at[run.side]
        moved = level is None or since > 4 * window_us or run.spread >= motion_db / 2
        if level is not None and since <= 4 * window_us:
            moved = moved or abs(run.mean - level) >= motion_db
            share = min(1.0, max(since, 1) / window_us)
            self._level[run.side] = level + share * (run.mean - level)
        else:
            self._level[run.side] = run.mean
        self._level_at[run.side] = run.last
        if moved:
            self.motion_at = max(self.motion_at, run.last)
        return moved

    def since(self, start: int) -> list[Run]:
        """The runs that began at or after `start` and belong to no earlier load."""
        return self.runs[bisect_left(self.runs, (max(start, self.taken_until),)) :]

    def after(self, start: int) -> list[Run]:
        """All runs since `start`, whatever load they belong to: how loud it is at this door."""
        return self.runs[bisect_left(self.runs, (start,)) :]

    def until(self, end: int) -> list[Run]:
        """The runs that ended before `end` and came after the last load this tag crossed with."""
        begun = self.runs[bisect_left(self.runs, (self.crossed_until,)) :]
        return [run for run in begun if run.last < end]

    def range_db(self, start: int) -> float:
        """The widest range of levels at one antenna since `start`."""
        widest = 0.0
        for side in (OUTSIDE, INSIDE):
            levels = [run.mean for run in self.since(start) if run.side == side]
            if levels:
                widest = max(widest, max(levels) - min(levels))
        return widest

    def reads(self, start: int) -> int:
        """How many raw reads since `start`."""
        return sum(run.reads for run in self.since(start))
