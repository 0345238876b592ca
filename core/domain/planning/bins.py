"""Which bins serve which items: expiry windows first, then the bins that make the walk shortest.

Insertion and large neighbourhood search, every move costed by the exact walk. The simple rule is
the bin nearest to the start; the answer is never longer, and the budget ends the search.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from math import inf
from random import Random

import numpy as np

from core.domain.errors import Refused
from core.domain.planning.arrays import Floats
from core.domain.planning.blocks import Blocks, Place
from core.domain.planning.marginal import Walker
from core.domain.planning.prizes import Prices

# Items taken out of the answer and put back in one round.
LEAST_OUT, MOST_OUT = 2, 4
# A round may leave the walk this much longer than the best, falling to 0 at the budget's end.
WORSE = 0.03
EPSILON = 1e-9
# How far a round misjudges what a bin costs, so that it tries another one.
NOISES = (0.0, 0.3, 1.0)
# Share of the budget for the prices, how often their walk becomes an answer, and later rounds that
# start from shaken prices instead of the answer.
PRICING, REPAIR_EVERY, PRICED_ROUNDS = 0.15, 8, 0.1


@dataclass(frozen=True, slots=True)
class Stock:
    """Units of an item in a bin; a lower `window` (of expiry) is used up before a higher one."""

    item: int
    place: Place
    units: int
    window: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """Units to take by the number of the bin, and the walk; `rounds` of search were made."""

    takes: dict[int, int]
    length: float
    nearest_length: float
    rounds: int


@dataclass(slots=True)
class _Want:
    """An item's open units and the bins, all of one window, that may serve them."""

    units: int
    bins: list[int]
    chosen: list[int]


def split_windows(
    stock: Sequence[Stock], demand: Mapping[int, int]
) -> tuple[dict[int, int], dict[int, tuple[int, list[int]]]]:
    """Takes that the windows leave no choice about, and by item what is left to choose from.

    Refuses with `plan_short` a demand that the stock does not cover.
    """
    fixed: dict[int, int] = {}
    free: dict[int, tuple[int, list[int]]] = {}
    for item, wanted in demand.items():
        left, windows = wanted, dict[int, list[int]]()
        for number, held in enumerate(stock):
            if held.item == item and held.units > 0:
                windows.setdefault(held.window, []).append(number)
        for window in sorted(windows):
            units = sum(stock[n].units for n in windows[window])
            if left <= 0:
                break
            if units > left:
                free[item] = (left, windows[window])
            else:
                fixed |= {n: stock[n].units for n in windows[window]}
            left -= units
        if left > 0:
            raise Refused("plan_short", "the stock does not cover the demand")
    return fixed, free


def choose_bins(
    layout: Blocks,
    start: Place,
    end: Place,
    stock: Sequence[Stock],
    demand: Mapping[int, int],
    *,
    seed: int,
    clock: Callable[[], float],
    budget_s: float,
    max_rounds: int | None = None,
) -> Choice:
    """The best choice found within the budget; by `max_rounds` alone it repeats exactly."""
    until = clock() + budget_s
    fixed, free = split_windows(stock, demand)
    search = _Search(layout, start, end, stock, fixed, free)
    search.nearest(start)
    nearest = best = search.walker.length()
    if nearest == inf:
        raise Refused("plan_unreachable", "obstacles cut a bin off")
    kept, dice, made = search.state(), Random(seed), 0
    prices = search.prices(start, end)
    for number in count():
        now = clock()
        ended = number >= max_rounds if max_rounds is not None else now >= until
        if ended or not search.open_items or (prices and prices.bound >= best - EPSILON):
            break
        spent = number / max_rounds if max_rounds else 1 - (until - now) / budget_s
        made = number + 1
        if prices and spent < PRICING:
            passed = prices.improved(best, search.serves)
            if number % REPAIR_EVERY:
                continue
            search.repaired(passed, dice)
        elif prices and dice.random() < PRICED_ROUNDS:
            search.repaired(prices.walked(search.shaken(prices.best_price, dice))[1], dice)
        else:
            search.rebuilt(search.picked(dice), dice)
        found = search.walker.length()
        if found < best - EPSILON:
            best, kept = found, search.state()
        elif found > best * (1 + WORSE * max(0.0, 1 - spent)):
            search.back_to(kept)
    if best > nearest + EPSILON:
        raise AssertionError("the choice is never longer than the nearest bins")
    takes = {**fixed, **search.takes(kept)}
    return Choice(takes, best, nearest, made)


