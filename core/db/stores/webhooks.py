"""Webhook endpoints, deliveries and inbound secrets in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from core.application.ports.webhooks import (
    Delivery,
    Endpoint,
    InboundSecret,
    NewDelivery,
    Settled,
)
from core.db.stores import webhooks_sql as sql
from core.domain.errors import not_found
from core.domain.webhooks import live_secrets


class PgWebhookStore:
    """`WebhookStore` on one raw connection inside a transaction."""

    def __init__(self, raw: asyncpg.Connection[Any], site: str) -> None:
        self._raw = raw
        self._site = site

    async def endpoints(
        self, owners: Sequence[str] | None, *, after: UUID | None = None, limit: int = 501
    ) -> Sequence[Endpoint]:
        """See the port."""
        rows = await self._raw.fetch(sql.ENDPOINTS, self._site, owners, after, limit)
        return [_endpoint(row) for row in rows]

    async def active(self) -> Sequence[Endpoint]:
        """See the port."""
        return [_endpoint(row) for row in await self._raw.fetch(sql.ACTIVE, self._site)]

    async def endpoint(self, endpoint_id: UUID, owners: Sequence[str] | None) -> Endpoint:
        """See the port."""
        row = await self._raw.fetchrow(sql.ENDPOINT, self._site, endpoint_id, owners)
        if row is None:
            raise not_found("webhook")
        return _endpoint(row)

    async def add(self, endpoint: Endpoint, *, limit: int) -> bool:
        """See the port."""
        await self._raw.execute(sql.LOCK_OWNER, self._site, endpoint.owner_id)
        if await self._raw.fetchval(sql.COUNT, self._site, endpoint.owner_id) >= limit:
            return False
        await self._raw.execute(
            sql.ADD,
            endpoint.endpoint_id,
            self._site,
            endpoint.owner_id,
            endpoint.url,
            list(endpoint.events),
            endpoint.timeout_s,
            endpoint.secret,
            endpoint.created_at,
        )
        return True

    async def delete(self, endpoint_id: UUID) -> None:
        """See the port."""
        await self._raw.execute(sql.DELETE_DELIVERIES, endpoint_id)
        await self._raw.execute(sql.DELETE, self._site, endpoint_id)

    async def set_secret(self, endpoint_id: UUID, secret: str, *, previous: str, now: int) -> None:
        """See the port."""
        await self._raw.execute(sql.SET_SECRET, self._site, endpoint_id, secret, previous, now)

    async def set_state(
        self, endpoint_id: UUID, state: str, *, reason: str | None, now: int
    ) -> None:
        """See the port."""
        await self._raw.execute(sql.SET_STATE, self._site, endpoint_id, state, reason, now)
        if state == "active":
            await self._raw.execute(sql.WAKE, endpoint_id, now)

    async def add_deliveries(self, deliveries: Sequence[NewDelivery], *, now: int) -> int:
        """See the port."""
        if not deliveries:
            return 0
        done = await self._raw.execute(
            sql.ADD_DELIVERIES,
            now,
            [d.delivery_id for d in deliveries],
            [d.endpoint_id for d in deliveries],
            [d.outbox_id for d in deliveries],
            [d.event for d in deliveries],
            [d.aggregate for d in deliveries],
            [d.body for d in deliveries],
        )
        return _count(done)

    async def due_endpoints(self, *, now: int, limit: int) -> Sequence[UUID]:
        """See the port."""
        rows = await self._raw.fetch(sql.DUE_ENDPOINTS, self._site, now, limit)
        return [UUID(int=row["endpoint_id"].int) for row in rows]

    async def claim(self, endpoint_id: UUID, *, now: int, lease_us: int) -> Delivery | None:
        """See the port."""
        row = await self._raw.fetchrow(sql.CLAIM, self._site, now, endpoint_id, lease_us)
        if row is None:
            return None
        return Delivery(
            delivery_id=row["delivery_id"],
            endpoint_id=row["endpoint_id"],
            body=bytes(row["body"]),
            attempts=row["attempts"],
            url=row["url"],
            timeout_s=row["timeout_s"],
            secrets=live_secrets(row["secret"], row["previous_secret"], row["rotated_at"], now=now),
        )

    async def settle(self, settled: Settled, *, now: int) -> bool:
        """See the port."""
        done = await self._raw.execute(
            sql.SETTLE,
            settled.delivery_id,
            settled.attempts,
            settled.state,
            settled.due_at,
            settled.outcome,
            now,
        )
        return _count(done) == 1

    async def replay(self, endpoint_id: UUID, *, since: int, now: int) -> int:
        """See the port."""
        return _count(await self._raw.execute(sql.REPLAY, endpoint_id, since, now))

    async def deliveries(
        self, endpoint_id: UUID, *, state: str | None, after: int | None, limit: int
    ) -> Sequence[dict[str, Any]]:
        """See the port."""
        rows = await self._raw.fetch(sql.DELIVERIES, endpoint_id, state, after, limit)
        return [dict(row) for row in rows]

    async def forget(self, *, before: int, limit: int) -> int:
        """See the port."""
        return _count(await self._raw.execute(sql.FORGET, self._site, before, limit))

    async def inbound(self, channel: str) -> InboundSecret | None:
        """See the port."""
        row = await self._raw.fetchrow(sql.INBOUND, self._site, channel)
        return None if row is None else InboundSecret(**dict(row))

    async def set_inbound(self, secret: InboundSecret, *, now: int) -> None:
        """See the port."""
        await self._raw.execute(
            sql.SET_INBOUND,
            self._site,
            secret.channel,
            secret.owner_id,
            secret.secret,
            secret.previous_secret,
            secret.rotated_at,
            now,
        )

    async def seen(self, channel: str, webhook_id: str, *, now: int, since: int) -> bool:
        """See the port."""
        fresh = await self._raw.fetchval(sql.SEEN, self._site, channel, webhook_id, now, since)
        return fresh is None


def _endpoint(row: asyncpg.Record) -> Endpoint:
    known = dict(row)
    return Endpoint(**{**known, "events": tuple(known["events"])})


def _count(done: str) -> int:
    return int(done.rpartition(" ")[2])
