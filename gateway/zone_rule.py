"""One load has one door: a tag that another portal hears louder in the same time is that one's.

Times of two agents are never compared; each portal's own age of a reading is.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.beams import Way
from gateway.features import NOT_HEARD
from gateway.portal import Portal
from gateway.tracks import Track
from gateway.views import View

SLACK_US = 2_000_000
# A load that broke both beams here is here: of the tags that both sides heard, only what is far
# louder elsewhere is not its. Where a beam broke at the other door as well the louder door wins.
BEYOND_DOUBT_DB = 12.0


OVERHEARD_US = 3_000_000


def overheard(portals: Mapping[str, Portal], portal: Portal, track: Track) -> bool:
    """Whether another portal hears this tag louder in these seconds: its motion is over there."""
    mine: float | None = None
    for other in portals.values():
        theirs = other.tracks.get(track.key) if other is not portal else None
        if theirs is None:
            continue
        runs = theirs.after(other.now - OVERHEARD_US)
        if not runs:
            continue
        if mine is None:
            lately = track.after(portal.now - OVERHEARD_US)
            mine = max((run.peak for run in lately), default=NOT_HEARD)
        if max(run.peak for run in runs) - mine > portal.limits.louder_db:
            return True
    return False


def louder_elsewhere(
    portals: Mapping[str, Portal], portal: Portal, view: View, way: Way
) -> str | None:
    """The portal that hears this tag louder by more than the margin, or None.

    The beams speak for a tag that one side alone heard no more than they do for a passer-by. Such
    a tag may have come in next door a moment ago, so that door's last seconds count as well: deep
    inside it is heard no better there than here.
    """
    slack = SLACK_US if view.whole.both else max(SLACK_US, portal.limits.lookback_us)
    age = portal.now - view.whole.first + slack
    beamed = way in ("in", "out")
    best: tuple[float, str] | None = None
    for other in portals.values():
        track = other.tracks.get(view.key) if other is not portal else None
        if track is None:
            continue
        runs = track.after(other.now - age)
        limit = portal.limits.louder_db
        if beamed and other.broken_at >= other.now - age:
            limit = 0.0
        elif beamed and view.whole.both:
            limit = BEYOND_DOUBT_DB
        peak = max((run.peak for run in runs), default=view.whole.loudest)
        if peak - view.whole.loudest > limit and (best is None or peak > best[0]):
            best = (peak, other.name)
    return None if best is None else best[1]
