"""What webhooks need of storage and of the network: endpoints, deliveries, one guarded sender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from core.domain.addresses import Address, Target
from core.domain.webhooks import Attempt

ALL_OWNERS = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where events go; `owner_id` is `*` for one that hears every owner."""

    endpoint_id: UUID
    owner_id: str
    url: str
    events: tuple[str, ...]
    timeout_s: int
    secret: str
    previous_secret: str | None
    rotated_at: int | None
    state: str
    state_reason: str | None
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """One event for one endpoint; the pair exists once."""

    delivery_id: UUID
    endpoint_id: UUID
    outbox_id: int
    event: str
    aggregate: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A delivery that is to be tried now, with what the endpoint says about it."""

    delivery_id: UUID
    endpoint_id: UUID
    body: bytes
    attempts: int
    url: str
    timeout_s: int
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """How a try left its delivery."""

    delivery_id: UUID
    attempts: int
    state: str
    due_at: int
    outcome: str


@dataclass(frozen=True, slots=True)
class InboundSecret:
    """Who may post orders of a channel by signature, and for which owner."""

    channel: str
    owner_id: str
    secret: str
    previous_secret: str | None
    rotated_at: int | None


class WebhookStore(Protocol):
    """Endpoints, deliveries and inbound secrets of one site inside one transaction."""

    async def endpoints(
        self, owners: Sequence[str] | None, *, after: UUID | None = None, limit: int = 501
    ) -> Sequence[Endpoint]:
        """Endpoints that these owners may see (None = all), by id."""

    async def active(self) -> Sequence[Endpoint]:
        """Every endpoint that takes events now."""

    async def endpoint(self, endpoint_id: UUID, owners: Sequence[str] | None) -> Endpoint:
        """Lock and load one endpoint; else not-found."""

    async def add(self, endpoint: Endpoint, *, limit: int) -> bool:
        """Keep a new endpoint; False when its owner has `limit` already."""

    async def delete(self, endpoint_id: UUID) -> None:
        """Delete an endpoint with its deliveries."""

    async def set_secret(self, endpoint_id: UUID, secret: str, *, previous: str, now: int) -> None:
        """Rotate."""

    async def set_state(
        self, endpoint_id: UUID, state: str, *, reason: str | None, now: int
    ) -> None:
        """Enable or disable; enabling makes what waits due now."""

    async def add_deliveries(self, deliveries: Sequence[NewDelivery], *, now: int) -> int:
        """Insert what is not there yet; how many."""

    async def due_endpoints(self, *, now: int, limit: int) -> Sequence[UUID]:
        """Active endpoints with a delivery that may be tried now."""

    async def claim(self, endpoint_id: UUID, *, now: int, lease_us: int) -> Delivery | None:
        """Lease the oldest due delivery whose aggregate has no older one that still waits."""

    async def settle(self, settled: Settled, *, now: int) -> bool:
        """Write how a try ended; False when someone else has done so."""

    async def replay(self, endpoint_id: UUID, *, since: int, now: int) -> int:
        """Make dead deliveries created since then due again; how many."""

    async def deliveries(
        self, endpoint_id: UUID, *, state: str | None, after: int | None, limit: int
    ) -> Sequence[dict[str, Any]]:
        """Deliveries of an endpoint for the interface, newest first."""

    async def forget(self, *, before: int, limit: int) -> int:
        """Delete deliveries that ended before then; how many."""

    async def inbound(self, channel: str) -> InboundSecret | None:
        """The secret of a channel."""

    async def set_inbound(self, secret: InboundSecret, *, now: int) -> None:
        """Keep a channel's secret."""

    async def seen(self, channel: str, webhook_id: str, *, now: int, since: int) -> bool:
        """Note an inbound id; True when it was there already since `since`."""


class Resolver(Protocol):
    """Looks names up; the answer is checked each time, never kept."""

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        """Every address of the name, empty when it has none; raises `Unavailable`."""


class WebhookSender(Protocol):
    """Makes one guarded HTTPS request to an address it has checked itself."""

    async def check(self, url: str) -> Target:
        """Refuse a URL that may not be an endpoint; looks its name up."""

    async def send(
        self, url: str, *, body: bytes, headers: dict[str, str], timeout_s: float
    ) -> Attempt:
        """Send once; never raises for what the other side does."""
