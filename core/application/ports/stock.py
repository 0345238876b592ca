"""What the use cases need of the stock ledger's storage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from core.domain.stock import Move, Place


@dataclass(frozen=True, slots=True)
class Displaced:
    """A pending reservation whose stock a physical move took away: it followed, or it was
    voided.
    """

    reservation_id: UUID
    purpose: str
    fulfilment_id: UUID | None
    line_no: int | None
    quantity: int
    followed_to: int | None


@dataclass(frozen=True, slots=True)
class Posted:
    """What a posting did: how many moves were new, and which reservations it displaced."""

    new_moves: int
    displaced: tuple[Displaced, ...] = ()


class StockStore(Protocol):
    """Moves, quants, units and availability of one site inside one transaction."""

    async def post(self, moves: Sequence[Move], *, recorded_at: int) -> Posted:
        """Append moves and apply them to quants, units and availability, once per (source,
        source_key).

        Never refuses a move because its stock is reserved: reservations follow or are voided and
        come back as `displaced` (the caller returns voided ones to their order lines). Raises
        `Refused("insufficient-stock")` when a physical source does not hold the quantity.
        """

    async def place(self, code: str) -> Place:
        """The place with this location code (status available, no handling unit); not-found
        otherwise.
        """

    async def place_by_id(self, location_id: int) -> Place:
        """The place with this id."""

    async def virtual(self, kind: str) -> Place:
        """The site's virtual place of a kind: supplier, customer, loss, adjustment, found,
        missing.
        """
