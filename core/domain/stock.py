"""Stock ledger: immutable moves and the quants they imply.

For each owner, item and lot all locations sum to zero; a correction is a new, reversed move.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple
from uuid import UUID

Cause = Literal["pass", "scan", "task", "order", "count", "adjustment", "import"]
VIRTUAL_KINDS = frozenset({"supplier", "customer", "loss", "adjustment", "found", "missing"})
# Physical places whose available stock may be promised; `discrepancy` holds what nobody booked yet.
SELLABLE_KINDS = frozenset(
    {"storage", "pick_face", "staging", "dock", "conveyor", "packing", "transit"}
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where stock is: a location (with its kind) and the handling unit that holds it, if any."""

    location_id: int
    kind: str
    handling_unit_id: UUID | None = None
    status: str = "available"

    @property
    def is_virtual(self) -> bool:
        """Virtual places have no quant: their balance is the ledger's sum."""
        return self.kind in VIRTUAL_KINDS

    @property
    def is_sellable(self) -> bool:
        """Whether stock here counts as available to promise."""
        return self.status == "available" and self.kind in SELLABLE_KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One ledger line: `quantity` base units of an item from one place to another.

    Unique per (site, source, source_key): posting it again has no effect. `epc_key` names the unit
    of a serialised item (then quantity is 1).
    """

    owner_id: str
    item_id: int
    lot_id: int | None = None
    quantity: int
    origin: Place
    target: Place
    biz_step: str
    cause: Cause
    cause_id: str
    source: str
    source_key: str
    occurred_at: int
    epc_key: str | None = None
    pass_id: UUID | None = None
    reverses_move_id: int | None = None
    actor: str | None = None


class QuantKey(NamedTuple):
    """The key of a quant within a site. Sort it with `sort_key`: None sorts before values."""

    owner_id: str
    item_id: int
    lot_id: int | None
    location_id: int
    handling_unit_id: UUID | None
    status: str

    def sort_key(self) -> tuple[str, int, int, int, int, str]:
        """A total order for locking."""
        unit = 0 if self.handling_unit_id is None else self.handling_unit_id.int + 1
        return (self.owner_id, self.item_id, self.lot_id or 0, self.location_id, unit, self.status)


def quant_key(move: Move, place: Place) -> QuantKey:
    """The quant that `place` of `move` touches."""
    return QuantKey(
        move.owner_id,
        move.item_id,
        move.lot_id,
        place.location_id,
        place.handling_unit_id,
        place.status,
    )


def quant_deltas(moves: Iterable[Move]) -> dict[QuantKey, int]:
    """Net change per quant in base units, in locking order; what nets to zero is left out."""
    totals: dict[QuantKey, int] = {}
    for move in moves:
        for place, sign in ((move.origin, -1), (move.target, 1)):
            if not place.is_virtual:
                key = quant_key(move, place)
                totals[key] = totals.get(key, 0) + sign * move.quantity
    ordered = sorted(totals.items(), key=lambda entry: entry[0].sort_key())
    return {key: delta for key, delta in ordered if delta != 0}


def sellable_deltas(moves: Iterable[Move]) -> dict[tuple[str, int], int]:
    """Net change of sellable stock per (owner, item), in locking order."""
    totals: dict[tuple[str, int], int] = {}
    for move in moves:
        change = (int(move.target.is_sellable) - int(move.origin.is_sellable)) * move.quantity
        if change:
            key = (move.owner_id, move.item_id)
            totals[key] = totals.get(key, 0) + change
    return {key: totals[key] for key in sorted(totals) if totals[key] != 0}


def reverse(move: Move, *, source_key: str, occurred_at: int, reverses_move_id: int | None) -> Move:
    """The correction of `move`: the same goods the other way, under a key of its own."""
    return replace(
        move,
        origin=move.target,
        target=move.origin,
        source_key=source_key,
        occurred_at=occurred_at,
        reverses_move_id=reverses_move_id,
    )
