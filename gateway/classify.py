"""Which tags belong to a load of known class, and why each of the others does not.

A tag that stands still, turned back, or is heard better elsewhere never moves with a load.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from core.domain.judgement import Direction
from gateway.features import NOT_HEARD, crossing_time, heard, is_static
from gateway.thresholds import Thresholds
from gateway.tracks import INSIDE, OUTSIDE
from gateway.views import Span, View

Elsewhere = Callable[[View], str | None]
NEAR_CORE_US = 1_500_000
STAYS_US = 1_500_000
LISTENED_US = 10_000_000
ORDER_US = 300_000
# How far the peaks of a tag that went through may lie apart: two ways of shadowing and fading.
BETWEEN_DB = 12.0
# More than a passing body takes from a standing tag: 8 dB each way (simulators/scene.py).
CARRIED_DB = 20.0


@dataclass(frozen=True, slots=True)
class Members:
    """The tags that moved with the load, those that did if something expects them, the rest."""

    crossed: frozenset[str]
    thin: Mapping[str, str] = field(default_factory=dict)
    rejected: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Company:
    """When the load as a whole was heard first and last (medians), and when nearly all was gone."""

    first: int
    last: int
    gone: int


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What beside the tags matters; `listening_since` tells whether silence before says much."""

    span: Span
    final: bool
    listening_since: int
    elsewhere: Elsewhere
    load: Company


def members(
    direction: Direction, views: Sequence[View], around: Circumstances, limits: Thresholds
) -> Members:
    """Sort the tags of a load of this class."""
    crossed: set[str] = set()
    thin: dict[str, str] = {}
    rejected: dict[str, str] = {}
    for view in views:
        if direction in ("in", "out"):
            reason, sure = _in_crossed_load(direction, view, around, limits)
        else:
            reason, sure = _in_other_load(direction, view, limits), True
        if reason is None or not sure:
            other = around.elsewhere(view)
            if other is not None:
                reason, sure = "other_door", True
        if reason is None:
            crossed.add(view.key)
        elif sure:
            rejected[view.key] = reason
        else:
            thin[view.key] = reason
    return Members(frozenset(crossed), thin, rejected)


def stays_reason(view: View, limits: Thresholds) -> str:
    """Why a tag that did not cross did not."""
    whole = view.whole
    if view.settled or is_static(whole, sd_db=limits.static_sd_db, reads=limits.static_reads):
        return "static"
    if whole.total < limits.observed_reads:
        return "glimpsed"
    return "turned_back" if whole.both else "near"


def _in_other_load(direction: Direction, view: View, limits: Thresholds) -> str | None:
    """Without a crossing each tag has a reason; undecided ones that moved have none."""
    reason = stays_reason(view, limits)
    if direction == "undecided" and reason in ("turned_back", "near"):
        moved = view.track.range_db(view.whole.first) >= limits.motion_db
        if moved and view.whole.loudest >= limits.floor_dbm:
            return None
    return reason


def _in_crossed_load(
    direction: Direction, view: View, around: Circumstances, limits: Thresholds
) -> tuple[str | None, bool]:
    """(None, True) for a member, else the reason and whether it stands whatever is expected."""
    entry, exit_ = (OUTSIDE, INSIDE) if direction == "in" else (INSIDE, OUTSIDE)
    if view.unmoved:
        return "static", True
    if view.whole.last < around.load.first or view.whole.first > around.load.gone + STAYS_US:
        return "not_in_load", True
    if view.before == exit_ or view.after == entry:
        if _keeps_company(view, around, limits):
            return None, True
        contradicts = view.before == exit_ and view.after == entry and view.whole.both
        reason = "not_in_load" if contradicts else stays_reason(view, limits)
        if around.final and not view.settled:
            if view.before != exit_:
                return _echoed(view, around.span, reason, limits, entry)
            if view.after != entry and view.whole.first >= around.span.start - NEAR_CORE_US:
                return _appeared(view, around.span, reason, entry)
        return reason, around.final or view.settled
    at = _crossed_at(view, around.span, limits)
    middle = (around.span.start + around.span.end) // 2
    half = (around.span.end - around.span.start) // 2
    if at is not None and abs(at - middle) > limits.apart_us + half:
        return "not_in_load", view.before != entry or view.after != exit_
    if view.before == entry and view.after == exit_:
        return None, True
    if view.whole.loudest < limits.floor_dbm:
        return "near", False
    if view.before == entry:
        return _left(view, around, limits, exit_)
    if view.after == exit_:
        return _came(view, around, limits)
    return _passed(view, around, limits)


