"""Any floor as a directed graph, and its shortest paths (Dijkstra).

Nodes are numbers from 0; a link has a length of 0 or more in metres, or in seconds where measured
travel weighs the links. A rectangular layout becomes such a floor too, with its corners as nodes.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite

from core.domain.errors import Refused
from core.domain.planning.blocks import Blocks, Place

Corner = tuple[float, float]
Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Floor:
    """Links by node: (to, length) of every link that leaves it."""

    links: tuple[tuple[tuple[int, float], ...], ...]

    def from_node(self, node: int) -> tuple[list[float], list[int]]:
        """Distance to every node (`inf` where there is no way) and the node before it."""
        best, before = [inf] * len(self.links), [-1] * len(self.links)
        best[node] = 0.0
        queue = [(0.0, node)]
        while queue:
            so_far, here = heapq.heappop(queue)
            if so_far > best[here]:
                continue
            for to, length in self.links[here]:
                if so_far + length < best[to]:
                    best[to], before[to] = so_far + length, here
                    heapq.heappush(queue, (best[to], to))
        return best, before

    def matrix(self, nodes: Sequence[int]) -> Matrix:
        """Shortest distances between these nodes, row by row."""
        known = {node: self.from_node(node)[0] for node in set(nodes)}
        return tuple(tuple(known[a][b] for b in nodes) for a in nodes)

    def path(self, nodes: Sequence[int]) -> list[int]:
        """Every node passed when these are visited in this order by shortest ways."""
        passed = list(nodes[:1])
        for a, b in pairwise(nodes):
            before, leg = self.from_node(a)[1], [b]
            while leg[-1] != a:
                leg.append(before[leg[-1]])
            passed += leg[-2::-1] if a != b else []
        return passed


def floor(size: int, links: Iterable[tuple[int, int, float]]) -> Floor:
    """A floor of `size` nodes with directed links. Refuses with `plan_layout` what is none."""
    leaving: list[list[tuple[int, float]]] = [[] for _ in range(size)]
    for a, b, length in links:
        if not (0 <= a < size and 0 <= b < size and isfinite(length) and length >= 0):
            raise Refused("plan_layout", "a link joins two nodes with a length of 0 or more")
        leaving[a].append((b, length))
    return Floor(tuple(map(tuple, leaving)))


def of_blocks(layout: Blocks, places: Sequence[Place]) -> tuple[Floor, list[int], list[Corner]]:
    """The layout as a floor, the node of every place, and the corner of every node."""
    for place in places:
        layout.check(place)
    numbers: dict[Corner, int] = {}
    links: list[tuple[int, int, float]] = []

    def join(a: Corner, b: Corner, way: int) -> None:
        one, other = numbers.setdefault(a, len(numbers)), numbers.setdefault(b, len(numbers))
        length = abs(a[0] - b[0]) + abs(a[1] - b[1])
        links.extend([(one, other, length)] if way >= 0 else [])
        links.extend([(other, one, length)] if way <= 0 else [])

    places = [layout.snapped(place) for place in places]
    ways = dict(layout.one_way)
    for aisle, x in enumerate(layout.xs):
        heights = {*layout.ys, *(p.at for p in places if p.cross < 0 and p.aisle == aisle)}
        walls = [y for a, y in layout.closed_aisles if a == aisle]
        for low, high in pairwise(sorted(heights)):
            if not any(low < y < high for y in walls):
                join((x, low), (x, high), ways.get(aisle, 0))
    for cross, y in enumerate(layout.ys):
        across = sorted({*layout.xs, *(p.at for p in places if p.cross == cross)})
        aisle = 0
        for left, right in pairwise(across):
            aisle += aisle + 1 < len(layout.xs) and layout.xs[aisle + 1] <= left
            if (cross, aisle) not in layout.closed_cross:
                join((left, y), (right, y), 0)
    nodes = [numbers.setdefault(layout.xy(place), len(numbers)) for place in places]
    return floor(len(numbers), links), nodes, list(numbers)
