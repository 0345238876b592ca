"""How far a position may be believed by now: its state and its age.

A gateway writes confidence 0 when a tag fell silent for longer than its own window.
"""

from __future__ import annotations

from typing import Literal

Presence = Literal["observed", "stale", "lost"]
# What no reader has heard for this long is not "here", whoever was to say so.
STALE_US = 600_000_000


def presence_of(confidence: float | None, seen_at: int | None, *, now: int) -> Presence | None:
    """The state of a position; None where no reader has ever told one."""
    if confidence is None or seen_at is None:
        return None
    if confidence <= 0.0:
        return "lost"
    return "observed" if now - seen_at < STALE_US else "stale"


def age_s(seen_at: int | None, *, now: int) -> float | None:
    """Seconds since the tag was last heard."""
    return None if seen_at is None else round(max(0, now - seen_at) / 1_000_000, 1)
