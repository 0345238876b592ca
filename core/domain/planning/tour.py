"""The shortest order of stops over a matrix of distances, between a fixed start and end.

Row and column 0 of the matrix are the start, the last ones the end, the stops lie between. A
solver only proposes: what it says is checked, polished and never worse than the simple order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import inf
from random import Random

from core.domain.errors import Refused
from core.domain.planning.floor import Matrix

# A proposed order of the stops (numbers from 1), or None where the solver cannot say.
Solver = Callable[[Matrix], Sequence[int] | None]
MAX_SEGMENT = 3
ROUNDS = 20


def length(matrix: Matrix, order: Sequence[int]) -> float:
    """The walk from start over the stops in this order to the end."""
    return sum(matrix[a][b] for a, b in pairwise((0, *order, len(matrix) - 1)))


def is_symmetric(matrix: Matrix) -> bool:
    """Whether every way back is as long, but for the last digits of the sums."""
    return all(
        abs(row[b] - matrix[b][a]) <= 1e-9 * (1 + row[b])
        for a, row in enumerate(matrix)
        for b in range(a)
    )


def shortest_order(
    matrix: Matrix, simple: Sequence[int], *, seed: int, solver: Solver | None = None
) -> tuple[int, ...]:
    """The best order known; ties keep `simple`. Refuses with `plan_unreachable` a cut-off stop."""
    stops = range(1, len(matrix) - 1)
    if any(matrix[0][s] == inf or matrix[s][-1] == inf for s in stops) or matrix[0][-1] == inf:
        raise Refused("plan_unreachable", "no way leads over a stop to the end")
    if not stops:
        return ()
    proposed = solver(matrix) if solver else None
    if proposed is not None and sorted(proposed) == list(stops):
        begun = [polish(matrix, proposed)]
    else:
        begun = [shaken(matrix, nearest(matrix), seed=seed)]
    found = min((simple, *begun), key=lambda order: length(matrix, order))
    if length(matrix, found) > length(matrix, simple):
        raise AssertionError("a tour is never longer than the simple order")
    return tuple(found)


def nearest(matrix: Matrix) -> list[int]:
    """Always on to the nearest stop that is left."""
    left, order, here = set(range(1, len(matrix) - 1)), [], 0
    while left:
        row = matrix[here]
        here = min(left, key=lambda s: (row[s], s))
        left.remove(here)
        order.append(here)
    return order


def polish(matrix: Matrix, order: Sequence[int]) -> list[int]:
    """Move short segments and turn long ones around until neither shortens the walk."""
    path = [0, *order, len(matrix) - 1]
    turns = is_symmetric(matrix)
    while _moved(matrix, path, turns=turns) or (turns and _turned(matrix, path)):
        pass
    return path[1:-1]


def shaken(matrix: Matrix, order: Sequence[int], *, seed: int) -> list[int]:
    """Polish, then swap two neighbouring random segments and polish again, some rounds."""
    dice, best = Random(seed), polish(matrix, order)
    for _ in range(ROUNDS if len(best) > 3 else 0):
        a, b, c = sorted(dice.sample(range(len(best) + 1), 3))
        tried = polish(matrix, [*best[:a], *best[b:c], *best[a:b], *best[c:]])
        if length(matrix, tried) < length(matrix, best) - 1e-9:
            best = tried
    return best


def _turned(matrix: Matrix, path: list[int]) -> bool:
    """2-opt: the first stretch whose reversal shortens a symmetric walk."""
    for i in range(len(path) - 3):
        a, b = path[i], path[i + 1]
        for j in range(i + 2, len(path) - 1):
            c, d = path[j], path[j + 1]
            if matrix[a][c] + matrix[b][d] < matrix[a][b] + matrix[c][d] - 1e-9:
                path[i + 1 : j + 1] = path[j:i:-1]
                return True
    return False


def _moved(matrix: Matrix, path: list[int], *, turns: bool) -> bool:
    """Or-opt: the first segment of up to 3 stops that is better elsewhere, also reversed."""
    for size in range(1, MAX_SEGMENT + 1):
        for i in range(1, len(path) - size):
            segment = path[i : i + size]
            first, last = segment[0], segment[-1]
            before, after = path[i - 1], path[i + size]
            saved = matrix[before][first] + matrix[last][after] - matrix[before][after]
            if saved <= 1e-9:
                continue
            for j in (*range(i - 1), *range(i + size, len(path) - 1)):
                a, b = path[j], path[j + 1]
                there = matrix[a][b] + saved - 1e-9
                ahead = matrix[a][first] + matrix[last][b] < there
                if ahead or (turns and matrix[a][last] + matrix[first][b] < there):
                    del path[i : i + size]
                    at = j + 1 if j < i else j + 1 - size
                    path[at:at] = segment if ahead else segment[::-1]
                    return True
    return False
