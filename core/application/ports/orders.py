"""What the order use cases need of storage: orders, promises, reservations with pick tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from core.domain.order_events import OrderEvent
from core.domain.orders import Fulfilment
from core.domain.reservation import Candidate, Chosen, Demand


@dataclass(frozen=True, slots=True)
class SoldItem:
    """What intake must know of an item."""

    item_id: int
    sku: str
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order as it came in; `digest` is of the body, to know a repetition from a conflict."""

    order_id: UUID
    owner_id: str
    channel: str
    external_order_id: str
    digest: bytes
    body: dict[str, Any]
    priority: str
    fill_policy: str
    received_at: int


class OrderStore(Protocol):
    """Orders and fulfilments of one site inside one transaction."""

    async def items(self, owner: str, skus: Iterable[str]) -> Mapping[str, SoldItem]:
        """Items of an owner by SKU, compared exactly."""

    async def add_order(self, order: NewOrder) -> int | None:
        """Insert an order, give its number; None when its external id exists already."""

    async def known(
        self, owner: str, channel: str, external_order_id: str
    ) -> tuple[UUID, bytes] | None:
        """Id and digest of the order under this external id."""

    async def add_fulfilment(
        self,
        order: Fulfilment,
        promises: Sequence[tuple[UUID, int, int]],
        events: Sequence[OrderEvent],
    ) -> None:
        """Insert a fulfilment, its lines, open promises (id, line, quantity) and first events.

        One statement, for the availability of its items is locked meanwhile.
        """

    async def lock(self, fulfilment_ids: Iterable[UUID]) -> dict[UUID, Fulfilment]:
        """Lock and load fulfilments, rows locked in id order; unknown ids are left out."""

    async def lock_order(self, order_id: UUID, owners: Sequence[str] | None) -> Fulfilment:
        """Lock and load the site's fulfilment of an order that `owners` may see; else not-found."""

    async def save(self, order: Fulfilment) -> Fulfilment:
        """Write a locked fulfilment and its lines back; its version grows by one."""

    async def body(self, order_id: UUID) -> dict[str, Any]:
        """The order's document."""

    async def set_body(self, order_id: UUID, body: dict[str, Any], priority: str) -> None:
        """Change the order's document; the digest of what came in stays."""

    async def replace_lines(self, order: Fulfilment) -> None:
        """Delete the lines of a fulfilment and insert these."""

    async def expired_holds(self, *, before: int, limit: int) -> list[UUID]:
        """Fulfilments on hold since before an instant that still have open promises."""


class PromiseStore(Protocol):
    """Availability and promises of one site inside one transaction."""

    async def lock(self, owner: str, items: Iterable[int]) -> None:
        """Lock the availability rows of these items, in key order."""

    async def take(self, owner: str, wanted: Mapping[int, int]) -> dict[int, int]:
        """Commit up to `wanted` per item, at most sellable - committed - safety; what was got."""

    async def give_back(self, owner: str, quantities: Mapping[int, int]) -> None:
        """Lower committed."""

    async def add(self, promises: Iterable[tuple[UUID, Fulfilment, int, int]], *, now: int) -> None:
        """Insert open promises: (id, fulfilment, line number, quantity)."""

    async def open_of(self, fulfilment_ids: Iterable[UUID]) -> list[Demand]:
        """Open promises of these fulfilments, oldest first."""

    async def close(self, promise_ids: Iterable[UUID], state: str) -> None:
        """Set open promises to reserved, voided or expired."""

    async def newest_open(self, owner: str, item_id: int) -> list[Demand]:
        """Open promises of an item, newest and least urgent first: the ones that give way."""

    async def waiting(self, *, limit: int) -> list[UUID]:
        """Fulfilments that wait for stock which is there, most urgent and oldest first."""


class ReservationStore(Protocol):
    """Reservations and their pick tasks of one site inside one transaction."""

    async def candidates(
        self, items: Iterable[int], *, now: int, excluded: Iterable[int] = ()
    ) -> list[Candidate]:
        """Lock the quants that may be picked, in key order."""

    async def reserve(
        self,
        chosen: Sequence[tuple[UUID, UUID, Chosen]],
        *,
        owner: str,
        wave_id: UUID | None,
        now: int,
    ) -> None:
        """Hold the quants and insert (reservation id, task id, choice): pending, task open."""

    async def split_promise(self, promise_id: UUID, *, left: int, part_id: UUID) -> None:
        """A part release: the open promise keeps `left`, the rest is a reserved one of its own."""

    async def void(self, fulfilment_id: UUID, *, now: int) -> dict[int, int]:
        """Void pending reservations, free their quants, cancel the tasks; quantity by line."""

    async def cancel_tasks(self, reservation_ids: Iterable[UUID], *, now: int) -> None:
        """Cancel the pick tasks of these reservations that are not done."""

    async def add_wave(self, wave_id: UUID, *, rule: str, now: int) -> None:
        """Insert a released wave."""

    async def releasable(self, *, limit: int, owners: Sequence[str] | None) -> list[UUID]:
        """Fulfilments with open promises that may go to the floor, most urgent and oldest first."""
