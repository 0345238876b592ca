"""The boot of an agent that remembers nothing: one more than the gateway knows, else the time.

Asked once, before any device is connected, so no reading waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from contracts import topics
from contracts.bus import Bus, BusUnavailableError
from contracts.codec import ContractViolation, decode_cursor, encode
from contracts.v1 import AgentStatus

log = logging.getLogger(__name__)

ANSWER_S = 3.0
RETRY_S = 0.1
ASK_AGAIN_S = 0.5


async def learn_boot(
    bus: Bus,
    *,
    site: str,
    agent: str,
    now_us: Callable[[], int],
    within_s: float = ANSWER_S,
) -> int:
    """The gateway's newest boot + 1, or the seconds since 1970 when nobody answers in time."""
    await bus.subscribe([topics.down(site, agent, "cursor")])
    asking = asyncio.create_task(_ask(bus, site=site, agent=agent, now_us=now_us))
    try:
        async with asyncio.timeout(within_s):
            async for delivery in bus.deliveries():
                if delivery.topic != topics.down(site, agent, "cursor"):
                    continue
                try:
                    cursor = decode_cursor(delivery.payload, site=site, agent=agent)
                except ContractViolation:
                    continue
                return cursor.newest_boot + 1
    except TimeoutError:
        log.warning("boot_from_clock")
    finally:
        asking.cancel()
    return now_us() // 1_000_000


async def _ask(bus: Bus, *, site: str, agent: str, now_us: Callable[[], int]) -> None:
    while True:
        status = AgentStatus(
            schema="status.v1",
            site=site,
            agent=agent,
            boot=1,
            seq=0,
            sent_at=now_us(),
            state="degraded",
        )
        with contextlib.suppress(BusUnavailableError):
            await bus.publish(topics.up(site, agent, "status"), encode(status))
        await asyncio.sleep(ASK_AGAIN_S if bus.connected else RETRY_S)
