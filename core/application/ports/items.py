"""What the use cases need of items: their facts and packagings, read in pages, written as sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from core.domain.items import Value

Row = dict[str, Any]
Owners = Sequence[str] | None
Facts = Mapping[str, Value | None]


class ItemStore(Protocol):
    """Items of all owners inside one transaction."""

    async def listed(
        self,
        *,
        owners: Owners,
        sku: str | None,
        text: str | None,
        limit: int,
        after: int | None,
    ) -> list[Row]:
        """Items by id with their packagings."""

    async def one(self, owner: str, sku: str) -> Row:
        """One item, locked; else not-found."""

    async def save_facts(self, owner: str, facts: Mapping[str, Facts]) -> None:
        """Write facts by SKU: a fact that is named is set, None clears it, others stay."""

    async def save_head(
        self, owner: str, sku: str, *, name: str, low: int | None, high: int | None
    ) -> None:
        """Write name and stock levels of one item."""

    async def gtins(self, owner: str) -> Mapping[str, str]:
        """SKU by GTIN of the owner's items, base unit and packagings."""

    async def packaging_gtins(self, owner: str) -> Mapping[str, str]:
        """SKU by GTIN of a packaging above the base unit."""

    async def stocked(self, owner: str, skus: Sequence[str]) -> Mapping[str, str]:
        """Tracking of those of the SKUs that have stock or tags somewhere."""
