"""The webhook pump: each endpoint on its own task, one delivery at a time.

A slow or silent receiver costs its own task only; how many run at once is bounded.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from uuid import UUID

from core.application.ports.uow import Ids, UnitOfWork, UnitOfWorkFactory, in_transaction
from core.application.ports.webhooks import Delivery, WebhookSender
from core.application.webhooks import LEASE_US, headers_of, record_attempt
from core.domain.errors import Unavailable

log = logging.getLogger(__name__)
MAX_AT_ONCE = 150
# An endpoint gives its place back after this many, so that all are served.
IN_A_ROW = 50


class WebhookPump:
    """`step(now)` starts a task for each endpoint that has something due and none running."""

    def __init__(
        self,
        *,
        site: str,
        open_unit: UnitOfWorkFactory,
        sender: WebhookSender,
        clock: Callable[[], int],
        ids: Ids,
    ) -> None:
        self._site = site
        self._open_unit = open_unit
        self._sender = sender
        self._clock = clock
        self._ids = ids
        self._running: dict[UUID, asyncio.Task[None]] = {}
        self._bugs: list[BaseException] = []

    async def step(self, now: int) -> int:
        """Start what is due; how many endpoints were started. Raises what ended a task."""
        if self._bugs:
            raise self._bugs.pop()
        free = MAX_AT_ONCE - len(self._running)
        if free <= 0:
            return 0
        async with self._open_unit(self._site) as uow:
            due = await uow.webhooks.due_endpoints(now=now, limit=MAX_AT_ONCE + len(self._running))
        fresh = [endpoint for endpoint in due if endpoint not in self._running][:free]
        for endpoint in fresh:
            task = asyncio.create_task(self._serve(endpoint), name=f"webhook-{endpoint}")
            self._running[endpoint] = task
            task.add_done_callback(partial(self._ended, endpoint))
        return len(fresh)

    async def settle(self) -> None:
        """Wait until every running task has ended."""
        while self._running:
            await asyncio.gather(*self._running.values())

    async def close(self) -> None:
        """End what runs; a delivery cut off is tried again when its lease is over."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _ended(self, endpoint: UUID, task: asyncio.Task[None]) -> None:
        del self._running[endpoint]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._bugs.append(error)

    async def _serve(self, endpoint: UUID) -> None:
        try:
            for _ in range(IN_A_ROW):
                if not await self._deliver(endpoint):
                    return
        except Unavailable:
            log.warning("webhook_waits_for_database", extra={"endpoint": str(endpoint)})

    async def _deliver(self, endpoint: UUID) -> bool:
        """Try the next delivery; False when nothing is due."""
        async with self._open_unit(self._site) as uow:
            delivery = await uow.webhooks.claim(endpoint, now=self._clock(), lease_us=LEASE_US)
        if delivery is None:
            return False
        await self._try(delivery)
        return True

    async def _try(self, delivery: Delivery) -> None:
        attempt = await self._sender.send(
            delivery.url,
            body=delivery.body,
            headers=headers_of(delivery, now=self._clock()),
            timeout_s=float(delivery.timeout_s),
        )

        async def write(uow: UnitOfWork) -> None:
            await record_attempt(uow, delivery, attempt, now=self._clock(), ids=self._ids)

        await in_transaction(self._open_unit, self._site, write)
        log.info(
            "webhook_tried",
            extra={
                "endpoint": str(delivery.endpoint_id),
                "delivery": str(delivery.delivery_id),
                "outcome": attempt.failure or "delivered",
                "attempt": delivery.attempts + 1,
            },
        )
