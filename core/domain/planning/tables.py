"""Transitions between numbered states, filled on first use: one dictionary look-up each.

A state's number is the same for the life of the process; tables only grow, to the few hundred
states of 4 cross-aisles.
"""

from __future__ import annotations

from functools import cache

from core.domain.planning.frontier import (
    DONE,
    Edges,
    Kind,
    State,
    after_cross,
    after_stretch,
    after_touch,
    nothing,
)

_states: list[State] = [DONE]
_numbers: dict[State, int] = {DONE: 0}
FINISHED = 0
REFUSED = -1


def number(state: State) -> int:
    """The number of a state."""
    found = _numbers.get(state)
    if found is None:
        found = _numbers[state] = len(_states)
        _states.append(state)
    return found


def beginning(height: int) -> int:
    """The number of the first state over `height` cross-aisles."""
    return number(nothing(height))


class StretchTable(dict[int, int]):
    """State after one kind of stretch below node `top`; `REFUSED` where that is no walk."""

    def __init__(self, top: int, kind: Kind) -> None:
        super().__init__()
        self._top, self._kind = top, kind

    def __missing__(self, key: int) -> int:
        """Work the transition out and keep it."""
        reached = after_stretch(_states[key], self._top, self._kind)
        self[key] = REFUSED if reached is None else number(reached)
        return self[key]


class TouchTable(dict[int, int]):
    """State after standing on `node`."""

    def __init__(self, node: int, odd: int) -> None:
        super().__init__()
        self._node, self._odd = node, odd

    def __missing__(self, key: int) -> int:
        """Work the transition out and keep it."""
        reached = after_touch(_states[key], self._node, self._odd)
        self[key] = REFUSED if reached is None else number(reached)
        return self[key]


class CrossTable(dict[int, tuple[tuple[int, Edges, int], ...]]):
    """States after walking on to the next aisle, edges by cross-aisle and their sum."""

    def __missing__(self, key: int) -> tuple[tuple[int, Edges, int], ...]:
        """Work the transitions out and keep them."""
        self[key] = tuple((number(s), edges, n) for s, edges, n in after_cross(_states[key]))
        return self[key]


stretch_table = cache(StretchTable)
touch_table = cache(TouchTable)


@cache
def cross_table() -> CrossTable:
    """The one table of steps to the next aisle."""
    return CrossTable()
