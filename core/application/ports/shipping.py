"""What shipping needs of storage: shipments, their units, and the orders inside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol
from uuid import UUID

from core.domain.shipping import Shipment, ShipmentUnit


class ShippingStore(Protocol):
    """Shipments of one site inside one transaction."""

    async def orders_in(self, handling_unit_ids: Iterable[UUID]) -> list[UUID]:
        """Fulfilments whose goods are in these handling units or nested in them; not locked."""

    async def orders_of(self, shipment_id: UUID) -> list[UUID]:
        """Fulfilments of a shipment; not locked."""

    async def lock(self, shipment_id: UUID, owners: Sequence[str] | None) -> Shipment:
        """Lock and load a shipment that `owners` may see; else not-found."""

    async def add(self, shipment: Shipment, *, now: int) -> None:
        """Insert a shipment with its units."""

    async def add_units(self, shipment_id: UUID, units: Iterable[ShipmentUnit]) -> None:
        """Add units to a locked shipment."""

    async def save(self, shipment: Shipment, *, now: int) -> None:
        """Write state and loaded units of a locked shipment back."""

    async def settle_staged(self, shipment_ids: Iterable[UUID | None], *, now: int) -> None:
        """Planned ones of these whose units are all staged become staged."""

    async def has_portal(self, portal: str) -> bool:
        """Whether the site has this portal."""
