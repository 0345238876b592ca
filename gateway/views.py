"""A tag as one load's transit sees it: what was heard before, at the door, and after.

Who hears a tag before and after is what tells a load that passes from one that stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.features import Heard, heard, is_static, thirds
from gateway.thresholds import Thresholds
from gateway.tracks import INSIDE, OUTSIDE, Run, Track

RECENT_RUNS = 8
NEARBY_US, RECENT_US = 3_000_000, 6_000_000
SETTLED_US = 3_000_000
BASELINE_SD_DB = 0.7


@dataclass(frozen=True, slots=True)
class Span:
    """When a load is at the door, and where the window of its pass begins and ends."""

    opened: int
    start: int
    end: int
    now: int


@dataclass(frozen=True, slots=True)
class View:
    """One tag relative to a span. `before` and `after` are the sides that hear it best there.

    `settled`: it stood still well before the load came; `unmoved`: and it stands there after it.
    """

    track: Track
    runs: tuple[Run, ...]
    whole: Heard
    core: Heard
    before: int | None
    after: int | None
    reads_before: float
    settled: bool
    unmoved: bool
    starts: int | None
    ends: int | None

    @property
    def key(self) -> str:
        """The tag."""
        return self.track.key


def view_of(track: Track, span: Span, limits: Thresholds) -> View | None:
    """The tag in this span, or None when it was not heard in the pass."""
    runs = track.since(span.opened - limits.lookback_us)
    if not runs:
        return None
    earlier = track.until(span.start)
    core = [run for run in runs if run.last >= span.start and run.first <= span.end]
    later = [run for run in runs if run.first > span.end]
    recent, next_ = heard(_recent(earlier)), heard(_soon(later))
    settled = _settled(earlier, span.start - SETTLED_US, limits)
    whole = heard(runs)
    still = is_static(whole, sd_db=limits.static_sd_db, reads=limits.static_reads)
    early, late = thirds(runs)
    return View(
        track=track,
        runs=tuple(runs),
        whole=whole,
        core=heard(core),
        before=recent.dominant,
        after=next_.dominant,
        reads_before=_pace(earlier),
        settled=settled,
        unmoved=settled and (still or _same_levels(recent, next_, limits)),
        starts=early.dominant,
        ends=late.dominant,
    )


def views_of(tracks: Iterable[Track], span: Span, limits: Thresholds) -> list[View]:
    """All tags heard in the span."""
    found = (view_of(track, span, limits) for track in tracks)
    return [view for view in found if view is not None]


def _recent(runs: list[Run]) -> list[Run]:
    """The last runs of a list: those of some seconds, and a few more, but of no earlier transit."""
    if not runs:
        return []
    near, far = runs[-1].last - NEARBY_US, runs[-1].last - RECENT_US
    return [
        run
        for i, run in enumerate(runs, -len(runs))
        if run.last >= near or (-i <= RECENT_RUNS and run.last >= far)
    ]


def _soon(runs: list[Run]) -> list[Run]:
    """The first runs of a list: those of some seconds, and at least a few."""
    until = runs[0].first + NEARBY_US if runs else 0
    return [run for i, run in enumerate(runs) if run.first <= until or i < RECENT_RUNS]


def _same_levels(before: Heard, after: Heard, limits: Thresholds) -> bool:
    """Whether every side that heard it before and after hears it as loud as before."""
    both = [s for s in (OUTSIDE, INSIDE) if before.reads[s] and after.reads[s]]
    return bool(both) and all(
        abs(before.mean[side] - after.mean[side]) < limits.same_level_db for side in both
    )


def _pace(runs: list[Run]) -> float:
    """Reads a second over the time it was heard."""
    if not runs:
        return 0.0
    seconds = max((runs[-1].last - runs[0].first) / 1e6, 1.0)
    return sum(run.reads for run in runs) / seconds


def _settled(runs: list[Run], until: int, limits: Thresholds) -> bool:
    """Whether it stood still well before this load came."""
    old = [run for run in runs if run.last < until]
    if not old or old[-1].last - old[0].first < limits.quiet_us // 2:
        return False
    return is_static(heard(old), sd_db=BASELINE_SD_DB, reads=limits.static_reads)
