"""What one more stop costs, for many stops at once: forward and backward sweeps kept in memory.

A stop changes one stretch, so the rest of the walk is worth one figure for each kind of crossing
that stretch (`rest`); a stop's cost is the least sum of that and the stretch's own metres.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from math import inf
from operator import sub

import numpy as np

from core.domain.errors import Refused
from core.domain.planning.arrays import Floats, steps
from core.domain.planning.blocks import Blocks, Place, Stretch
from core.domain.planning.frontier import CROSS, EMPTY, TWICE
from core.domain.planning.stretches import ways
from core.domain.planning.sweep import MAX_CROSS_AISLES

# (column of the sweep, stretch from the top), and the heights held in each stretch of a column.
Slot = tuple[int, int]
Heights = tuple[tuple[float, ...], ...]
MEMORY_BYTES = 32 << 20
MOST_PRICED = 100_000


class Walker:
    """The shortest walk over a set of places that changes; `stops` are all it may ever hold.

    Refuses with `plan_layout` and `plan_place` as the exact programme does.
    """

    def __init__(self, layout: Blocks, start: Place, end: Place, stops: Sequence[Place]) -> None:
        if len(layout.ys) > MAX_CROSS_AISLES or layout.one_way:
            raise Refused("plan_layout", "bins are chosen with up to 4 cross-aisles, no one-way")
        for place in (start, end, *stops):
            layout.check(place)
        self._layout, self._stops = layout, [layout.snapped(place) for place in stops]
        if any(place.cross >= 0 for place in self._stops):
            raise Refused("plan_place", "a bin stands in an aisle")
        start, end = layout.snapped(start), layout.snapped(end)
        self.steps = steps(len(layout.ys), ends_differ=start != end)
        self._columns(start, end)
        blocks, aisles = len(layout.ys) - 1, len(self.xs)
        self.at = [self._slot(place) for place in self._stops]
        self._held: list[list[list[float]]] = [[[] for _ in range(blocks)] for _ in range(aisles)]
        size = self.steps.size
        self._known: dict[tuple[int, Heights], tuple[Floats, Floats]] = {}
        self._most_known = max(aisles, MEMORY_BYTES // (8 * (blocks + 1) * size * (size + 1)))
        self._priced: dict[tuple[int, tuple[float, ...]], list[float]] = {}
        self._now = [self._column(column) for column in range(aisles)]
        self._forward: Floats = np.full((aisles + 1, size), np.inf)
        self._backward: Floats = np.full((aisles + 1, size), np.inf)
        self._forward[0, self.steps.first] = 0.0
        self._backward[aisles, self.steps.done] = 0.0
        self._ahead, self._behind = 0, aisles

    def _columns(self, start: Place, end: Place) -> None:
        """Xs of the sweep, sideways matrices, and where the walk begins and ends."""
        layout = self._layout
        marks = [(start, 0)] if start == end else [(start, 1), (end, 1)]
        spare = layout.is_open and all(place.cross < 0 for place, _ in marks)
        xs = {layout.xy(place)[0] for place in (start, end, *self._stops)}
        self.xs = sorted(xs if spare else xs | set(layout.xs))
        self._aisle = {x: a for a, x in enumerate(layout.xs)}
        self.touch: dict[int, list[tuple[int, int]]] = {}
        self.odd: dict[tuple[int, int], dict[float, int]] = {}
        for place, odd in marks:
            x, y = layout.xy(place)
            column = self.xs.index(x)
            if y in layout.ys:
                self.touch.setdefault(column, []).append((layout.ys.index(y), odd))
            else:
                slot = (column, sum(top <= y for top in layout.ys) - 1)
                self.odd.setdefault(slot, {})[y] = odd
        self._walls = sorted(layout.closed_aisles)
        self.cross = [
            self.steps.sideways(self._lengths(x, to))
            for x, to in zip(self.xs, [*self.xs[1:], self.xs[-1]], strict=True)
        ]

    def _lengths(self, x: float, to: float) -> Floats:
        left = max(a for a, at in enumerate(self._layout.xs) if at <= x)
        closed = self._layout.closed_cross
        crosses = range(len(self._layout.ys))
        return np.array([np.inf if (c, left) in closed and to > x else to - x for c in crosses])

    def _slot(self, place: Place) -> tuple[int, int]:
        """The column and stretch of a bin; one beside a cross-aisle belongs to the upper side."""
        top = min(sum(y <= place.at for y in self._layout.ys) - 1, len(self._layout.ys) - 2)
        return self.xs.index(self._layout.xs[place.aisle]), top

    def height(self, stop: int) -> float:
        """Where along its aisle a bin stands."""
        return self._stops[stop].at

    def add(self, stop: int) -> None:
        """The walk has to pass this stop too."""
        column, top = self.at[stop]
        insort(self._held[column][top], self._stops[stop].at)
        self._changed(column)

    def drop(self, stop: int) -> None:
        """The walk need not pass this stop any more (once for every time it was added)."""
        column, top = self.at[stop]
        self._held[column][top].remove(self._stops[stop].at)
        self._changed(column)

    def length(self) -> float:
        """Metres of the shortest walk now; `inf` where obstacles cut a stop off."""
        self._sweep_ahead()
        return float(self._forward[-1, self.steps.done])

    def with_stop(self, stops: Sequence[int]) -> list[float]:
        """Metres of the shortest walk with each one of these stops more."""
        self._sweep_ahead()
        self._sweep_behind()
        rows: dict[Slot, int] = {}
        rest = []
        for top in range(len(self._layout.ys) - 1):
            columns = sorted({self.at[stop][0] for stop in stops if self.at[stop][1] == top})
            if columns:
                rows |= {(c, top): row for row, c in enumerate(columns, start=len(rows))}
                rest.append(self._rest(columns, top))
        elsewhere = np.concatenate(rest)[[rows[self.at[stop]] for stop in stops]]
        here = np.array([self._with(stop) for stop in stops])
        found: list[float] = (elsewhere + here).min(axis=1).tolist()
        return found

    def _rest(self, columns: list[int], top: int) -> Floats:
        """(columns, kinds) metres of everything but this stretch, by how it is crossed."""
        front = self._forward[columns]
        for row, column in enumerate(columns):
            for node, odd in self.touch.get(column, ()):
                after = np.full(self.steps.size + 1, np.inf)
                np.minimum.at(after, self.steps.touched[node, odd], front[row])
                front[row] = after[:-1]
        for above in range(top):
            costs = np.array([self._now[column][0][above] for column in columns])
            front = self._through(front, costs, above)
        after_it = np.array([self._now[column][1][top + 1] for column in columns])
        behind = np.full((len(columns), self.steps.size + 1), np.inf)
        onward = self._backward[[column + 1 for column in columns]]
        (after_it[:, :, :-1] + onward[:, None, :]).min(axis=2, out=behind[:, :-1])
        found: Floats = (front[:, None, :] + behind[:, self.steps.reached[top]]).min(axis=2)
        return found

    def _through(self, front: Floats, costs: Floats, top: int) -> Floats:
        """Fronts after one stretch: (columns, size) and (columns, kinds)."""
        found = np.full((len(front), self.steps.size + 1), np.inf)
        rows = np.arange(len(front))[:, None]
        for kind, reached in enumerate(self.steps.reached[top]):
            np.minimum.at(found, (rows, reached), front + costs[:, kind, None])
        return found[:, :-1]

    def _with(self, stop: int) -> list[float]:
        """Metres by kind of the stop's stretch with that stop more."""
        column, top = self.at[stop]
        key = (stop, tuple(self._held[column][top]))
        found = self._priced.get(key)
        if found is None:
            if len(self._priced) > MOST_PRICED:
                self._priced.clear()
            found = self._priced[key] = self._offers(column, top, self._stops[stop].at)
        return found

    def _offers(self, column: int, top: int, more: float | None) -> list[float]:
        odd = self.odd.get((column, top), {})
        low, high = self._layout.ys[top], self._layout.ys[top + 1]
        aisle = self._aisle.get(self.xs[column], -1)
        held = self._held[column][top]
        heights = {*held, *odd, *(() if more is None else (more,))}
        if aisle < 0 or not heights:
            open_way = high - low if aisle >= 0 else inf
            if aisle < 0 or not any(a == aisle and low < y < high for a, y in self._walls):
                costs = {EMPTY: 0.0, CROSS: open_way, TWICE: 2 * open_way}
                return [costs.get(kind, inf) for kind in self.steps.kinds]
        inside = tuple(sorted(heights))
        walls = tuple(y for a, y in self._walls if a == aisle and low < y < high)
        if not walls and not odd:
            return self._even(low, inside, high)
        ends = tuple(bool(odd.get(y, 0)) for y in inside)
        offers = ways(Stretch(low, high, inside, ends, walls), twice=True)
        return [offers.get(kind, (inf, ()))[0] for kind in self.steps.kinds]

    def _even(self, low: float, inside: tuple[float, ...], high: float) -> list[float]:
        """The same as `ways` for a stretch without walls or ends, in the order of `EVEN`."""
        whole, first, last = high - low, inside[0], inside[-1]
        widest = max(map(sub, inside[1:], inside), default=0.0)
        left_out = 2 * (whole - widest) if len(inside) > 1 else inf
        costs = [inf, 2 * (last - first), whole, 2 * whole]
        costs += [2 * (last - low), 2 * (high - first), left_out]
        return costs + [inf] * (len(self.steps.kinds) - len(costs))

    def _changed(self, column: int) -> None:
        self._now[column] = self._column(column)
        self._ahead, self._behind = min(self._ahead, column), max(self._behind, column + 1)

    def _column(self, column: int) -> tuple[Floats, Floats]:
        """Metres by stretch and kind, and matrices from above each stretch to the next column."""
        key = (column, tuple(map(tuple, self._held[column])))
        found = self._known.get(key)
        if found is None:
            if len(self._known) > self._most_known:
                self._known.clear()
            found = self._known[key] = self._composed(column)
        return found

    def _composed(self, column: int) -> tuple[Floats, Floats]:
        blocks = len(self._layout.ys) - 1
        costs = np.array([self._offers(column, top, None) for top in range(blocks)])
        after = self.cross[column]
        matrices = [after]
        for top in reversed(range(blocks)):
            after = self.steps.before_stretch(top, costs[top], after)
            matrices.append(after)
        for node, odd in self.touch.get(column, ()):
            matrices[-1] = self.steps.before_touch(node, odd, matrices[-1])
        return costs, np.array(matrices[::-1])

    def _sweep_ahead(self) -> None:
        for column in range(self._ahead, len(self.xs)):
            through = self._forward[column][:, None] + self._now[column][1][0, :, :-1]
            through.min(axis=0, out=self._forward[column + 1])
        self._ahead = len(self.xs)

    def _sweep_behind(self) -> None:
        for column in range(self._behind - 1, -1, -1):
            back = self._now[column][1][0, :, :-1] + self._backward[column + 1]
            back.min(axis=1, out=self._backward[column])
        self._behind = 0
