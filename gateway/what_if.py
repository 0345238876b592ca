"""Two replays of the same readings compared: passes that differ, tags moved otherwise, net stock.

Pure; what is compared was never written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.application.decisions import PassCall

SAME_PASS_US = 3_000_000


@dataclass(frozen=True, slots=True)
class Changed:
    """One pass under both settings; None where one of them makes no such pass."""

    portal: str
    at: int
    before: str | None
    after: str | None
    joined: tuple[str, ...]
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """`stock`: by item or handling unit, how many more (fewer) are inside under other settings."""

    same: int
    changed: tuple[Changed, ...]
    moves_before: int
    moves_after: int
    stock: dict[str, int]


def compare(before: Sequence[PassCall], after: Sequence[PassCall]) -> Difference:
    """Pair passes of one portal that are nearest in time, then tell what differs."""
    pairs, lone = _pairs(before, after)
    changed = [
        Changed(a.portal, a.occurred_at, a.direction, b.direction, *_tags(a, b))
        for a, b in pairs
        if a.direction != b.direction or moved(a) != moved(b)
    ]
    changed += [
        Changed(a.portal, a.occurred_at, a.direction, None, *_tags(a, None))
        for a in before
        if a.pass_id not in lone[0]
    ]
    changed += [
        Changed(b.portal, b.occurred_at, None, b.direction, *_tags(None, b))
        for b in after
        if b.pass_id not in lone[1]
    ]
    changed.sort(key=lambda one: (one.at, one.portal))
    inside = _inside(after)
    inside.subtract(_inside(before))
    return Difference(
        same=sum(a.direction == b.direction and moved(a) == moved(b) for a, b in pairs),
        changed=tuple(changed),
        moves_before=sum(len(moved(call)) for call in before),
        moves_after=sum(len(moved(call)) for call in after),
        stock={what: n for what, n in sorted(inside.items()) if n},
    )


def moved(call: PassCall) -> frozenset[str]:
    """The tags a pass carries through the door."""
    if call.direction not in ("in", "out"):
        return frozenset()
    return frozenset(key for key, tag in call.tags.items() if tag.crossed)


def item_of(key: str) -> str:
    """What a tag counts as: its item for a unit, itself for a handling unit."""
    return key.partition("/21/")[0]


def _inside(calls: Sequence[PassCall]) -> Counter[str]:
    found: Counter[str] = Counter()
    for call in calls:
        for key in moved(call):
            found[item_of(key)] += 1 if call.direction == "in" else -1
    return found


def _pairs(
    before: Sequence[PassCall], after: Sequence[PassCall]
) -> tuple[list[tuple[PassCall, PassCall]], tuple[set[object], set[object]]]:
    """The nearest pairs first, each pass in one pair at most; and the ids that found one."""
    near = sorted(
        (abs(a.occurred_at - b.occurred_at), i, j)
        for i, a in enumerate(before)
        for j, b in enumerate(after)
        if a.portal == b.portal and abs(a.occurred_at - b.occurred_at) <= SAME_PASS_US
    )
    used: tuple[set[int], set[int]] = (set(), set())
    pairs = []
    for _, i, j in near:
        if i not in used[0] and j not in used[1]:
            used[0].add(i)
            used[1].add(j)
            pairs.append((before[i], after[j]))
    ids = ({before[i].pass_id for i in used[0]}, {after[j].pass_id for j in used[1]})
    return pairs, (set(ids[0]), set(ids[1]))


def _tags(
    before: PassCall | None, after: PassCall | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tags that move only after, and only before."""
    old = moved(before) if before is not None else frozenset()
    new = moved(after) if after is not None else frozenset()
    return tuple(sorted(new - old)), tuple(sorted(old - new))