def _crossed_at(view: View, span: Span, limits: Thresholds) -> int | None:
    """When it crossed by its peaks near the door; far off they may be those of a way back."""
    since, until = span.start - limits.apart_us, span.end + limits.apart_us
    near = heard([run for run in view.runs if run.last >= since and run.first <= until])
    at = crossing_time(near)
    return crossing_time(view.whole) if at is None else at


def _echoed(
    view: View, span: Span, reason: str, limits: Thresholds, entry: int
) -> tuple[str | None, bool]:
    """Heard once more on the entry side: no return when far weaker there than before the door.

    Peaks in order and that fall say that it went with the load; one side alone says nothing.
    """
    later = [r.peak for r in view.runs if r.side == entry and r.first > span.end]
    faded = max(later, default=NOT_HEARD) <= view.whole.peak[entry] - limits.echo_db
    return (None, True) if faded and _in_order(view, entry) else (reason, True)


def _appeared(view: View, span: Span, reason: str, entry: int) -> tuple[str | None, bool]:
    """Unheard for seconds until the load was at the door, and first by the side beyond it.

    With its peaks in order it went with the load. So did one that this side alone heard going by;
    if it was seen beyond the door long ago it may be there still, and counts if it is expected.
    """
    if view.whole.both:
        return (None, True) if _in_order(view, entry) else (reason, True)
    went_by = span.start <= view.whole.peak_at[1 - entry] <= span.end
    if not went_by or view.track.range_db(view.whole.first) < CARRIED_DB:
        return reason, True
    new = view.track.known_since >= view.whole.first
    return (None, True) if new else (reason, False)


def _in_order(view: View, entry: int) -> bool:
    """Whether the entry side's peak came well before the other's."""
    peak_at = view.whole.peak_at
    return view.whole.both and peak_at[1 - entry] - peak_at[entry] >= ORDER_US


def _keeps_company(view: View, around: Circumstances, limits: Thresholds) -> bool:
    """Whether it came and went with the load though fading hid which way.

    Between the two antennas both hear it about as loud; goods that stay on one side they do not.
    """
    return (
        around.final
        and not view.settled
        and view.whole.both
        and abs(view.whole.peak[0] - view.whole.peak[1]) < BETWEEN_DB
        and abs(view.whole.first - around.load.first) <= limits.apart_us
        and abs(view.whole.last - around.load.last) <= limits.apart_us
    )


def _left(
    view: View, around: Circumstances, limits: Thresholds, exit_: int
) -> tuple[str | None, bool]:
    """Heard on the entry side before, and not after: it went with the load, or was just missed."""
    if view.core.dominant == exit_ or (view.ends == exit_ and not view.settled):
        return None, True
    silent_s = (around.span.now - view.whole.last) / 1e6
    missed = view.reads_before * silent_s
    away = around.span.start - view.whole.last > NEAR_CORE_US
    if not around.final:
        return stays_reason(view, limits), view.settled
    if missed < limits.expected_reads or away:
        return stays_reason(view, limits), False
    return None, True


def _came(view: View, around: Circumstances, limits: Thresholds) -> tuple[str | None, bool]:
    """Not heard before, heard on the exit side after: it arrived, unless it was there unheard."""
    if view.whole.first - around.span.end > NEAR_CORE_US:
        return "not_in_load", False
    if view.whole.both and not view.settled:
        return None, True
    stays = view.whole.last - around.load.gone > STAYS_US
    if stays and is_static(view.whole, sd_db=limits.static_sd_db, reads=limits.static_reads):
        return "static", True
    return _passed(view, around, limits)


def _passed(view: View, around: Circumstances, limits: Thresholds) -> tuple[str | None, bool]:
    """Heard only about the door: thin, but with this load if it is heard at all."""
    if view.whole.total < limits.observed_reads:
        return "glimpsed", False
    if around.span.start - around.listening_since < LISTENED_US:
        return "near", False
    return (None, True) if around.final or view.whole.both else ("near", False)
