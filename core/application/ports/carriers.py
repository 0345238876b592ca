"""What the use cases need of handling units: their rows, their nesting, and what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from core.domain.stock import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """A pallet, carton or tote."""

    handling_unit_id: UUID
    epc_key: str
    kind: str
    state: str
    owner_id: str | None = None
    location_id: int | None = None
    parent_id: UUID | None = None
    shipment_id: UUID | None = None
    fulfilment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """Goods in a handling unit: one tagged unit, or a quantity without tags."""

    owner_id: str
    item_id: int
    lot_id: int | None
    quantity: int
    place: Place
    epc_key: str | None = None


@dataclass(frozen=True, slots=True)
class TaggedUnit:
    """A serialised unit as the book has it; `place` is None when it is not on site."""

    epc_key: str
    owner_id: str
    item_id: int
    lot_id: int | None
    place: Place | None


class CarrierStore(Protocol):
    """Handling units of one site inside one transaction."""

    async def lock(self, ids: Iterable[UUID]) -> dict[UUID, Carrier]:
        """Lock and load, in id order; unknown ids are left out."""

    async def find(self, epc_key: str) -> Carrier | None:
        """Lock and load the handling unit with this key."""

    async def identify(self, name: UUID | str) -> Carrier | None:
        """The handling unit with this id or key, not locked."""

    async def prefix(self, owner: str) -> str | None:
        """GS1 company prefix of an owner."""

    async def tree(self, ids: Iterable[UUID]) -> dict[UUID, Carrier]:
        """Lock these and all that is nested in them."""

    async def of_orders(self, fulfilment_ids: Iterable[UUID]) -> list[Carrier]:
        """Lock the handling units of these orders that are on site."""

    async def contents(self, ids: Iterable[UUID]) -> list[Content]:
        """What these handling units hold themselves, units one by one."""

    async def units(self, epc_keys: Iterable[str]) -> Mapping[str, TaggedUnit]:
        """Lock and load serialised units, in key order."""

    async def at(self, place: Place, item_id: int) -> list[Content]:
        """What a place holds of an item: tagged units in key order, then what has no tags."""

    async def expired(self, *, now: int, limit: int) -> list[Content]:
        """Available goods of lots that are out of date, from so many quants."""

    async def add(self, carrier: Carrier, *, now: int) -> None:
        """Insert a handling unit."""

    async def save(self, carriers: Iterable[Carrier], *, now: int) -> None:
        """Write state, place, nesting, shipment and order of handling units back."""

    async def next_sscc(self, owner: str) -> tuple[str | None, int]:
        """GS1 prefix of an owner and the next serial of its range, taken."""
