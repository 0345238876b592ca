"""Exact length of a round trip through one block, fast enough for searches over many pick lists.

Between two used aisles a walk is in one of five states (Ratliff and Rosenthal 1983): both
cross-aisles once (`once`), the top or the bottom one twice, or both twice, joined or apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from operator import sub

from core.domain.errors import Refused
from core.domain.planning.blocks import Blocks, Place

# Bits of the heights in use, by aisle.
Picks = Mapping[int, int]


class OneBlock:
    """Round trips from one depot at the end of an aisle over the cells of one open block."""

    def __init__(self, layout: Blocks, depot: Place, places: Iterable[Place]) -> None:
        depot = layout.snapped(depot)
        if len(layout.ys) != 2 or not layout.is_open or depot.cross >= 0:
            raise Refused("plan_layout", "this is for one open block with its depot at an aisle")
        self.layout, self._depot = layout, depot
        found = [layout.snapped(place) for place in places]
        for place in (depot, *found):
            layout.check(place)
            if place.cross >= 0:
                raise Refused("plan_place", "a bin stands in an aisle")
        self._heights = sorted({place.at for place in (depot, *found)})
        self._bit = {y: 1 << number for number, y in enumerate(self._heights)}
        self._ways: dict[int, tuple[float, float, float]] = {}
        self._home = {depot.aisle: self._bit[depot.at]}

    def picks(self, places: Sequence[Place]) -> dict[int, int]:
        """The bits of these places."""
        bits: dict[int, int] = {}
        for place in map(self.layout.snapped, places):
            bits[place.aisle] = bits.get(place.aisle, 0) | self._bit[place.at]
        return bits

    def length(self, lists: Iterable[Picks]) -> float:
        """Metres of the shortest round trip over all of these pick lists."""
        bits = dict(self._home)
        for picks in lists:
            for aisle, mask in picks.items():
                bits[aisle] = bits.get(aisle, 0) | mask
        whole = self.layout.ys[1] - self.layout.ys[0]
        xs, before = self.layout.xs, -1.0
        once = top = bottom = joined = apart = inf
        for aisle in sorted(bits):
            down, up, gap = self._ways.get(bits[aisle]) or self._measured(bits[aisle])
            if before < 0:
                once, top, bottom, joined, apart = whole, down, up, 2 * whole, gap
                top, bottom = min(top, 2 * whole), min(bottom, 2 * whole)
            else:
                aside = 2 * abs(xs[aisle] - before)
                once, top, bottom = once + aside, top + aside, bottom + aside
                joined, apart = joined + 2 * aside, apart + 2 * aside
                back = min(down, up, gap)
                even = min(once + whole, joined + back, min(top, bottom, apart) + 2 * whole)
                split = min(top + min(up, gap), bottom + min(down, gap), apart + back)
                crossed = min(top, bottom, joined, apart) + whole
                once, top, bottom, joined, apart = (
                    min(crossed, once + back),
                    min(top + down, even),
                    min(bottom + up, even),
                    even,
                    split,
                )
            before = xs[aisle]
        return min(top, bottom, joined)

    def _measured(self, mask: int) -> tuple[float, float, float]:
        """Metres to return from the top, from the bottom, or from both around the widest gap."""
        low, high = self.layout.ys
        heights = [y for y in self._heights if self._bit[y] & mask]
        widest = max(map(sub, heights[1:], heights), default=0.0)
        both = 2 * (high - low - widest) if len(heights) > 1 else inf
        found = self._ways[mask] = (2 * (heights[-1] - low), 2 * (high - heights[0]), both)
        return found

    def s_shape(self, lists: Iterable[Picks]) -> float:
        """Metres of the S-shape rule: every used aisle crossed, the last one by a return."""
        bits: dict[int, int] = {}
        for picks in lists:
            for aisle, mask in picks.items():
                bits[aisle] = bits.get(aisle, 0) | mask
        if not bits:
            return 0.0
        low, high = self.layout.ys
        xs = [self.layout.xs[aisle] for aisle in (*bits, self._depot.aisle)]
        crossed, last = len(bits), 0.0
        if crossed % 2:
            down, up, _ = self._ways.get(bits[max(bits)]) or self._measured(bits[max(bits)])
            crossed, last = crossed - 1, down if self._depot.at == low else up
        return 2 * (max(xs) - min(xs)) + crossed * (high - low) + last
