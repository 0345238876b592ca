"""Bins and walk chosen together under a price for every item: the Lagrangian of the bin choice.

A walk earns an item's price for every stretch that passes the item, so the cheapest walk is one
sweep. Prices rise where an item is passed nowhere and fall where it is passed twice (subgradient
with Polyak's step); the best value is a proven lower bound of every choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from core.domain.planning.arrays import Floats, Ints, Steps
from core.domain.planning.frontier import CROSS, EMPTY, Kind
from core.domain.planning.marginal import Walker

DOWN: Kind = (2, 0, False)
UP: Kind = (0, 2, False)
BOTH: Kind = (2, 2, False)
PATIENCE = 8


class Prices:
    """Prices of items and the bins that the cheapest walk under them passes.

    `serves[stop]` is (item, share of the item's demand in this bin); items are numbered from 0.
    """

    def __init__(
        self, walker: Walker, ys: Sequence[float], serves: Mapping[int, tuple[int, float]]
    ) -> None:
        self._steps, self._columns = walker.steps, len(walker.xs)
        self._touch, self._cross = walker.touch, [matrix[:, :-1] for matrix in walker.cross]
        self._blocks, self._items = len(ys) - 1, 1 + max(item for item, _ in serves.values())
        rows = self._columns * self._blocks
        inside: list[list[tuple[float, int, int, float]]] = [[] for _ in range(rows)]
        for stop, (item, share) in serves.items():
            column, top = walker.at[stop]
            inside[column * self._blocks + top].append((walker.height(stop), stop, item, share))
        width = max(map(len, inside))
        self._low = np.array([ys[row % self._blocks] for row in range(rows)])
        self._high = np.array([ys[row % self._blocks + 1] for row in range(rows)])
        self._y = np.repeat(self._high[:, None], width, axis=1)
        self._stop = np.full((rows, width), -1, dtype=np.intp)
        self._item = np.full((rows, width), self._items, dtype=np.intp)
        self._down, self._up = np.zeros((rows, width)), np.zeros((rows, width))
        for row, bins in enumerate(inside):
            for at, (y, stop, item, share) in enumerate(sorted(bins)):
                self._y[row, at], self._stop[row, at], self._item[row, at] = y, stop, item
                self._down[row, at] = self._up[row, at] = share
            self._mask(row, self._down, range(len(bins)))
            self._mask(row, self._up, range(len(bins) - 1, -1, -1))
        self.price = np.zeros(self._items + 1)
        self.best_price, self.bound = self.price.copy(), 0.0
        self._pace, self._stale = 1.0, 0
        self._sources = [_sources(self._steps, top) for top in range(self._blocks)]
        self._layers: list[tuple[int, int]] = []
        for column in range(self._columns):
            self._layers += [(-1, -1) for _ in self._touch.get(column, ())]
            self._layers += [(column, top) for top in range(self._blocks)] + [(column, -1)]
        self._fronts = np.full((len(self._layers) + 1, self._steps.size + 1), np.inf)
        self._fronts[0, self._steps.first] = 0.0
        self._sourced = {mark: _touch_sources(self._steps, *mark) for mark in _marks(self._touch)}

    def _mask(self, row: int, shares: Floats, order: Sequence[int]) -> None:
        """A bin that serves an item whole pays only where the walk meets the item first."""
        seen: set[int] = set()
        for at in order:
            item = int(self._item[row, at])
            if shares[row, at] >= 1.0:
                shares[row, at] = 0.0 if item in seen else 1.0
                seen.add(item)

    def walked(self, price: Floats) -> tuple[float, list[int]]:
        """Metres less prices earned of the cheapest walk, and the stops that it passes."""
        rows = np.arange(len(self._low))
        gained = np.cumsum(price[self._item] * self._down, axis=1)
        back = np.cumsum((price[self._item] * self._up)[:, ::-1], axis=1)[:, ::-1]
        zero = np.zeros((len(rows), 1))
        ahead = np.hstack((zero, 2 * (self._y - self._low[:, None]) - gained))
        behind = np.hstack((2 * (self._high[:, None] - self._y) - back, zero))
        first = np.minimum.accumulate(ahead, axis=1)
        last = np.minimum.accumulate(behind[:, ::-1], axis=1)[:, ::-1]
        split = (first + last).argmin(axis=1)
        costs = np.full((len(rows), len(self._steps.kinds) + 1), np.inf)
        kinds = self._steps.kinds
        costs[:, kinds.index(EMPTY)] = 0.0
        costs[:, kinds.index(CROSS)] = self._high - self._low - gained[:, -1]
        costs[:, kinds.index(DOWN)] = ahead.min(axis=1)
        costs[:, kinds.index(UP)] = behind.min(axis=1)
        costs[:, kinds.index(BOTH)] = first[rows, split] + last[rows, split]
        value, chosen = self._swept(costs)
        passed: list[int] = []
        for row, kind in chosen:
            stops = self._stop[row]
            top, bottom = 0, len(stops)
            if kinds[kind] == DOWN:
                top = int(ahead[row].argmin())
            elif kinds[kind] == UP:
                bottom = int(behind[row].argmin())
            elif kinds[kind] == BOTH:
                at = int(split[row])
                top = int(ahead[row, : at + 1].argmin())
                bottom = at + int(behind[row, at:].argmin())
            else:
                top = len(stops)
            passed += [s for s in (*stops[:top].tolist(), *stops[bottom:].tolist()) if s >= 0]
        return value, passed

    def improved(self, upper: float, serves: Mapping[int, tuple[int, float]]) -> list[int]:
        """Walk under the prices, raise the bound, correct the prices; the stops passed."""
        value, passed = self.walked(self.price)
        bound = value + float(self.price.sum())
        self._stale += 1
        if bound > self.bound + 1e-9:
            self.bound, self.best_price, self._stale = bound, self.price.copy(), 0
        if self._stale > PATIENCE:
            self._pace, self._stale = self._pace / 2, 0
            self.price = self.best_price.copy()
        lacking = np.ones(self._items + 1)
        lacking[-1] = 0.0
        for stop in passed:
            item, share = serves[stop]
            lacking[item] -= share
        size = float((lacking * lacking).sum())
        if size > 0:
            step = self._pace * max(upper - bound, 0.01 * upper) / size
            self.price = np.maximum(0.0, self.price + step * lacking)
        return passed

    def _swept(self, costs: Floats) -> tuple[float, list[tuple[int, int]]]:
        """The cheapest walk, and (row, kind) of every stretch that it does not leave out."""
        size, layer = self._steps.size, 0
        fronts = self._fronts
        for column in range(self._columns):
            for mark in self._touch.get(column, ()):
                fronts[layer][self._sourced[mark]].min(axis=1, out=fronts[layer + 1, :size])
                layer += 1
            for top in range(self._blocks):
                states, kinds = self._sources[top]
                through = fronts[layer][states]
                through += costs[column * self._blocks + top][kinds]
                through.min(axis=1, out=fronts[layer + 1, :size])
                layer += 1
            across = fronts[layer, :size, None] + self._cross[column]
            across.min(axis=0, out=fronts[layer + 1, :size])
            layer += 1
        done = self._steps.done
        return float(fronts[layer, done]), self._backtracked(costs, done)

    def _backtracked(self, costs: Floats, state: int) -> list[tuple[int, int]]:
        """Read from the finished state backwards, ending where nothing is walked yet."""
        chosen = []
        empty = self._steps.kinds.index(EMPTY)
        marks = [m for c in range(self._columns) for m in self._touch.get(c, ())]
        for layer in range(len(self._layers) - 1, -1, -1):
            if state == self._steps.first:
                break
            (column, top), front = self._layers[layer], self._fronts[layer]
            if column < 0:
                sources = self._sourced[marks.pop()][state]
                state = int(sources[front[sources].argmin()])
            elif top < 0:
                state = int((front[:-1] + self._cross[column][:, state]).argmin())
            else:
                row = column * self._blocks + top
                states, kinds = self._sources[top][0][state], self._sources[top][1][state]
                at = int((front[states] + costs[row][kinds]).argmin())
                if kinds[at] != empty:
                    chosen.append((row, int(kinds[at])))
                state = int(states[at])
        return chosen


def _marks(touch: Mapping[int, Sequence[tuple[int, int]]]) -> set[tuple[int, int]]:
    return {mark for marks in touch.values() for mark in marks}


def _sources(steps: Steps, top: int) -> tuple[Ints, Ints]:
    """By state: the states and kinds of stretch that lead to it, filled up with the sink."""
    usable = [steps.kinds.index(kind) for kind in (EMPTY, CROSS, DOWN, UP, BOTH)]
    into: list[list[tuple[int, int]]] = [[] for _ in range(steps.size)]
    for kind in usable:
        for state, to in enumerate(steps.reached[top][kind].tolist()):
            if to < steps.size:
                into[to].append((state, kind))
    width = max(map(len, into))
    full = [row + [(steps.size, len(steps.kinds))] * (width - len(row)) for row in into]
    pairs = np.array(full, dtype=np.intp)
    return pairs[:, :, 0], pairs[:, :, 1]


def _touch_sources(steps: Steps, node: int, odd: int) -> Ints:
    into: list[list[int]] = [[] for _ in range(steps.size)]
    for state, to in enumerate(steps.touched[node, odd].tolist()):
        if to < steps.size:
            into[to].append(state)
    width = max(map(len, into))
    return np.array([row + [steps.size] * (width - len(row)) for row in into], dtype=np.intp)
