"""The tour solver `fast_tsp` behind the port `core.domain.planning.tour.Solver`.

It wants symmetric whole distances up to 65,535 and a round trip: distances are scaled, and a node
that is near the start and the end alone turns the walk between them into a round trip.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import fast_tsp

from core.domain.planning.floor import Matrix
from core.domain.planning.tour import Solver, is_symmetric

_TOP = 65_535
_MIN_STOPS = 4


def fast_tours(*, budget_s: float) -> Solver:
    """A solver that spends at most `budget_s`, less where it has converged before."""

    def solve(matrix: Matrix) -> Sequence[int] | None:
        return _solve(matrix, budget_s)

    return solve


def _solve(matrix: Matrix, budget_s: float) -> Sequence[int] | None:
    size = len(matrix)
    longest = max(map(max, matrix))
    if size - 2 < _MIN_STOPS or not 0 < longest < inf or not is_symmetric(matrix):
        return None
    scale = _TOP / (3 * longest)
    rows = [[round(matrix[max(a, b)][min(a, b)] * scale) for b in range(size)] for a in range(size)]
    for number, row in enumerate(rows):
        row.append(0 if number in (0, size - 1) else _TOP)
    rows.append([0, *[_TOP] * (size - 2), 0, 0])
    tour = fast_tsp.find_tour(rows, duration_seconds=budget_s, stop_when_converged=True)
    at = tour.index(size)
    walk = [*tour[at + 1 :], *tour[:at]]
    if walk[0] != 0:
        walk.reverse()
    return walk[1:-1] if (walk[0], walk[-1]) == (0, size - 1) else None
