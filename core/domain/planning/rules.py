"""The simple walk that optimal ones are measured against: bins in serpentine order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from core.domain.planning.blocks import Blocks, Place


def serpentine(layout: Blocks, stops: Sequence[Place]) -> tuple[int, ...]:
    """The stops by aisle from the left, down the first used aisle and up the next in turn."""
    by_x: defaultdict[float, list[int]] = defaultdict(list)
    for number, place in enumerate(stops):
        by_x[layout.xy(place)[0]].append(number)
    order: list[int] = []
    for turn, x in enumerate(sorted(by_x)):
        order += sorted(by_x[x], key=lambda s: layout.xy(stops[s])[1], reverse=turn % 2 == 1)
    return tuple(order)


def length_in_order(
    layout: Blocks, start: Place, end: Place, stops: Sequence[Place], order: Sequence[int]
) -> float:
    """Metres of walking the stops in this order by shortest legs; no obstacles."""
    places = [start, *(stops[s] for s in order), end]
    return sum(layout.distance(a, b) for a, b in pairwise(places))


def better_serpentine(
    layout: Blocks, start: Place, end: Place, stops: Sequence[Place]
) -> tuple[int, ...]:
    """The serpentine order forwards or backwards, whichever is shorter: what metres are saved
    against."""
    order = serpentine(layout, stops)
    backwards = order[::-1]
    if length_in_order(layout, start, end, stops, backwards) < length_in_order(
        layout, start, end, stops, order
    ):
        return backwards
    return order
