"""Features of one tag around the moment its load is at the door: peaks, spread, who hears it when.

Pure arithmetic on runs; `classify` decides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.tracks import INSIDE, OUTSIDE, Run

NOT_HEARD = -200.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What both antennas heard in one span: reads, mean, s.d., peak and its time, per side."""

    reads: tuple[int, int]
    mean: tuple[float, float]
    sd: tuple[float, float]
    peak: tuple[float, float]
    peak_at: tuple[int, int]
    first: int
    last: int

    @property
    def total(self) -> int:
        """Raw reads in the span."""
        return self.reads[OUTSIDE] + self.reads[INSIDE]

    @property
    def dominant(self) -> int | None:
        """The side that hears it better by mean level, None when nobody does."""
        if not self.total:
            return None
        return INSIDE if self.mean[INSIDE] > self.mean[OUTSIDE] else OUTSIDE

    @property
    def loudest(self) -> float:
        """The highest peak."""
        return max(self.peak)

    @property
    def both(self) -> bool:
        """Whether both sides heard it."""
        return bool(self.reads[OUTSIDE] and self.reads[INSIDE])


def heard(runs: Sequence[Run]) -> Heard:
    """Merge runs exactly: means and spreads by their counts."""
    if not runs:
        return NOTHING
    reads, total, squares = [0, 0], [0.0, 0.0], [0.0, 0.0]
    peak, peak_at = [NOT_HEARD, NOT_HEARD], [0, 0]
    earliest, latest = runs[0].first, runs[0].last
    for first, last, side, at, loudest, mean, spread, count, _, _ in runs:
        reads[side] += count
        total[side] += mean * count
        squares[side] += (spread * spread + mean * mean) * count
        if loudest > peak[side]:
            peak[side], peak_at[side] = loudest, at
        if first < earliest:
            earliest = first
        if last > latest:
            latest = last
    means = [t / n if n else NOT_HEARD for t, n in zip(total, reads, strict=True)]
    sd = [
        math.sqrt(max(s / n - m * m, 0.0)) if n else 0.0
        for s, n, m in zip(squares, reads, means, strict=True)
    ]
    return Heard(
        (reads[0], reads[1]),
        (means[0], means[1]),
        (sd[0], sd[1]),
        (peak[0], peak[1]),
        (peak_at[0], peak_at[1]),
        earliest,
        latest,
    )


NOTHING = Heard((0, 0), (NOT_HEARD, NOT_HEARD), (0.0, 0.0), (NOT_HEARD, NOT_HEARD), (0, 0), 0, 0)


def thirds(runs: Sequence[Run]) -> tuple[Heard, Heard]:
    """The first and the last third of a tag's time in view."""
    whole_first = runs[0].first
    whole_last = max(run.last for run in runs)
    span = (whole_last - whole_first) // 3
    early = [run for run in runs if run.first <= whole_first + span]
    late = [run for run in runs if run.last >= whole_last - span]
    return heard(early), heard(late)


def is_static(whole: Heard, *, sd_db: float, reads: int) -> bool:
    """Hardly any spread on every antenna that heard it often enough, and at least one that did."""
    judged = [side for side in (OUTSIDE, INSIDE) if whole.reads[side] >= reads]
    return bool(judged) and all(whole.sd[side] < sd_db for side in judged)


def crossing_time(whole: Heard) -> int | None:
    """Halfway between the peaks of both sides, None when only one heard it."""
    if not whole.both:
        return None
    return (whole.peak_at[OUTSIDE] + whole.peak_at[INSIDE]) // 2
