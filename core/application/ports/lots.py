"""What the use cases need of lots: their recall, the goods of one, and where they came and went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from core.application.ports.carriers import Content

Row = dict[str, Any]
Owners = Sequence[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """One batch of an item; recalled goods are held wherever they appear."""

    lot_id: int
    owner_id: str
    sku: str
    code: str
    expires_at: int | None
    recalled_at: int | None


@dataclass(frozen=True, slots=True)
class InOrder:
    """An order whose tote or carton on site holds goods of a lot."""

    fulfilment_id: UUID
    order_number: int
    owner_id: str
    quantity: int


class LotStore(Protocol):
    """Lots of all owners, their goods at one site, inside one transaction."""

    async def lock(self, lot_id: int, owners: Owners) -> Lot | None:
        """Lock and load; None when there is none that these owners may see."""

    async def find(self, item_id: int, code: str) -> int | None:
        """The lot's id."""

    async def blocked(self, lot_ids: Sequence[int], *, now: int) -> list[Lot]:
        """Those of them that are recalled, or out of date at `now`."""

    async def recall(self, lot_id: int, *, now: int, reason: str, actor: str) -> None:
        """Write the recall."""

    async def release(self, lot_id: int, *, now: int, reason: str, actor: str) -> None:
        """Write the end of the recall."""

    async def goods(self, lot_id: int, *, status: str) -> list[Content]:
        """Its goods of one status on site that no order's tote or carton holds."""

    async def recalled(self, *, limit: int) -> list[Content]:
        """Available goods of recalled lots outside orders' totes and cartons."""

    async def in_orders(self, lot_id: int) -> list[InOrder]:
        """Orders that hold goods of it on site, by order number."""

    async def listed(
        self, *, owners: Owners, sku: str | None, code: str | None, limit: int, after: int | None
    ) -> list[Row]:
        """Lots by id with what is on hand of each here."""

    async def one(self, lot_id: int, owners: Owners) -> Row:
        """One lot as listed; else not-found."""

    async def trace(self, lot_id: int, *, limit: int) -> dict[str, list[Row]]:
        """`received` from outside, `here` now, `in_orders` on the floor, `shipped` to customers.

        At most `limit` rows each, the newest first.
        """
