"""The ways to walk one stretch of an aisle, the cheapest of each kind."""

from __future__ import annotations

from math import inf

from core.domain.planning.blocks import Stretch
from core.domain.planning.frontier import CROSS, EMPTY, ISLAND, TWICE, Edges, Kind


def ways(stretch: Stretch, *, twice: bool) -> dict[Kind, tuple[float, Edges]]:
    """Cost and edges by kind. With `twice`, crossing there and back without need is offered too.

    The parity of one gap fixes all others; an even gap is walked twice or not at all, and a stop
    must stay joined to an end, so at most one gap is left out (two for an `ISLAND`).
    """
    gaps = stretch.gaps()
    if not stretch.stops:
        found: dict[Kind, tuple[float, Edges]] = {EMPTY: (0.0, (0,))}
        if gaps[0] < inf:
            found[CROSS] = (gaps[0], (1,))
            if twice:
                found[TWICE] = (2 * gaps[0], (2,))
        return found
    found = {}
    for parity in (0, 1):
        edges = [1 if parity else 2]
        for odd in stretch.odd:
            edges.append(3 - edges[-1] if odd else edges[-1])
        _offer(found, gaps, edges, twice=twice)
    return found


def _offer(
    found: dict[Kind, tuple[float, Edges]], gaps: list[float], edges: list[int], *, twice: bool
) -> None:
    last = len(gaps) - 1
    walls = [g for g, gap in enumerate(gaps) if gap == inf]
    even = [g for g, count in enumerate(edges) if count == 2]
    left_out: list[tuple[int, ...]] = [(g,) for g in even]
    if twice or len(even) <= last:
        left_out.append(())
    if 0 in even and last in even:
        left_out.append((0, last))
    inner = [g for g in even if 0 < g < last]
    widest = max(inner, key=lambda g: gaps[g], default=-1)
    for out in left_out:
        if any(wall not in out for wall in walls) or (out and out[0] in inner and out[0] != widest):
            continue
        taken = tuple(0 if g in out else count for g, count in enumerate(edges))
        kind: Kind = (taken[0], taken[-1], not out)
        if out == (0, last):
            kind = ISLAND
        cost = sum(count * gap for count, gap in zip(taken, gaps, strict=True) if count)
        if kind not in found or cost < found[kind][0]:
            found[kind] = (cost, taken)


def fewest(offers: dict[Kind, tuple[float, Edges]]) -> list[tuple[Kind, float]]:
    """Kinds and costs alone."""
    return [(kind, cost) for kind, (cost, _) in offers.items()]
