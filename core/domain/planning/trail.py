"""An Eulerian trail of a multigraph whose edges were chosen so that one exists (Hierholzer)."""

from __future__ import annotations

from collections import Counter, defaultdict

Corner = tuple[float, float]


class Multigraph:
    """Corners and how often each pair of neighbours is joined."""

    def __init__(self) -> None:
        self.times: defaultdict[Corner, Counter[Corner]] = defaultdict(Counter)

    def add(self, a: Corner, b: Corner, times: int) -> None:
        """Join two corners so often; 0 changes nothing."""
        if times:
            self.times[a][b] += times
            self.times[b][a] += times


def trail(graph: Multigraph, start: Corner) -> list[Corner]:
    """Every edge once, beginning at `start`: the corners in the order passed."""
    left = {corner: Counter(to) for corner, to in graph.times.items()}
    stack, found = [start], []
    while stack:
        here = stack[-1]
        onward = next((to for to, times in left.get(here, Counter()).items() if times), None)
        if onward is None:
            found.append(stack.pop())
            continue
        left[here][onward] -= 1
        left[onward][here] -= 1
        stack.append(onward)
    return found[::-1]
