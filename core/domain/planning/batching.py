"""Orders to batches that one picker walks: savings start, then annealing with exact walks.

The simple rule is the savings answer (Clarke and Wright, savings recomputed after every merge); the
annealed one is never longer, and the budget ends the search.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp
from random import Random

from core.domain.errors import Refused

# Metres of the walk over these orders (numbers from 0).
Cost = Callable[[Sequence[int]], float]
MOST_REMEMBERED = 2_000_000
# Start and end of the temperature, as a share of the mean length of a batch.
HOT, COLD = 0.03, 0.001
SWAPS = 0.6


@dataclass(frozen=True, slots=True)
class Batches:
    """Order numbers by batch and their metres; metres by savings alone and in order of coming."""

    batches: tuple[tuple[int, ...], ...]
    length: float
    savings_length: float
    first_come_length: float
    steps: int


class _Memo:
    """Lengths of batches that were asked for before, by the bits of their orders."""

    def __init__(self, cost: Cost) -> None:
        self._cost, self._known = cost, dict[int, float]()

    def __call__(self, batch: Sequence[int]) -> float:
        key = 0
        for order in batch:
            key |= 1 << order
        found = self._known.get(key)
        if found is None:
            if len(self._known) > MOST_REMEMBERED:
                self._known.clear()
            found = self._known[key] = self._cost(batch)
        return found


def first_come(sizes: Sequence[int], capacity: int) -> list[list[int]]:
    """Batches filled in the order that the orders came in."""
    _check(sizes, capacity)
    batches: list[list[int]] = []
    left = 0
    for order, size in enumerate(sizes):
        if size > left:
            batches.append([])
            left = capacity
        batches[-1].append(order)
        left -= size
    return batches


def savings(sizes: Sequence[int], capacity: int, cost: Cost) -> list[list[int]]:
    """Merge the two batches whose merger saves most, until none saves."""
    _check(sizes, capacity)
    batches = {order: [order] for order in range(len(sizes))}
    load = dict(enumerate(sizes))
    alone = {order: cost([order]) for order in batches}
    saved: dict[tuple[int, int], float] = {}

    def offer(a: int, b: int) -> None:
        if load[a] + load[b] <= capacity:
            saved[a, b] = alone[a] + alone[b] - cost([*batches[a], *batches[b]])

    for a in batches:
        for b in range(a):
            offer(a, b)
    while saved:
        (a, b), most = max(saved.items(), key=lambda pair: (pair[1], pair[0]))
        if most <= 0:
            break
        batches[a] += batches.pop(b)
        load[a] += load.pop(b)
        alone[a] = cost(batches[a])
        saved = {pair: gain for pair, gain in saved.items() if not {a, b} & set(pair)}
        for other in batches:
            if other != a:
                offer(max(a, other), min(a, other))
    return list(batches.values())


def plan_batches(
    sizes: Sequence[int],
    capacity: int,
    cost: Cost,
    *,
    seed: int,
    clock: Callable[[], float],
    budget_s: float,
    max_steps: int | None = None,
) -> Batches:
    """The shortest batches found. Refuses with `plan_capacity` an order that fits no batch."""
    until, memo = clock() + budget_s, _Memo(cost)
    merged, simple = savings(sizes, capacity, memo), first_come(sizes, capacity)
    by_savings, by_coming = sum(map(memo, merged)), sum(map(memo, simple))
    batches = merged if by_savings <= by_coming else simple
    lengths = [memo(batch) for batch in batches]
    load = [sum(sizes[order] for order in batch) for batch in batches]
    total = best = sum(lengths)
    kept, dice, step = [list(batch) for batch in batches], Random(seed), 0
    mean, spent = total / max(1, len(batches)), 0.0
    while len(sizes) > 1:
        if step % 32 == 0:
            spent = step / max_steps if max_steps else 1 - (until - clock()) / budget_s
            if spent >= 1:
                break
            heat = mean * HOT * (COLD / HOT) ** spent
        step += 1
        move = _moved(batches, load, sizes, capacity, dice)
        if move is None:
            continue
        a, b, one, other = move
        after = (memo(one) if one else 0.0), memo(other)
        change = after[0] + after[1] - lengths[a] - lengths[b]
        if change > 0 and dice.random() >= exp(-change / heat):
            continue
        for number, batch, length in ((a, one, after[0]), (b, other, after[1])):
            batches[number], lengths[number] = batch, length
            load[number] = sum(sizes[order] for order in batch)
        total += change
        if total < best - 1e-9:
            best, kept = total, [list(batch) for batch in batches if batch]
    length = sum(memo(batch) for batch in kept)
    if length > min(by_savings, by_coming) + 1e-6:
        raise AssertionError("annealed batches are never longer than the simple ones")
    return Batches(
        tuple(tuple(sorted(batch)) for batch in kept), length, by_savings, by_coming, step
    )


def _moved(
    batches: list[list[int]], load: list[int], sizes: Sequence[int], capacity: int, dice: Random
) -> tuple[int, int, list[int], list[int]] | None:
    """Two batches after an order moved over or two changed places; None where it cannot be."""
    a, b = dice.randrange(len(batches)), dice.randrange(len(batches))
    if a == b or not batches[a]:
        return None
    i = dice.randrange(len(batches[a]))
    order = batches[a][i]
    rest = [*batches[a][:i], *batches[a][i + 1 :]]
    if dice.random() >= SWAPS or not batches[b]:
        fits = load[b] + sizes[order] <= capacity
        return (a, b, rest, [*batches[b], order]) if fits else None
    j = dice.randrange(len(batches[b]))
    other = batches[b][j]
    more = sizes[other] - sizes[order]
    if load[a] + more > capacity or load[b] - more > capacity:
        return None
    return a, b, [*rest, other], [*batches[b][:j], *batches[b][j + 1 :], order]


def _check(sizes: Sequence[int], capacity: int) -> None:
    if any(not 0 < size <= capacity for size in sizes):
        raise Refused("plan_capacity", "every order holds a unit and fits a batch")
