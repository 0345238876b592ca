"""Each hop stopped in turn: the order stays where it was, an alarm says so, then it goes on.

At the door a carton is carried out while the hop stands; on the floor the crew is at work.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import asyncpg
import pytest

from runtime.clock import now_us
from simulators.api import Api
from simulators.faults import apply_fault
from simulators.loads import carried
from simulators.operators import Crew
from simulators.world import World
from tests.e2e.goods import Staged, a_shipment, a_stack_with_readers, a_visit, staged_orders
from tests.e2e.stack import Stack, all_live, say
from tests.waiting import eventually

ALARM_S = 10.0
# A load that nothing holds is shipped 7 s after it nears the door.
STAYS_S = 8.0
NEARS_DOOR_S = 1.0
# A load that nobody saw is carried out again, about 30 s a try: room for some.
GOES_ON_S = 150.0
LOADED_S = 20.0
DOOR, OUT_READER, OUT_AGENT = "dock-2", "dock-2-r", "edge-dock-2"
PACE_MPS = 3.0
OLDEST = """
SELECT f.order_id::text FROM fulfilment f WHERE f.state = $1 ORDER BY f.fulfilment_id LIMIT 1
"""
STATE = "SELECT state FROM fulfilment WHERE order_id = $1::uuid"
SHIPPED = "SELECT count(*) FROM fulfilment WHERE state = 'shipped'"
PICKED = "SELECT count(*) FROM pick_task WHERE state = 'picked'"


@dataclass(frozen=True)
class Hop:
    """A hop: what is stopped, where the order waits for it, and which alarm tells."""

    name: str
    child: str | None
    state: str
    alarms: frozenset[str]
    on_page: bool = True


AT_DOOR = (
    Hop("reader", None, "staged", frozenset({"device.stale", "device.dead"})),
    Hop("agent", OUT_AGENT, "staged", frozenset({"agent.silent"})),
    Hop("broker", "broker", "staged", frozenset({"broker.unreachable", "agent.silent"})),
    Hop("gateway", "gateway", "staged", frozenset({"gateway.silent"})),
)
ON_FLOOR = (
    Hop("relay", "worker", "promised", frozenset({"worker.silent"})),
    Hop("database", "postgres", "released", frozenset({"postgres-stalled"}), on_page=False),
    Hop("API", "api", "released", frozenset({"api-stalled"}), on_page=False),
)


@pytest.mark.slow
async def test_each_hop_stopped_holds_the_order_and_is_named_and_lets_it_go_on() -> None:
    async with a_stack_with_readers() as (stack, world):
        staged = await staged_orders(stack, len(AT_DOOR))
        for hop, order in zip(AT_DOOR, staged, strict=True):
            await stopped_at_door(stack, world, hop, order)
        key = (stack.demo.folder / "manager.key").read_text().strip()
        crew = Crew(world, api=Api(stack.demo.url, key), speed=60.0, orders_an_hour=60.0)
        await crew.start()
        try:
            for hop in ON_FLOOR:
                await stopped_on_floor(stack, world, hop)
            await nothing_is_picked_without_operators(stack, crew)
        finally:
            await crew.stop()


async def stopped_at_door(stack: Stack, world: World, hop: Hop, order: Staged) -> None:
    """A carton is on its way out when the hop stops; nothing is shipped before it is back."""
    before = await value(stack, SHIPPED)
    shipping = asyncio.create_task(ship(stack, world, order))
    await asyncio.sleep(NEARS_DOOR_S)
    since = now_us()
    await stop(stack, world, hop)
    try:
        await held(stack, hop, order.order_id, since)
        assert await value(stack, SHIPPED) == before, hop.name
    finally:
        await go_on(stack, world, hop)
        await all_live(stack, within=30)
        async with asyncio.timeout(GOES_ON_S):
            await shipping
    assert await value(stack, STATE, order.order_id) == "shipped"


async def ship(stack: Stack, world: World, order: Staged) -> None:
    """Carry it out until it counts as loaded, then let the truck go. What nobody saw goes again."""
    shipment = await a_shipment(stack, [order], portal=DOOR)
    visit = await a_visit(stack, DOOR, shipments=(shipment,))

    async def loaded() -> bool:
        units = (await stack.get(f"/v1/shipments/{shipment}"))["units"]
        return all(unit["loaded"] for unit in units)

    on_air = world.readers[OUT_READER].on_air
    load = carried(order.key, [order.tag])
    while True:
        await on_air.wait()
        await world.run_pass(
            load, door=DOOR, direction="out", guarantee_reads=3, speed_mps=PACE_MPS
        )
        if not on_air.is_set():
            continue
        try:
            await eventually(loaded, within=LOADED_S, every=0.1)
            break
        except AssertionError:
            say(f"{order.key} was not seen on its way out")
    await stack.post(f"/v1/visits/{visit}/close")


async def stopped_on_floor(stack: Stack, world: World, hop: Hop) -> None:
    """One hop, from its stop to the order's next state by the crew's work."""
    order = "" if hop.name == "relay" else await waiting_order(stack, hop)
    since = now_us()
    await stop(stack, world, hop)
    try:
        # A promised order is released at once: it is posted when nobody does that.
        order = order or await post_order(stack)
        await held(stack, hop, order, since)
    finally:
        await go_on(stack, world, hop)
    await all_live(stack, within=30)
    await eventually(partial(moved_on, stack, order, hop.state), within=GOES_ON_S, every=0.3)


async def held(stack: Stack, hop: Hop, order: str, since: int) -> None:
    """An alarm names the hop in time, and the order stays where it was for some seconds."""
    shown = await eventually(partial(named, stack, hop, since), within=ALARM_S, every=0.2)
    took = (now_us() - since) / 1e6
    await eventually(lambda: now_us() - since > STAYS_S * 1e6, within=STAYS_S + 1)
    if hop.child != "postgres":
        assert not await moved_on(stack, order, hop.state), hop.name
    say(f"{hop.name}: {shown} after {took:.1f} s, order stayed {hop.state}")


async def nothing_is_picked_without_operators(stack: Stack, crew: Crew) -> None:
    """The crew at rest: no task is picked; back at work: some are."""
    crew.pause()
    before = await at_rest(partial(picked, stack))
    began = time.monotonic()
    await eventually(lambda: time.monotonic() - began > STAYS_S, within=STAYS_S + 1)
    assert await picked(stack) == before
    crew.resume()

    async def more() -> bool:
        return await picked(stack) > before

    await eventually(more, within=30, every=0.3)


async def waiting_order(stack: Stack, hop: Hop) -> str:
    """An order that cannot go on without this hop."""

    async def there() -> str:
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


async def stop(stack: Stack, world: World, hop: Hop) -> None:
    """The reader loses its power; a process stands still."""
    if hop.child is None:
        await apply_fault(world, {"kind": "reader_dies", "reader": OUT_READER})
    else:
        stack.freeze(hop.child)


async def go_on(stack: Stack, world: World, hop: Hop) -> None:
    """Power again; the process runs."""
    if hop.child is None:
        await apply_fault(world, {"kind": "heal", "reader": OUT_READER})
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
