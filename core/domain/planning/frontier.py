"""States of the frontier programme: degree parity and component of each cross-aisle's node.

A walk that collects everything is a connected multigraph whose degrees are even, save at two
different ends (Ratliff and Rosenthal 1983; Roodbergen and de Koster 2001; Cambazard and Catusse,
arXiv 1512.06649). Sweeping the aisles from left to right, a state is one label for each of the h
nodes of the current aisle: 0 when no edge touches it, else 2 * component + parity, components
counted from 1 from the top. `NOTHING` means nothing walked yet, `DONE` that the walk is complete.
"""

from __future__ import annotations

State = tuple[int, ...]
# How often each gap of a stretch, or each cross-aisle between two aisles, is walked.
Edges = tuple[int, ...]
# How a stretch of aisle meets its two ends: edges at the top and at the bottom (0, 1 or 2 for an
# even number), and whether the stretch joins them. ISLAND is a walk that never leaves the stretch.
Kind = tuple[int, int, bool]
DONE: State = (-1,)
EMPTY: Kind = (0, 0, False)
ISLAND: Kind = (0, 0, True)
CROSS: Kind = (1, 1, True)
TWICE: Kind = (2, 2, True)


def nothing(height: int) -> State:
    """The first state of a sweep over `height` cross-aisles."""
    return (0,) * height


def canonical(labels: list[int]) -> State:
    """The same labels with components numbered from the top."""
    names: dict[int, int] = {}
    found = []
    for label in labels:
        name = label >> 1
        if name and name not in names:
            names[name] = len(names) + 1
        found.append(names[name] * 2 + (label & 1) if name else 0)
    return tuple(found)


def _attach(labels: list[int], node: int, edges: int) -> None:
    fresh = 2 * (len(labels) + 1 + node)
    labels[node] = (labels[node] or fresh) ^ (edges & 1)


def after_stretch(state: State, top: int, kind: Kind) -> State | None:
    """The state once the stretch between nodes `top` and `top + 1` is walked as `kind` says."""
    if kind == EMPTY:
        return state
    if kind == ISLAND:
        return DONE if state != DONE and not any(state) else None
    if state == DONE:
        return None
    labels = list(state)
    if kind[0]:
        _attach(labels, top, kind[0])
    if kind[1]:
        _attach(labels, top + 1, kind[1])
    if kind[2]:
        upper, lower = labels[top] >> 1, labels[top + 1] >> 1
        labels = [upper * 2 + (x & 1) if x >> 1 == lower else x for x in labels]
    return canonical(labels)


def after_touch(state: State, node: int, odd: int) -> State | None:
    """The state once the walk must stand on `node`; `odd` is 1 where it begins or ends there."""
    if state == DONE:
        return None
    labels = list(state)
    _attach(labels, node, odd)
    return canonical(labels)


def after_cross(state: State) -> tuple[tuple[State, Edges, int], ...]:
    """Every next aisle's state, the edges along every cross-aisle (0, 1 or 2), and their sum."""
    if state == DONE or not any(state):
        return ((state, (), 0),)
    choices: list[list[int]] = [[]]
    for label in state:
        options = (0,) if not label else (1,) if label & 1 else (0, 2)
        choices = [[*chosen, option] for chosen in choices for option in options]
    components = {label >> 1 for label in state if label}
    found: list[tuple[State, Edges, int]] = []
    for chosen in choices:
        kept = {label >> 1 for label, edges in zip(state, chosen, strict=True) if edges}
        if kept == components:
            labels = [
                (label & ~1) | (edges & 1) if edges else 0
                for label, edges in zip(state, chosen, strict=True)
            ]
            found.append((canonical(labels), tuple(chosen), sum(chosen)))
        elif not kept and len(components) == 1:
            found.append((DONE, (), 0))
    return tuple(found)
