"""From an open or ending pass to its call: class of the load, each tag with its evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from core.application.decisions import PassCall, TagCall
from gateway.beams import Way
from gateway.classify import Circumstances, Company, Elsewhere, Members, members
from gateway.features import Heard
from gateway.portal import Closing, OpenPass, Portal
from gateway.thresholds import Thresholds
from gateway.tracks import INSIDE, OUTSIDE, Track
from gateway.views import Span, View, views_of
from gateway.votes import LoadVote, load_vote

EVIDENCE_RUNS = 24
AROUND_US = 1_000_000
ElsewhereOf = Callable[[Portal, View, Way], str | None]


def early_call(
    portal: Portal, load: OpenPass, *, elsewhere: ElsewhereOf, unseen: Sequence[str]
) -> PassCall | None:
    """The call of an open pass once its class is certain and its tags changed; else None."""
    load.dirty = False
    if portal.has_beams and load.beams.way not in ("in", "out"):
        return None
    call, found, views, _, _ = _call(portal, load, elsewhere, unseen, now=portal.now, closing=None)
    if call.direction not in ("in", "out"):
        return None
    if not portal.has_beams and not _is_past(call, views, portal.limits):
        return None
    asked = found.crossed | found.thin.keys()
    if not found.crossed or asked == load.asked:
        return None
    load.asked = asked
    return call


def final_call(
    portal: Portal, closing: Closing, *, elsewhere: ElsewhereOf, unseen: Sequence[str]
) -> PassCall:
    """The call of a pass that ends."""
    load = closing.load
    call, found, views, vote, span = _call(
        portal, load, elsewhere, unseen, now=closing.now, closing=closing
    )
    if vote.next_at is None or vote.crossed_at is None or not found.crossed:
        silent = closing.now - AROUND_US
        gone = {v.key for v in views if not v.settled and v.whole.last < silent}
        portal.settle(gone, closing.now)
        if _crossed(call):
            portal.settle(found.crossed, closing.now, through=span.end)
        return call
    # Two loads in one pass, which only happens where no beam parts them.
    portal.settle(found.crossed, closing.now)
    portal.reopen(load, opened=(vote.crossed_at + vote.next_at) // 2)
    return call


def _call(
    portal: Portal,
    load: OpenPass,
    elsewhere: ElsewhereOf,
    unseen: Sequence[str],
    *,
    now: int,
    closing: Closing | None,
) -> tuple[PassCall, Members, list[View], LoadVote, Span]:
    limits = portal.limits
    tracks = [t for t in portal.tracks.values() if t.last >= load.opened - limits.lookback_us]
    final = closing is not None
    vote, span, views = _class_and_span(portal, load, tracks, unseen, now, elsewhere, final=final)
    around = Circumstances(
        span=span,
        final=final,
        listening_since=portal.listening_since,
        elsewhere=_bound(elsewhere, portal, load.beams.way),
        load=_company([v for v in views if elsewhere(portal, v, load.beams.way) is None], span),
    )
    found = members(vote.direction, views, around, limits)
    direction = vote.direction
    if direction in ("in", "out") and not found.crossed and not found.thin:
        direction = "not_crossed"
    if load.blind:
        direction = "undecided"
    elif direction == "undecided" and not found.crossed:
        direction = "not_crossed"
    decider, decider_at = (closing.decider, closing.decider_at) if closing else load.decider
    call = PassCall(
        pass_id=load.pass_id,
        portal=portal.name,
        direction=direction,
        early=closing is None,
        tags=_tags(views, found, portal),
        confidence=vote.confidence,
        decider=decider,
        decider_at=decider_at,
        occurred_at=vote.crossed_at or load.beams.first_at or load.opened,
        closed_at=now if closing is not None else None,
        features=_features(load, vote, found, unseen),
        said=load.said,
    )
    return call, found, views, vote, span


def _class_and_span(
    portal: Portal,
    load: OpenPass,
    tracks: Sequence[Track],
    unseen: Sequence[str],
    now: int,
    elsewhere: ElsewhereOf,
    *,
    final: bool,
) -> tuple[LoadVote, Span, list[View]]:
    """With beams the span is theirs; without, it lies around the tags' own crossing time."""
    limits = portal.limits
    way = load.beams.way
    first, last = load.beams.first_at, load.beams.last_at
    if first is not None and last is not None and way in ("in", "out", "turned"):
        span = Span(load.opened, first - limits.core_us, last + limits.core_us, now)
    else:
        span = Span(load.opened, load.opened - limits.lookback_us, now + 1, now)
    views = views_of(tracks, span, limits)
    ours = [view for view in views if elsewhere(portal, view, way) is None]
    vote = load_vote(ours, way, limits, neighbour_unseen=bool(unseen), final=final)
    if way not in ("in", "out", "turned") and vote.crossed_at is not None:
        start, end = vote.crossed_at - AROUND_US, vote.crossed_at + AROUND_US
        span = Span(load.opened, start, end, now)
        views = views_of(tracks, span, limits)
    return vote, span, views


