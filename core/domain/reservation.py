"""Reservation: which quants serve which promise. Same input, same choice, never more than free."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

_NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Candidate:
    """A quant that may be picked, and how much of it nobody holds."""

    quant_id: int
    item_id: int
    lot_id: int | None
    location_id: int
    handling_unit_id: UUID | None
    kind: str
    free: int
    expires_at: int | None
    received_at: int | None
    walk_order: int


@dataclass(frozen=True, slots=True)
class Demand:
    """An open promise that wants stock."""

    promise_id: UUID
    fulfilment_id: UUID
    line_no: int
    item_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """So much of this quant for that promise."""

    demand: Demand
    candidate: Candidate
    quantity: int


def pick_order(candidate: Candidate) -> tuple[int, bool, int, int]:
    """First expired first; then pick faces; then first in, first out."""
    return (
        candidate.expires_at or _NEVER,
        candidate.kind != "pick_face",
        candidate.received_at or 0,
        candidate.quant_id,
    )


def plan_reservations(
    demands: Iterable[Demand], candidates: Iterable[Candidate]
) -> tuple[list[Chosen], dict[UUID, int]]:
    """Serve demands in the order given; gives the choices and what each promise still lacks."""
    by_item: dict[int, list[Candidate]] = {}
    for candidate in sorted(candidates, key=pick_order):
        by_item.setdefault(candidate.item_id, []).append(candidate)
    free = {c.quant_id: c.free for choices in by_item.values() for c in choices}
    chosen: list[Chosen] = []
    lacking: dict[UUID, int] = {}
    for demand in demands:
        left = demand.quantity
        for candidate in by_item.get(demand.item_id, ()):
            part = min(left, free[candidate.quant_id])
            if part > 0:
                chosen.append(Chosen(demand, candidate, part))
                free[candidate.quant_id] -= part
                left -= part
            if not left:
                break
        if left:
            lacking[demand.promise_id] = left
    return chosen, lacking
