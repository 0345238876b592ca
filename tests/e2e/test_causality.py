"""Each hop stopped in turn: the order stays where it was, an alarm says so, then it goes on."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import asyncpg
import pytest

from runtime.clock import now_us
from tests.e2e.stack import Stack, a_stack, all_live, say
from tests.waiting import eventually

ALARM_S = 10.0
STAYS_S = 6.0
# A load that nobody saw is carried back and out again, about 45 s a try: room for two.
GOES_ON_S = 150.0
OUT_READER, OUT_AGENT = "dock-2-r", "edge-dock-2"
WAITS_AT_DOOR = """
SELECT f.order_id::text FROM fulfilment f WHERE f.state = 'staged' AND NOT EXISTS (
  SELECT 1 FROM handling_unit h WHERE h.fulfilment_id = f.fulfilment_id AND h.state <> 'staged')
ORDER BY f.fulfilment_id DESC LIMIT 1
"""
OLDEST = """
SELECT f.order_id::text FROM fulfilment f WHERE f.state = $1 ORDER BY f.fulfilment_id LIMIT 1
"""
STATE = "SELECT state FROM fulfilment WHERE order_id = $1::uuid"
PICKED = "SELECT count(*) FROM pick_task WHERE state = 'picked'"


@dataclass(frozen=True)
class Hop:
    """A hop: what is stopped, where the order waits for it, and which alarm tells."""

    name: str
    child: str | None
    state: str
    alarms: frozenset[str]
    on_page: bool = True


HOPS = (
    Hop("reader", None, "staged", frozenset({"device.stale", "device.dead"})),
    Hop("agent", OUT_AGENT, "staged", frozenset({"agent.silent"})),
    Hop("broker", "broker", "staged", frozenset({"broker.unreachable", "agent.silent"})),
    Hop("gateway", "gateway", "staged", frozenset({"gateway.silent"})),
    Hop("relay", "worker", "promised", frozenset({"worker.silent"})),
    Hop("database", "postgres", "released", frozenset({"postgres-stalled"}), on_page=False),
    Hop("API", "api", "released", frozenset({"api-stalled"}), on_page=False),
)


@pytest.mark.slow
async def test_each_hop_stopped_holds_the_order_and_is_named_and_lets_it_go_on() -> None:
    async with a_stack(seed=5, speed=60.0, orders_an_hour=60.0) as stack:
        for hop in HOPS:
            await stopped_in_turn(stack, hop)
        await nothing_is_picked_without_operators(stack)


async def stopped_in_turn(stack: Stack, hop: Hop) -> None:
    """One hop, from its stop to the order's next state."""
    order = "" if hop.name == "relay" else await waiting_order(stack, hop)
    since, began = now_us(), time.monotonic()
    await stop(stack, hop)
    try:
        order = order or await post_order(stack)
        shown = await eventually(partial(named, stack, hop, since), within=ALARM_S, every=0.2)
        took = time.monotonic() - began
        await eventually(lambda: time.monotonic() - began > STAYS_S, within=STAYS_S + 1)
        if hop.child != "postgres":
            assert not await moved_on(stack, order, hop.state), hop.name
    finally:
        await go_on(stack, hop)
    say(f"{hop.name}: {shown} after {took:.1f} s, order stayed {hop.state}")
    await all_live(stack, within=30)
    await eventually(partial(moved_on, stack, order, hop.state), within=GOES_ON_S, every=0.3)


async def nothing_is_picked_without_operators(stack: Stack) -> None:
    """The crew at rest: no task is picked; back at work: some are."""
    await stack.control("/crew", {"running": False})
    before = await at_rest(partial(picked, stack))
    began = time.monotonic()
    await eventually(lambda: time.monotonic() - began > STAYS_S, within=STAYS_S + 1)
    assert await picked(stack) == before
    await stack.control("/crew", {"running": True})

    async def more() -> bool:
        return await picked(stack) > before

    await eventually(more, within=30, every=0.3)


async def waiting_order(stack: Stack, hop: Hop) -> str:
    """An order that cannot go on without this hop; a promised one is posted after the stop."""

    async def there() -> str:
        if hop.state == "staged":
            return str(await value(stack, WAITS_AT_DOOR) or "")
        return str(await value(stack, OLDEST, hop.state) or "")

    return await eventually(there, within=GOES_ON_S, every=0.2)


async def post_order(stack: Stack) -> str:
    """One unit of something that is there."""
    query = "&".join(f"sku=A-{number}" for number in range(100, 120))
    items = (await stack.get(f"/v1/availability?{query}"))["items"]
    most = max(items, key=lambda row: int(row["available"]))
    body = {
        "external_order_id": f"CAUSE-{now_us()}",
        "channel": "web",
        "lines": [{"external_line_id": "1", "sku": most["sku"], "quantity": 1}],
    }
    return str((await stack.post("/v1/orders", body))["id"])


async def stop(stack: Stack, hop: Hop) -> None:
    """The reader loses its power; a process stands still."""
    if hop.child is None:
        await stack.control("/fault", {"kind": "reader_dies", "reader": OUT_READER})
    else:
        stack.freeze(hop.child)


async def go_on(stack: Stack, hop: Hop) -> None:
    """Power again; the process runs."""
    if hop.child is None:
        await stack.control("/fault", {"kind": "heal", "reader": OUT_READER})
    else:
        stack.thaw(hop.child)


async def named(stack: Stack, hop: Hop, since: int) -> str:
    """The alarm that stands for this hop: on the page, or in the status file and on the output."""
    if hop.on_page:
        rows = await stack.items("/v1/exceptions", open="true")
        return next((row["kind"] for row in rows if row["kind"] in hop.alarms), "")
    heard = {name for name in hop.alarms if stack.heard(name, since=since)}
    return next(iter(heard & await stack.status_alarms()), "") if heard else ""


async def value(stack: Stack, query: str, *arguments: object) -> object:
    """One value of the database."""
    connection = await asyncpg.connect(stack.database_url)
    try:
        return await connection.fetchval(query, *arguments)
    finally:
        await connection.close()


async def moved_on(stack: Stack, order: str, state: str) -> bool:
    """Whether the order is in another state."""
    return await value(stack, STATE, order) != state


async def picked(stack: Stack) -> int:
    """Tasks picked so far."""
    return int(str(await value(stack, PICKED)))


async def at_rest(figure: Callable[[], Awaitable[int]]) -> int:
    """The figure once it stood still for two seconds."""
    seen, since = await figure(), time.monotonic()

    async def still() -> bool:
        nonlocal seen, since
        now = await figure()
        if now != seen:
            seen, since = now, time.monotonic()
        return time.monotonic() - since > 2.0

    await eventually(still, within=20, every=0.2)
    return seen
