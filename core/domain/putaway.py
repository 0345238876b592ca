"""Directed putaway: the nearest bin with room, one that holds the item already first.

Room counts what is on its way, so two forklifts never get one place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.domain.errors import Refused


@dataclass(frozen=True, slots=True)
class Bin:
    """A storage bin: `coming` is what tasks under way will bring, in base units like the rest."""

    location_id: int
    code: str
    x_m: float
    y_m: float
    capacity: int | None
    on_hand: int
    coming: int
    items: frozenset[int]

    @property
    def room(self) -> int | None:
        """What still fits; None without a limit."""
        if self.capacity is None:
            return None
        return max(0, self.capacity - self.on_hand - self.coming)

    def takes(self, quantity: int) -> bool:
        """Whether the quantity fits beside what is here and on its way."""
        return self.room is None or self.room >= quantity


def choose_bin(
    bins: Iterable[Bin], *, quantity: int, items: frozenset[int], from_x: float, from_y: float
) -> Bin | None:
    """The best bin for these goods, or None when nothing has the room. Same input, same choice."""
    fitting = [place for place in bins if place.takes(quantity)]
    return min(
        fitting,
        key=lambda place: (
            _rank(place, items),
            abs(place.x_m - from_x) + abs(place.y_m - from_y),
            place.code,
        ),
        default=None,
    )


def _rank(place: Bin, items: frozenset[int]) -> int:
    """0 holds the item already, 1 is empty and promised to nobody, 2 mixes with other goods."""
    if place.items & items:
        return 0
    return 1 if place.on_hand == 0 and place.coming == 0 else 2


def check_room(place: Bin, quantity: int) -> None:
    """Refuse a putaway that the bin cannot hold."""
    if not place.takes(quantity):
        raise Refused(
            "bin-full",
            f"The bin has room for {place.room} and {quantity} were to go there. Take another bin.",
            location=place.code,
            room=place.room,
            wanted=quantity,
        )
