"""Picking: what a confirm takes from where, and what a short pick says about the bin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from core.domain.errors import wrong_field
from core.domain.states import PICK_TASK
from core.domain.stock import Place

ShortReason = Literal["missing", "damaged", "unreachable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PickTask:
    """One walk stop for one order line."""

    task_id: UUID
    fulfilment_id: UUID
    line_no: int
    reservation_id: UUID
    quant_id: int
    owner_id: str
    item_id: int
    lot_id: int | None
    location_id: int
    location_kind: str
    handling_unit_id: UUID | None
    quantity: int
    picked: int
    state: str
    wave_id: UUID | None = None
    assigned_to: str | None = None

    @property
    def left(self) -> int:
        """What is still to be picked here."""
        return self.quantity - self.picked

    @property
    def place(self) -> Place:
        """Where the goods are reserved."""
        return Place(self.location_id, self.location_kind, self.handling_unit_id)


@dataclass(frozen=True, slots=True)
class Take:
    """Goods that leave a place: one unit with its tag, or a quantity without."""

    quantity: int
    origin: Place
    lot_id: int | None
    epc_key: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A unit that the picker read: what it is and where the book has it."""

    owner_id: str
    item_id: int
    lot_id: int | None
    place: Place | None


def check_open(task: PickTask, quantity: int) -> None:
    """The task must be in someone's hands and want this much."""
    PICK_TASK.check(task.state, "picked")
    if quantity < 1 or quantity > task.left:
        raise wrong_field("/quantity", "range", "The task does not want this quantity.")


def plan_takes(
    task: PickTask, quantity: int, epcs: Sequence[str], seen: Mapping[str, Seen], *, untagged: int
) -> list[Take]:
    """Units by their tags from where the book has them; the rest from the task's bin."""
    if len(epcs) > quantity or len(set(epcs)) != len(epcs):
        raise wrong_field("/epcs", "length", "More tags than goods, or one tag twice.")
    takes = []
    for index, key in enumerate(epcs):
        unit = seen.get(key)
        if unit is None or unit.place is None or not _fits(task, unit):
            raise wrong_field(
                f"/epcs/{index}", "choice", "This unit is not the item to pick, or is not here."
            )
        takes.append(Take(1, unit.place, unit.lot_id, key))
    rest = quantity - len(epcs)
    if rest > untagged:
        raise wrong_field("/epcs", "required", "The goods here are tagged: send the tags you took.")
    if rest:
        takes.append(Take(rest, task.place, task.lot_id))
    return takes


def _fits(task: PickTask, unit: Seen) -> bool:
    return (
        unit.item_id == task.item_id
        and unit.owner_id == task.owner_id
        and unit.lot_id == task.lot_id
        and unit.place is not None
        and unit.place.status == "available"
    )
