"""Webhooks out: endpoints, one delivery per event and endpoint, tries by schedule.

Each endpoint is served on its own; per aggregate a later event waits for the earlier one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID

from core.application.ports.outbox import OutboxRow
from core.application.ports.uow import Ids, UnitOfWork
from core.application.ports.watch import Alarm
from core.application.ports.webhooks import (
    ALL_OWNERS,
    Delivery,
    Endpoint,
    NewDelivery,
    Settled,
)
from core.domain.errors import Refused
from core.domain.states import WEBHOOK_DELIVERY, WEBHOOK_ENDPOINT
from core.domain.webhooks import (
    ENDPOINTS_PER_OWNER,
    SECOND_US,
    Attempt,
    after_failure,
    make_secret,
    sign,
)

# Longer than any try may take: what is leased beyond it was lost with its worker.
LEASE_US = 60 * SECOND_US
RandomBytes = Callable[[int], bytes]


async def add_endpoint(
    uow: UnitOfWork,
    *,
    owner: str,
    url: str,
    events: Sequence[str],
    timeout_s: int,
    now: int,
    ids: Ids,
    token: RandomBytes,
) -> Endpoint:
    """A new endpoint for a URL that was checked; its secret is shown once. Refuses `quota`."""
    endpoint = Endpoint(
        endpoint_id=ids(),
        owner_id=owner,
        url=url,
        events=tuple(events),
        timeout_s=timeout_s,
        secret=make_secret(token(32)),
        previous_secret=None,
        rotated_at=None,
        state="active",
        state_reason=None,
        created_at=now,
    )
    if not await uow.webhooks.add(endpoint, limit=ENDPOINTS_PER_OWNER):
        raise Refused(
            "quota", f"An owner has at most {ENDPOINTS_PER_OWNER} webhooks. Delete one first."
        )
    return endpoint


async def delete_endpoint(
    uow: UnitOfWork, endpoint_id: UUID, *, owners: Sequence[str] | None
) -> None:
    """Delete an endpoint and what waits for it."""
    await uow.webhooks.endpoint(endpoint_id, owners)
    await uow.webhooks.delete(endpoint_id)


async def rotate_secret(
    uow: UnitOfWork,
    endpoint_id: UUID,
    *,
    owners: Sequence[str] | None,
    now: int,
    token: RandomBytes,
) -> Endpoint:
    """A new secret; for a day every call carries both signatures."""
    endpoint = await uow.webhooks.endpoint(endpoint_id, owners)
    secret = make_secret(token(32))
    await uow.webhooks.set_secret(endpoint_id, secret, previous=endpoint.secret, now=now)
    return replace(endpoint, secret=secret, previous_secret=endpoint.secret, rotated_at=now)


async def enable_endpoint(
    uow: UnitOfWork, endpoint_id: UUID, *, owners: Sequence[str] | None, now: int
) -> Endpoint:
    """A disabled endpoint takes events again; what waited is due now."""
    endpoint = await uow.webhooks.endpoint(endpoint_id, owners)
    WEBHOOK_ENDPOINT.check(endpoint.state, "active")
    await uow.webhooks.set_state(endpoint_id, "active", reason=None, now=now)
    await uow.watch.clear_alarm("webhook.disabled", str(endpoint_id), now=now)
    return replace(endpoint, state="active", state_reason=None)


async def replay_endpoint(
    uow: UnitOfWork, endpoint_id: UUID, *, owners: Sequence[str] | None, since: int, now: int
) -> int:
    """Dead deliveries created since then are tried again from the first step; how many."""
    await uow.webhooks.endpoint(endpoint_id, owners)
    WEBHOOK_DELIVERY.check("dead", "due")
    found = await uow.webhooks.replay(endpoint_id, since=since, now=now)
    await uow.watch.clear_alarm("webhook.dead", str(endpoint_id), now=now)
    return found


class WebhookSink:
    """Outbox rows become deliveries of the endpoints that asked for them."""

    name = "webhooks"

    def __init__(self, ids: Ids, instant: Callable[[int], str]) -> None:
        self._ids = ids
        self._instant = instant

    async def take(self, uow: UnitOfWork, rows: Sequence[OutboxRow], *, now: int) -> None:
        """See `relay.Sink`; a row that comes again adds nothing."""
        if not rows:
            return
        endpoints = await uow.webhooks.active()
        made = [
            NewDelivery(
                delivery_id=self._ids(),
                endpoint_id=endpoint.endpoint_id,
                outbox_id=row.outbox_id,
                event=row.event,
                aggregate=row.aggregate,
                body=body_of(uow.site, row, self._instant),
            )
            for row in rows
            for endpoint in endpoints
            if hears(endpoint, row)
        ]
        await uow.webhooks.add_deliveries(made, now=now)


def hears(endpoint: Endpoint, row: OutboxRow) -> bool:
    """Whether an event is for this endpoint: asked for, and of its owner."""
    own = endpoint.owner_id in (ALL_OWNERS, row.owner_id)
    return own and row.event in endpoint.events


def body_of(site: str, row: OutboxRow, instant: Callable[[int], str]) -> bytes:
    """What a receiver gets; final once it is written, so every try sends the same bytes."""
    document = {
        "type": row.event,
        "timestamp": instant(row.occurred_at),
        "site": site,
        "owner": row.owner_id,
        "aggregate": row.aggregate,
        "sequence": row.sequence,
        "data": row.payload,
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def headers_of(delivery: Delivery, *, now: int) -> dict[str, str]:
    """The headers of Standard Webhooks; the id is the same at every try."""
    webhook_id, timestamp = str(delivery.delivery_id), now // SECOND_US
    signatures = [
        sign(secret, webhook_id=webhook_id, timestamp=timestamp, body=delivery.body)
        for secret in delivery.secrets
    ]
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


async def record_attempt(
    uow: UnitOfWork, delivery: Delivery, attempt: Attempt, *, now: int, ids: Ids
) -> None:
    """Write how a try ended: delivered, due again, dead; 410 disables the endpoint."""
    attempts = delivery.attempts + 1
    if attempt.failure is None:
        await _settle(uow, delivery, attempts, "delivered", now, f"{attempt.status}", now=now)
        return
    outcome = _outcome(attempt)
    if attempt.failure == "gone":
        await _settle(uow, delivery, attempts, "due", now, outcome, now=now)
        await _disable(uow, delivery.endpoint_id, now=now, ids=ids)
        return
    following = after_failure(attempts=attempts, retry_after_us=attempt.retry_after_us, now=now)
    if following.state == "due":
        await _settle(uow, delivery, attempts, "due", following.due_at, outcome, now=now)
        return
    await _settle(uow, delivery, attempts, "dead", now, "retries-exhausted", now=now)
    await uow.watch.raise_alarm(
        Alarm(
            kind="webhook.dead",
            subject=str(delivery.endpoint_id),
            message="A webhook gave up after its last try. Mend the receiver, then replay.",
            facts={"outcome": outcome},
        ),
        exception_id=ids(),
        now=now,
    )


def _outcome(attempt: Attempt) -> str:
    if attempt.failure == "status":
        return f"status-{attempt.status}"
    return str(attempt.failure)


async def _settle(
    uow: UnitOfWork,
    delivery: Delivery,
    attempts: int,
    state: str,
    due_at: int,
    outcome: str,
    *,
    now: int,
) -> None:
    WEBHOOK_DELIVERY.check("due", state)
    await uow.webhooks.settle(
        Settled(
            delivery_id=delivery.delivery_id,
            attempts=attempts,
            state=state,
            due_at=due_at,
            outcome=outcome,
        ),
        now=now,
    )


async def _disable(uow: UnitOfWork, endpoint_id: UUID, *, now: int, ids: Ids) -> None:
    endpoint = await uow.webhooks.endpoint(endpoint_id, None)
    if endpoint.state != "active":
        return
    await uow.webhooks.set_state(endpoint_id, "disabled", reason="gone", now=now)
    await uow.watch.raise_alarm(
        Alarm(
            kind="webhook.disabled",
            subject=str(endpoint_id),
            message="The receiver said that this webhook is gone (410). Enable it when it is back.",
        ),
        exception_id=ids(),
        now=now,
    )
