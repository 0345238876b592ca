"""Read side of demand: rows as the interface shows them, one query per table, keyset paged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

Row = dict[str, Any]
# Members of an order's document that are shown as they came.
FROM_BODY = (
    "ship_to",
    "service",
    "notes",
    "tags",
    "customs",
    "deliver_by",
    "requested_ship_date",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders to list."""

    owners: Sequence[str] | None
    status: str | None = None
    channel: str | None = None
    external_order_id: str | None = None
    updated_since: int | None = None


class OrderViews(Protocol):
    """Orders, pick tasks, shipments and availability of one site, read only."""

    async def order(self, order_id: UUID, owners: Sequence[str] | None) -> Row:
        """One order with lines and cartons; else not-found."""

    async def orders(
        self, wanted: OrderFilter, *, limit: int, after: tuple[int, str] | None
    ) -> list[Row]:
        """Newest first, after (received_at, id)."""

    async def pick_tasks(
        self,
        *,
        owners: Sequence[str] | None,
        task_ids: Sequence[UUID] | None = None,
        state: str | None = None,
        order_id: UUID | None = None,
        limit: int = 500,
        after: tuple[str] | None = None,
    ) -> list[Row]:
        """Pick tasks with item, place and the tags that the book has there; walking order or id."""

    async def shipment(self, shipment_id: UUID, owners: Sequence[str] | None) -> Row:
        """One shipment with its units; else not-found."""

    async def shipments(
        self,
        *,
        owners: Sequence[str] | None,
        state: str | None,
        portal: str | None,
        limit: int,
        after: tuple[int, str] | None,
    ) -> list[Row]:
        """Newest first, after (created_at, id)."""

    async def availability(
        self,
        *,
        owners: Sequence[str] | None,
        skus: Sequence[str],
        limit: int,
        after: tuple[int] | None,
    ) -> list[Row]:
        """Stock by item: on hand by status, promised, reserved, incoming; by item id."""