def _bound(elsewhere: ElsewhereOf, portal: Portal, way: Way) -> Elsewhere:
    return lambda view: elsewhere(portal, view, way)


def _company(views: Sequence[View], span: Span) -> Company:
    """When the tags that both sides heard, and about now, and that stood nowhere came and went."""
    moved = [v.whole for v in views if not v.settled and v.whole.both and _there(v, span)]
    if not moved:
        return Company(span.start, span.end, span.end)
    lasts = sorted(whole.last for whole in moved)
    first = int(median(whole.first for whole in moved))
    return Company(first, int(median(lasts)), lasts[len(lasts) * 9 // 10])


def _there(view: View, span: Span) -> bool:
    return view.whole.first <= span.end + AROUND_US and view.whole.last >= span.start - AROUND_US


def _crossed(call: PassCall) -> bool:
    return call.direction in ("in", "out")


def _is_past(call: PassCall, views: Sequence[View], limits: Thresholds) -> bool:
    """Without beams: certain, and the exit side's level has fallen from its peak."""
    exit_ = INSIDE if call.direction == "in" else OUTSIDE
    fallen = [
        view.whole.peak[exit_] - view.runs[-1].mean
        for view in views
        if view.key in call.tags and call.tags[view.key].crossed and view.runs[-1].side == exit_
    ]
    return bool(fallen) and call.confidence >= limits.alone and median(fallen) >= limits.motion_db


def _tags(views: Sequence[View], found: Members, portal: Portal) -> dict[str, TagCall]:
    tags: dict[str, TagCall] = {}
    for view in views:
        key = view.key
        reason = found.rejected.get(key) or found.thin.get(key)
        tags[key] = TagCall(
            epc=view.track.epc,
            crossed=key in found.crossed,
            reason=reason,
            thin=key in found.thin,
            features=_tag_features(view),
            evidence=_evidence(view),
        )
    for key in portal.late.keys() - tags.keys():
        tags[key] = TagCall(epc=portal.late[key], crossed=False, reason="late")
    return tags


def _tag_features(view: View) -> dict[str, object]:
    whole = view.whole
    return {
        "reads": whole.total,
        "outside": _side(whole, OUTSIDE),
        "inside": _side(whole, INSIDE),
        "gap_us": whole.peak_at[INSIDE] - whole.peak_at[OUTSIDE] if whole.both else None,
        "first_at": whole.first,
        "last_at": whole.last,
        "before": view.before,
        "after": view.after,
        "settled": view.settled,
    }


def _side(whole: Heard, side: int) -> dict[str, object] | None:
    if not whole.reads[side]:
        return None
    return {
        "reads": whole.reads[side],
        "peak_dbm": round(whole.peak[side], 2),
        "peak_at": whole.peak_at[side],
        "sd_db": round(whole.sd[side], 2),
    }


def _evidence(view: View) -> dict[str, object]:
    """What the pass cites: the stream places and the strongest runs of the tag."""
    best = sorted(view.runs, key=lambda run: -run.peak)[:EVIDENCE_RUNS]
    return {
        "agent": view.track.agent,
        "from": [view.runs[0].boot, view.runs[0].seq],
        "to": [view.runs[-1].boot, view.runs[-1].seq],
        "runs": [
            [run.side, run.first, run.last, run.peak_at, round(run.peak, 2), run.reads]
            for run in sorted(best)
        ],
    }


def _features(
    load: OpenPass, vote: LoadVote, found: Members, unseen: Sequence[str]
) -> dict[str, object]:
    return {
        "beams": load.beams.way,
        "edges": [[edge.at, edge.side, edge.blocked] for edge in load.beams.edges[:64]],
        "votes": vote.votes,
        "crossed": len(found.crossed),
        "rejected": len(found.rejected),
        "neighbour_unseen": list(unseen),
    }
