"""What imports need of storage: layout rows, items and stock lines, written as sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.domain.layout import ItemRow, KnownLayout, Layout
from core.domain.stock import Place


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item that is here already, and whether it has stock levels."""

    item_id: int
    sku: str
    gtin: str | None
    levels: bool


@dataclass(frozen=True, slots=True)
class Shelf:
    """What stands at a place now: all, reserved, and how much of it is serialised."""

    on_hand: int
    reserved: int
    tagged: int


@dataclass(frozen=True, slots=True)
class StoredUnit:
    """A serialised unit that is known already."""

    epc_key: str
    owner_id: str
    item_id: int
    state: str
    place: Place | None


class LayoutStore(Protocol):
    """Layout, items and first stock of one site inside one transaction."""

    async def claim_import(self, kind: str) -> bool:
        """Hold the one import of this kind until commit; false while another runs."""

    async def known(self) -> KnownLayout:
        """What the site has already."""

    async def save(self, layout: Layout, *, now: int) -> None:
        """Insert or update every row of a checked layout."""

    async def items(self, owner: str) -> Mapping[str, StoredItem]:
        """Items of an owner by SKU."""

    async def save_items(self, rows: Sequence[ItemRow], *, now: int) -> None:
        """Insert or update items; columns that the rows leave out stay as they are."""

    async def places(self, codes: Sequence[str]) -> Mapping[str, Place]:
        """Locations by code."""

    async def shelves(
        self, owner: str, keys: Sequence[tuple[int, int | None, int]]
    ) -> Mapping[tuple[int, int | None, int], Shelf]:
        """Available stock without handling unit at (item, lot, location), locked in key order."""

    async def units(self, keys: Sequence[str]) -> Mapping[str, StoredUnit]:
        """Units by key."""

    async def commission(
        self, owner: str, units: Sequence[tuple[str, int, int | None]], *, now: int
    ) -> None:
        """Insert units (key, item, lot) that are not known yet."""
