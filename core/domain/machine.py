"""Transition tables: which state of an aggregate may follow which. Every other pair is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.domain.errors import state_conflict


@dataclass(frozen=True, slots=True)
class Machine:
    """The legal transitions of one aggregate."""

    name: str
    states: tuple[str, ...]
    pairs: frozenset[tuple[str, str]]

    def allows(self, current: str, wanted: str) -> bool:
        """Whether `wanted` may follow `current`."""
        return (current, wanted) in self.pairs

    def check(self, current: str, wanted: str) -> str:
        """`wanted` if it may follow `current`; raises `Refused("state-conflict")` otherwise."""
        if (current, wanted) not in self.pairs:
            raise state_conflict(self.name, current, wanted)
        return wanted

    def sources(self, wanted: str) -> tuple[str, ...]:
        """The states from which `wanted` is legal, for a conditional UPDATE."""
        return tuple(s for s in self.states if (s, wanted) in self.pairs)


def machine(name: str, table: Mapping[str, Iterable[str]]) -> Machine:
    """Build a machine from `{state: successors}`; a state that only receives is named by its
    use.
    """
    pairs = frozenset((a, b) for a, targets in table.items() for b in targets)
    states = tuple(dict.fromkeys([*table, *(b for _, b in sorted(pairs))]))
    return Machine(name, states, pairs)