class _Search:
    """Chosen bins by item, with the walk over them."""

    def __init__(
        self,
        layout: Blocks,
        start: Place,
        end: Place,
        stock: Sequence[Stock],
        fixed: Mapping[int, int],
        free: Mapping[int, tuple[int, list[int]]],
    ) -> None:
        self._layout, self._stock = layout, stock
        self._used = [*fixed, *(n for _, bins in free.values() for n in bins)]
        self._index = {number: index for index, number in enumerate(self._used)}
        places = [stock[number].place for number in self._used]
        self.walker = Walker(layout, start, end, places)
        self._units = [float(stock[number].units) for number in self._used]
        self._wants = [
            _Want(units, [self._index[n] for n in bins], []) for units, bins in free.values()
        ]
        self.open_items = list(range(len(self._wants)))
        self._spots = np.array([layout.xy(place) for place in places]).reshape(-1, 2)
        for number in fixed:
            self.walker.add(self._index[number])

    def nearest(self, start: Place) -> None:
        """The simple rule: bins nearest to the start until the demand is covered."""
        x, y = self._layout.xy(start)
        away = np.abs(self._spots[:, 0] - x) + np.abs(self._spots[:, 1] - y)
        for want in self._wants:
            left = float(want.units)
            for stop in sorted(want.bins, key=lambda s: (away[s], s)):
                if left > 0:
                    left -= self._units[stop]
                    self._choose(want, stop)

    def _choose(self, want: _Want, stop: int) -> None:
        want.chosen.append(stop)
        self.walker.add(stop)

    def _drop(self, want: _Want, stop: int) -> None:
        want.chosen.remove(stop)
        self.walker.drop(stop)

    def state(self) -> list[list[int]]:
        """The chosen bins by item."""
        return [list(want.chosen) for want in self._wants]

    def back_to(self, state: list[list[int]]) -> None:
        """Restore what `state` gave."""
        for want, chosen in zip(self._wants, state, strict=True):
            for stop in [s for s in want.chosen if s not in chosen]:
                self._drop(want, stop)
            for stop in [s for s in chosen if s not in want.chosen]:
                self._choose(want, stop)

    def picked(self, dice: Random) -> list[int]:
        """A random item and others: the ones beside it on the floor, or any."""
        size = min(len(self._wants), dice.randint(LEAST_OUT, MOST_OUT))
        first = dice.randrange(len(self._wants))
        if dice.random() < 0.5:
            return [first, *dice.sample([i for i in self.open_items if i != first], size - 1)]
        here = self._spots[self._wants[first].chosen[0]]
        near = [
            (float(np.abs(self._spots[want.chosen[0]] - here).sum()) * dice.uniform(0.5, 1.5), item)
            for item, want in enumerate(self._wants)
            if item != first
        ]
        return [first, *(item for _, item in sorted(near)[: size - 1])]

    def rebuilt(self, items: Sequence[int], dice: Random) -> None:
        """Take these items out and put each back where it costs least, in random order."""
        for item in items:
            chosen = list(self._wants[item].chosen)
            kept = dice.randrange(len(chosen)) if len(chosen) > 1 and dice.random() < 0.5 else 0
            for stop in dice.sample(chosen, len(chosen) - kept):
                self._drop(self._wants[item], stop)
        noise = dice.choice(NOISES)
        for item in dice.sample(list(items), len(items)):
            self._insert(self._wants[item], lambda: 1 + noise * dice.random())

    def _insert(self, want: _Want, factor: Callable[[], float] = lambda: 1.0) -> None:
        left = float(want.units) - sum(self._units[stop] for stop in want.chosen)
        while left > 0:
            options = [s for s in want.bins if s not in want.chosen]
            base = self.walker.length()
            base = base if base < inf else 0.0
            lengths = self.walker.with_stop(options)
            units = self._units
            _, _, best = min(
                ((length - base) / min(units[stop], left) * factor(), -units[stop], stop)
                for stop, length in zip(options, lengths, strict=True)
            )
            left -= self._units[best]
            self._choose(want, best)
        for stop in sorted(want.chosen, key=lambda s: self._units[s]):
            if left + self._units[stop] <= 0:
                left += self._units[stop]
                self._drop(want, stop)

    def prices(self, start: Place, end: Place) -> Prices | None:
        """Prices of the items; None where the walk begins or ends within an aisle, or is closed."""
        layout = self._layout
        ends = {layout.xy(layout.snapped(place))[1] for place in (start, end)}
        if layout.closed_aisles or not ends <= set(layout.ys) or not self._used:
            return None
        self.serves: dict[int, tuple[int, float]] = {}
        for item, want in enumerate(self._wants):
            for stop in want.bins:
                self.serves[stop] = (item, min(1.0, self._units[stop] / want.units))
        settled = [stop for stop in range(len(self._used)) if stop not in self.serves]
        for item, stop in enumerate(settled, start=len(self._wants)):
            self.serves[stop] = (item, 1.0)
        return Prices(self.walker, layout.ys, self.serves)

    def shaken(self, price: Floats, dice: Random) -> Floats:
        """Prices a little off, so that another walk becomes the cheapest."""
        found: Floats = price * np.array([dice.uniform(0.6, 1.4) for _ in price])
        return found

    def repaired(self, passed: Sequence[int], dice: Random) -> None:
        """An answer from the stops that a walk passes: the lacking put in, the spare taken out."""
        held = set(passed)
        state = [[stop for stop in want.bins if stop in held] for want in self._wants]
        self.back_to(state)
        items = dice.sample(self.open_items, len(self.open_items))
        for item in items:
            want = self._wants[item]
            if sum(self._units[stop] for stop in want.chosen) < want.units:
                self._insert(want)
        for item in items:
            if len(self._wants[item].chosen) > 1:
                self.rebuilt([item], dice)

    def takes(self, state: list[list[int]]) -> dict[int, int]:
        """Units by bin: full bins first, the rest from the fullest."""
        found = {}
        for want, chosen in zip(self._wants, state, strict=True):
            left = want.units
            for stop in sorted(chosen, key=lambda s: self._units[s]):
                found[self._used[stop]] = min(left, int(self._units[stop]))
                left -= found[self._used[stop]]
        return found
