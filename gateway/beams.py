"""Light beams of a portal: which way a body went, from the order of two beams' edges.

A full sequence is a crossing; in and out again on the same side is a turn-back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from gateway.tracks import INSIDE, OUTSIDE

Way = Literal["none", "open", "half", "turned", "in", "out"]


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """One change of a beam at a device time."""

    at: int
    side: int
    blocked: bool


@dataclass(slots=True, eq=False)
class Beams:
    """The edges of one pass."""

    edges: list[Edge] = field(default_factory=list)

    def add(self, edge: Edge) -> None:
        """Take an edge; the order is that of the device."""
        self.edges.append(edge)
        self.edges.sort()

    @property
    def first_at(self) -> int | None:
        """When the first beam broke."""
        return self.edges[0].at if self.edges else None

    @property
    def last_at(self) -> int | None:
        """When the last edge came."""
        return self.edges[-1].at if self.edges else None

    @property
    def blocked(self) -> bool:
        """Whether something stands in a beam now."""
        state = {edge.side: edge.blocked for edge in self.edges}
        return any(state.values())

    @property
    def way(self) -> Way:
        """What the edges say so far."""
        broken = [edge for edge in self.edges if edge.blocked]
        if not broken:
            return "none"
        if self.blocked:
            return "open"
        entry, exit_ = broken[0].side, self.edges[-1].side
        if {edge.side for edge in broken} != {OUTSIDE, INSIDE}:
            return "half"
        if entry == exit_:
            return "turned"
        return "in" if entry == OUTSIDE else "out"
