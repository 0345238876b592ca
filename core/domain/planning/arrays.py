"""The frontier programme as arrays: every state of a height numbered, every step one gather.

`Steps.reached[k, s]` is the state after the k-th (node below, kind) of stretch; the sink `size`
stands for refused. The same sweep as `sweep.py`, so lengths are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import numpy.typing as npt

from core.domain.planning.frontier import (
    CROSS,
    DONE,
    EMPTY,
    ISLAND,
    TWICE,
    Kind,
    State,
    after_cross,
    after_stretch,
    after_touch,
    nothing,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
EVEN: tuple[Kind, ...] = (EMPTY, ISLAND, CROSS, TWICE, (2, 0, False), (0, 2, False), (2, 2, False))
# Where the walk begins or ends inside a stretch, one of its ends may have an odd number of edges.
ODD: tuple[Kind, ...] = (
    (1, 2, True),
    (2, 1, True),
    (1, 0, False),
    (0, 1, False),
    (1, 1, False),
    (1, 2, False),
    (2, 1, False),
)


@dataclass(frozen=True, slots=True)
class Steps:
    """States over `height` cross-aisles; `kinds` are offered in every stretch."""

    height: int
    kinds: tuple[Kind, ...]
    size: int
    first: int
    done: int
    # By the node above the stretch: (kinds, size) states reached.
    reached: tuple[Ints, ...]
    # By (node, odd): (size,) states reached by standing there.
    touched: dict[tuple[int, int], Ints]
    # Steps to the next aisle: from, to, and how often each cross-aisle is walked.
    leave: Ints
    enter: Ints
    edges: Floats

    def sideways(self, lengths: Floats) -> Floats:
        """(size, size + 1) least metres from state to state, given metres by cross-aisle."""
        matrix = np.full((self.size, self.size + 1), np.inf)
        used = np.where(self.edges > 0, lengths, 0.0)
        np.minimum.at(matrix, (self.leave, self.enter), (self.edges * used).sum(axis=1))
        return matrix

    def before_stretch(self, top: int, costs: Floats, after: Floats) -> Floats:
        """(size, size + 1) least metres through a stretch, then through `after`."""
        open_rows = np.vstack((after, np.full((1, self.size + 1), np.inf)))
        kinds = np.flatnonzero(np.isfinite(costs))
        through: Floats = open_rows[self.reached[top][kinds]] + costs[kinds, None, None]
        found: Floats = through.min(axis=0)
        return found

    def before_touch(self, node: int, odd: int, after: Floats) -> Floats:
        """(size, size + 1) least metres where the walk stands on `node`, then through `after`."""
        open_rows = np.vstack((after, np.full((1, self.size + 1), np.inf)))
        found: Floats = open_rows[self.touched[node, odd]]
        return found


@cache
def steps(height: int, *, ends_differ: bool) -> Steps:
    """All states that a walk over so many cross-aisles can be in."""
    kinds = (*EVEN, *ODD) if ends_differ else EVEN
    touches = list(product(range(height), (0, 1) if ends_differ else (0,)))
    numbers: dict[State, int] = {nothing(height): 0, DONE: 1}
    todo = list(numbers)
    while todo:
        state = todo.pop()
        stretched = [after_stretch(state, t, k) for t in range(height - 1) for k in kinds]
        stood = [after_touch(state, node, odd) for node, odd in touches]
        for found in (*stretched, *stood, *(to for to, _, _ in after_cross(state))):
            if found is not None and found not in numbers:
                numbers[found] = len(numbers)
                todo.append(found)
    size = len(numbers)

    def number(state: State | None) -> int:
        return size if state is None else numbers[state]

    across = [
        (numbers[state], numbers[to], edges or (0,) * height)
        for state in numbers
        for to, edges, _ in after_cross(state)
    ]
    return Steps(
        height,
        kinds,
        size,
        0,
        1,
        tuple(
            np.array([[number(after_stretch(s, t, k)) for s in numbers] for k in kinds])
            for t in range(height - 1)
        ),
        {
            (node, odd): np.array([number(after_touch(s, node, odd)) for s in numbers])
            for node, odd in touches
        },
        np.array([a for a, _, _ in across]),
        np.array([b for _, b, _ in across]),
        np.array([edges for _, _, edges in across], dtype=np.float64),
    )
