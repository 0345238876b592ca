"""The class of a load: its tags vote by who heard them first and last, the beams vote for the load.

Votes against the beams are undecided; in doubt undecided, never the wrong direction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from core.domain.judgement import Direction
from gateway.beams import Way
from gateway.features import crossing_time
from gateway.thresholds import Thresholds
from gateway.tracks import INSIDE, OUTSIDE
from gateway.views import View

SURE, LIKELY, SLIGHT = 0.95, 0.6, 0.2
SURE_GAP_US = 300_000
SURE_RANGE_DB = 6.0
WITH_BEAM, BEAM_ALONE = 0.99, 0.9


@dataclass(frozen=True, slots=True)
class Vote:
    """What one tag says and how sure it is."""

    direction: Direction
    weight: float
    crossed_at: int | None


@dataclass(frozen=True, slots=True)
class LoadVote:
    """What all say: class, confidence, when it was at the door; `next_at`: another load's turn."""

    direction: Direction
    confidence: float
    crossed_at: int | None
    votes: int
    next_at: int | None = None


def vote_of(view: View, limits: Thresholds) -> Vote | None:
    """A tag's vote; None for one that has nothing to say (it stood still all the time)."""
    first = view.before if view.before is not None else view.starts
    last = view.after if view.after is not None else view.ends
    moved = view.track.range_db(view.whole.first) >= limits.motion_db
    if view.unmoved:
        return None
    if first != last and view.whole.both:
        outward = view.whole.peak_at[OUTSIDE] - view.whole.peak_at[INSIDE]
        direction: Direction = "in" if last == INSIDE else "out"
        agrees = outward < 0 if direction == "in" else outward > 0
        wide = view.track.range_db(view.whole.first) >= SURE_RANGE_DB
        sure = agrees and abs(outward) >= SURE_GAP_US and wide
        weight = SURE if sure else LIKELY if agrees else SLIGHT
        return Vote(direction, weight, crossing_time(view.whole))
    if view.settled or not moved or view.whole.loudest < limits.floor_dbm:
        return None
    return Vote("not_crossed", LIKELY if view.whole.both else SLIGHT, None)


def first_load(votes: Sequence[Vote], limits: Thresholds) -> tuple[list[Vote], int | None]:
    """The votes of the first load by crossing times, and when the next one crossed, if any did."""
    times = sorted(vote.crossed_at for vote in votes if vote.crossed_at is not None)
    for earlier, later in pairwise(times):
        if later - earlier > limits.apart_us:
            kept = [v for v in votes if v.crossed_at is None or v.crossed_at <= earlier]
            return kept, later
    return list(votes), None


def tally(votes: Sequence[Vote], limits: Thresholds) -> tuple[Direction | None, float]:
    """The class with the majority and its share, or (None, share of the best)."""
    weights: Counter[Direction] = Counter()
    for vote in votes:
        weights[vote.direction] += vote.weight  # type: ignore[assignment]
    total = sum(weights.values())
    if not total:
        return None, 0.0
    (best, most), *rest = weights.most_common()
    share = most / total
    lead = share - (rest[0][1] / total if rest else 0.0)
    return (best if share >= limits.majority and lead >= limits.lead else None), share


def load_vote(
    views: Sequence[View], way: Way, limits: Thresholds, *, neighbour_unseen: bool, final: bool
) -> LoadVote:
    """The class of the load that these tags and beams make.

    Right behind the beams no tag can have shown yet that it stayed: such votes count at the end.
    """
    votes = [vote for view in views if (vote := vote_of(view, limits)) is not None]
    if way in ("in", "out") and not final:
        votes = [vote for vote in votes if vote.direction != "not_crossed"]
    next_at = None
    if way not in ("in", "out"):
        votes, next_at = first_load(votes, limits)
    best, share = tally(votes, limits)
    crossers = [vote for vote in votes if vote.direction == best]
    times = [vote.crossed_at for vote in crossers if vote.crossed_at is not None]
    at = int(median(times)) if times else None
    direction, confidence = _class(way, best, share, crossers, limits)
    if neighbour_unseen and way not in ("in", "out") and direction in ("in", "out"):
        direction = "undecided"
    return LoadVote(direction, round(confidence, 3), at, len(votes), next_at)


def _class(
    way: Way, best: Direction | None, share: float, crossers: Sequence[Vote], limits: Thresholds
) -> tuple[Direction, float]:
    if way in ("in", "out"):
        if best is None or best == way:
            return way, WITH_BEAM if best else BEAM_ALONE
        sure = sum(vote.weight for vote in crossers) >= LIKELY
        return ("undecided", share) if sure else (way, BEAM_ALONE)
    if way in ("turned", "half", "open"):
        if best in ("in", "out"):
            return "undecided", share
        if way == "open" and best is None:
            return "undecided", share
        return "not_crossed", max(share, BEAM_ALONE)
    if best is None:
        return ("undecided" if share else "not_crossed"), share
    mean = sum(vote.weight for vote in crossers) / len(crossers)
    if best == "not_crossed":
        return best, share * mean
    if len(crossers) == 1 and mean < limits.alone:
        return "undecided", share * mean
    return best, share * mean
