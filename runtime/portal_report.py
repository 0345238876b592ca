"""Passes of a recording as documents: verdict, direction, confidence, each tag with its reason.

The verdict compares with the profile's expected list; without a list a crossed load has none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from contracts.gs1.epc import look_up
from contracts.v1 import Observation
from core.application.decisions import PassCall, TagCall
from gateway.presence import PORTAL, Change, Presence
from gateway.trace_profile import Profile
from runtime.portal_trace import Recording, Replayed


def joined(call: PassCall, profile: Profile) -> frozenset[str]:
    """Tags that moved with the load: a thin one only if the list expects it."""
    if call.direction not in ("in", "out"):
        return frozenset()
    expected = profile.expected or frozenset()
    return frozenset(
        key for key, tag in call.tags.items() if tag.crossed or (tag.thin and key in expected)
    )


def verdict_of(call: PassCall, profile: Profile) -> str | None:
    """What the pass says against the list: `missing` is said of the whole recording only."""
    if call.direction not in ("in", "out"):
        return call.direction
    if profile.expected is None:
        return None
    moved = joined(call, profile)
    return "matched" if moved <= profile.expected else "unexpected"


def passes_of(replayed: Replayed, profile: Profile) -> list[dict[str, object]]:
    """The passes in order of closing."""
    return [_pass(number, call, profile) for number, call in enumerate(replayed.calls, start=1)]


def _pass(number: int, call: PassCall, profile: Profile) -> dict[str, object]:
    moved = joined(call, profile)
    tags = [_tag(key, tag, call, moved, profile) for key, tag in sorted(call.tags.items())]
    return {
        "pass": number,
        "portal": call.portal,
        "verdict": verdict_of(call, profile),
        "direction": call.direction,
        "confidence": call.confidence,
        "occurred_at": call.occurred_at,
        "occurred": iso(call.occurred_at),
        "closed_at": call.closed_at,
        "decider": call.decider,
        "tags": tags,
        "features": call.features,
    }


def _tag(
    key: str, tag: TagCall, call: PassCall, moved: frozenset[str], profile: Profile
) -> dict[str, object]:
    crossed = key in moved
    outcome = "rejected"
    if crossed and profile.expected is not None:
        outcome = "matched" if key in profile.expected else "unexpected"
    elif crossed:
        outcome = "crossed"
    elif call.direction == "undecided" and tag.crossed:
        outcome = "undecided"
    return {
        "epc": tag.epc,
        "key": key,
        "crossed": crossed,
        "outcome": outcome,
        "reason": None if crossed or outcome == "undecided" else (tag.reason or "not_in_load"),
        "hold": look_up(tag.epc).hold,
        "features": tag.features,
    }


def tags_of(recording: Recording, replayed: Replayed, profile: Profile) -> list[dict[str, object]]:
    """One line per tag of the recording: the passes it moved in, else the last reason given."""
    found: dict[str, dict[str, object]] = {}
    states = presence_of(recording)
    for epc, reads in recording.reads.items():
        seen = look_up(epc)
        reason = replayed.beside.get(seen.key)
        entry = {"epc": epc, "key": seen.key, "reads": reads, "moved": False, "directions": []}
        found[seen.key] = {
            **entry,
            "reason": reason,
            "hold": seen.hold,
            "presence": states.get(seen.key, []),
        }
    for call in replayed.calls:
        moved = joined(call, profile)
        for key, tag in call.tags.items():
            entry = found[key]
            if key in moved:
                directions = entry["directions"]
                assert isinstance(directions, list)
                directions.append(call.direction)
                entry["moved"], entry["reason"] = True, None
            elif not entry["moved"]:
                undecided = call.direction == "undecided" and tag.crossed
                entry["reason"] = "undecided" if undecided else tag.reason or "not_in_load"
    return [found[key] for key in sorted(found)]


def presence_of(recording: Recording) -> dict[str, list[dict[str, object]]]:
    """ALE states of each tag at the gate as a whole: glimpsed, observed, lost, forgotten."""
    presence = Presence(PORTAL)
    changes: list[Change] = []
    for one in recording.told:
        if isinstance(one.what, Observation) and one.good.seen is not None:
            changes += presence.hear(one.good.seen.key, one.at, reads=one.what.count)
    found: dict[str, list[dict[str, object]]] = {}
    for change in changes:
        found.setdefault(change.key, []).append({"state": change.state, "at": change.at})
    return found


def missing_of(replayed: Replayed, profile: Profile) -> list[str]:
    """Expected keys that no pass carried."""
    moved = frozenset().union(*(joined(call, profile) for call in replayed.calls))
    return sorted((profile.expected or frozenset()) - moved)


def line_of(one: Mapping[str, object]) -> str:
    """A pass on one line, for people."""
    tags = one["tags"]
    assert isinstance(tags, Sequence)
    reasons: dict[str, int] = {}
    for tag in tags:
        if not tag["crossed"]:
            reason = tag["reason"] or "undecided"
            reasons[reason] = reasons.get(reason, 0) + 1
    crossed = sum(tag["crossed"] for tag in tags)
    return (
        f"{one['occurred']}  {one['portal']:<12} {one['direction']:<12}"
        f" {one['verdict'] or '-':<12} {one['confidence']:.3f}  crossed {crossed:>4}  "
        + (", ".join(f"{name} {n}" for name, n in sorted(reasons.items())) or "-")
    )


def iso(micros: int) -> str:
    """RFC 3339 in UTC, microseconds kept."""
    moment = dt.datetime.fromtimestamp(micros // 1_000_000, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{micros % 1_000_000:06d}Z"
