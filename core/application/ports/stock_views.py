"""Read side of stock: quants, moves, units, handling units and their journeys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

Row = dict[str, Any]
Owners = Sequence[str] | None
# (item, location, lot or 0, handling unit or "", status): the order of stock as of an instant.
AsOfPlace = tuple[int, int, int, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveFilter:
    """Which moves to list."""

    owners: Owners
    sku: str | None = None
    epc_key: str | None = None
    pass_id: UUID | None = None
    order_id: UUID | None = None


class StockViews(Protocol):
    """Stock of one site, read only."""

    async def stock(
        self,
        *,
        owners: Owners,
        sku: str | None,
        location: str | None,
        limit: int,
        after: int | None,
    ) -> list[Row]:
        """Quants by id."""

    async def stock_as_of(
        self,
        at: int,
        *,
        owners: Owners,
        sku: str | None,
        location: str | None,
        limit: int,
        after: AsOfPlace | None,
    ) -> list[Row]:
        """What the book held at an instant: moves recorded later are taken back."""

    async def moves(self, wanted: MoveFilter, *, limit: int, before: int | None) -> list[Row]:
        """Moves, newest first, by id."""

    async def unit(self, key: str, owners: Owners) -> Row:
        """One tagged unit with its place; else not-found."""

    async def handling_unit(self, name: UUID | str, owners: Owners) -> Row:
        """One handling unit with what it holds and what is nested in it; else not-found."""

    async def journey(self, key: str, owners: Owners, *, limit: int) -> list[Row]:
        """Moves, passes and positions of a unit or handling unit in time order, the newest ones."""
