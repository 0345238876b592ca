"""The buyer's truck by radio: three pallets through simulated readers, agents, broker and gateway.

Pallet 2 turns back once, is carried out again and in again; forty strays stand beside the door.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import partial

import pytest

from simulators.loads import Load, pallet
from simulators.site import GPO_GREEN, GPO_RED, build_site
from simulators.truck import build_truck
from simulators.world import World
from tests.e2e.goods import (
    Staged,
    a_shipment,
    a_stack_with_readers,
    a_visit,
    rows,
    staged_order,
)
from tests.e2e.stack import Json, Stack, say
from tests.e2e.truck_radio import DOOR, READER, last_read, through
from tests.waiting import eventually
from tests.yard import Yard, a_yard

SOAK = os.environ.get("DOCKLEDGER_SOAK") == "1"
SEEDS = [int(seed) for seed in os.environ.get("DOCKLEDGER_TRUCK_SEEDS", "1 2 3").split()]
WITHIN_S = 5.0
RADIO_MOVES = """
SELECT m.epc_key, sum(CASE WHEN a.kind = 'supplier' THEN 1 WHEN b.kind = 'supplier' THEN -1
  ELSE 0 END)::int AS net
FROM move m JOIN pass p ON p.site_id = m.site_id AND p.pass_id = m.pass_id
JOIN location a ON a.site_id = m.site_id AND a.location_id = m.source_location_id
JOIN location b ON b.site_id = m.site_id AND b.location_id = m.target_location_id
WHERE p.first_agent <> 'scan' AND m.epc_key IS NOT NULL GROUP BY 1
"""
LAST_BOOKED = "SELECT max(recorded_at) AS at FROM move WHERE cause = 'pass'"
BOOK = """
SELECT (SELECT count(*) FROM move), (SELECT coalesce(sum(move_id), 0) FROM move),
  (SELECT coalesce(sum(on_hand * quant_id), 0) FROM quant),
  (SELECT count(*) FROM unit WHERE state = 'present'), (SELECT count(*) FROM task)
"""


@pytest.mark.slow
@pytest.mark.skipif(not SOAK, reason="minutes of true-speed passes: `make soak` runs it")
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_truck_by_radio_comes_to_the_numbers_of_the_notice(seed: int) -> None:
    async with a_stack_with_readers(seed=seed) as (stack, world):
        say(f"seed {seed}")
        yard = a_yard(seed, 1)
        visit, asn = await ready(stack, world, yard)
        await unload(stack, world, yard, visit)
        await closes(stack, yard, visit)
        await every_line_opens_its_evidence(stack, yard, asn)
        world.remove(yard.strays)
        await without_a_notice(stack, world, a_yard(seed, 11))
        await a_shipment_of_two_pallets(stack, world)
        await observe_propose_book(stack, world, seed)
        code, said = await stack.command("verify", "--config", str(stack.demo.config))
        assert (code, said) == (0, "0 drift: the book agrees with its moves\n")


async def ready(stack: Stack, world: World, yard: Yard) -> tuple[str, str]:
    """Notices, the neighbour's open visit, fifteen cartons received ahead, forty strays."""
    asn = str((await stack.post("/v1/asns", yard.notice()))["id"])
    other = str((await stack.post("/v1/asns", yard.neighbour.notice()))["id"])
    await a_visit(stack, "dock-2", asns=(other,))
    visit = await a_visit(stack, DOOR, asns=(asn,))
    ahead = yard.before.pallets[0].sscc
    await stack.post(f"/v1/visits/{visit}/scan", {"code": ahead.key, "direction": "in"})
    assert (await remainder(stack, visit))["received"] == 15
    world.park(yard.strays, near=DOOR)
    return visit, asn


async def remainder(stack: Stack, visit: str) -> Json:
    """What the visit's documents still owe."""
    found: Json = (await stack.get(f"/v1/visits/{visit}"))["remainder"]
    return found


async def unload(stack: Stack, world: World, yard: Yard, visit: str) -> None:
    """The passes of the truck, and what the book says within five seconds of the last read."""
    _, second, third = yard.truck.loads
    await comes_in(stack, world, yard, 0)
    await through(world, second, "in", turns_back=True)
    await comes_in(stack, world, yard, 1)
    await through(world, second, "out")
    await comes_in(stack, world, yard, 1)
    await through(world, third, "in")
    last = last_read(world, third)

    async def complete() -> bool:
        left = await remainder(stack, visit)
        return bool((left["received"] - 15, left["over"]) == (238, 1))

    try:
        await eventually(complete, within=15, every=0.1)
    except AssertionError:
        raise AssertionError(str(await told(stack, visit))) from None
    booked_at = (await rows(stack, LAST_BOOKED))[0]["at"]
    took = (booked_at - last) / 1e6
    say(f"238 received, 1 over {took:.1f} s after the last read")
    assert took <= WITHIN_S
    booked = {row["epc_key"]: row["net"] for row in await rows(stack, RADIO_MOVES)}
    assert {key for key, net in booked.items() if net} == {tag.key for tag in yard.truck.present}
    assert not booked.keys() & {tag.key for tag in yard.strays}


async def told(stack: Stack, visit: str) -> list[str]:
    """The passes of a visit in words."""
    found = await stack.items("/v1/passes", portal=DOOR)
    left = await remainder(stack, visit)
    said = [f"{p['state']} {p['verdict']} {p['booking']} {p['crossed']}" for p in found]
    return [*said, str({k: v for k, v in left.items() if k not in ("lines", "units")})]


async def comes_in(stack: Stack, world: World, yard: Yard, number: int) -> None:
    """Red and `missing` for a load whose own cartons are absent, and for nothing else."""
    load = yard.truck.loads[number]
    keys, reds = {placed.tag.key for placed in load.tags}, turned(world, READER, GPO_RED)
    await through(world, load, "in")

    async def closed() -> Json:
        newest = (await stack.items("/v1/passes", portal=DOOR))[0]
        found = await stack.get(f"/v1/passes/{newest['id']}")
        return found if found["state"] == "in" else {}

    seen = await eventually(closed, within=10, every=0.2)
    missing = {tag["key"] for tag in seen["tags"] if tag["outcome"] == "missing"}
    assert missing == yard.lacking(number)
    crossed = {t["key"] for t in seen["tags"] if t["outcome"] not in ("missing", "rejected")}
    assert crossed == keys
    assert missing or turned(world, READER, GPO_RED) == reds


async def closes(stack: Stack, yard: Yard, visit: str) -> None:
    """Two short, named, within five seconds."""
    began = time.monotonic()
    summary = await stack.post(f"/v1/visits/{visit}/close")
    took = time.monotonic() - began
    short = {unit["key"] for unit in summary["units"] if unit["state"] == "short"}
    say(f"{summary['short']} short {took:.1f} s after the visit closed")
    assert (summary["short"], summary["over"]) == (2, 1)
    assert short == {tag.key for tag in yard.truck.missing}
    assert took <= WITHIN_S


async def every_line_opens_its_evidence(stack: Stack, yard: Yard, asn: str) -> None:
    """Each received unit names the pass in which its tag crossed, with what was heard of it."""
    found = await rows(
        stack,
        "SELECT u.epc_key, u.pass_id::text AS pass_id, u.line_no FROM asn_unit u"
        " WHERE u.asn_id = $1::uuid AND u.state = 'received'",
        asn,
    )
    cited: dict[str, dict[str, Json]] = {}
    for pass_id in {row["pass_id"] for row in found}:
        one = await stack.get(f"/v1/passes/{pass_id}")
        cited[pass_id] = {tag["key"]: tag for tag in one["tags"] if tag["outcome"] == "matched"}
    proven = {
        row["epc_key"]
        for row in found
        if (tag := cited[row["pass_id"]].get(row["epc_key"])) and tag["evidence"]
    }
    assert {tag.key for tag in yard.truck.present} <= proven


async def without_a_notice(stack: Stack, world: World, yard: Yard) -> None:
    """The same truck that nobody announced: 239 tags cross, no stray does, nothing is booked."""
    world.park(yard.strays, near=DOOR)
    before = await rows(stack, BOOK)
    fresh = await drive_in(stack, world, yard.truck.loads)
    crossed = {t["key"] for one in fresh for t in one["tags"] if t["outcome"] == "unknown"}
    boxes = {key for key in crossed if key.startswith("01/")}
    say(f"without a notice {len(boxes)} tags crossed, {len(yard.strays_in(crossed))} strays")
    assert boxes == {tag.key for tag in [*yard.truck.present, *yard.truck.foreign]}
    assert len(boxes) == 239
    assert await rows(stack, BOOK) == before
    world.remove(yard.strays)


async def closed_since(stack: Stack, known: set[str], count: int) -> list[Json]:
    """The passes in or out that are new and closed, oldest first; waits until there are so many."""
    fresh: list[Json] = []

    async def there() -> bool:
        found = await stack.items("/v1/passes", portal=DOOR)
        new = [one for one in reversed(found) if one["id"] not in known]
        fresh[:] = [one for one in new if one["state"] in ("in", "out")]
        assert not [one for one in new if one["state"] == "undecided"]
        return len(fresh) >= count and not [one for one in new if one["state"] == "open"]

    await eventually(there, within=15, every=0.2)
    return [await stack.get(f"/v1/passes/{one['id']}") for one in fresh]


async def a_shipment_of_two_pallets(stack: Stack, world: World) -> None:
    """Each of its two pallets loads green: what still stands inside is not missing."""
    orders = [await staged_order(stack, number) for number in range(4)]
    shipment = await a_shipment(stack, orders, portal="dock-2")
    visit = await a_visit(stack, "dock-2", shipments=(shipment,))
    reader = world.site.door("dock-2").device
    lit = {port: turned(world, reader, port) for port in (GPO_GREEN, GPO_RED)}
    for half in (orders[:2], orders[2:]):
        load = pallet(half[0].key, [one.tag for one in half], size=(0.8, 1.2, 1.0))
        await through(world, load, "out", door="dock-2")
        await eventually(partial(loaded, stack, shipment, half), within=10, every=0.1)
    green, red = (turned(world, reader, port) - lit[port] for port in (GPO_GREEN, GPO_RED))
    say(f"two pallets out: green {green} times, red {red}")
    assert (green, red) == (2, 0)
    await stack.post(f"/v1/visits/{visit}/close")
    shipped = {(await stack.get(f"/v1/orders/{one.order_id}"))["status"] for one in orders}
    assert shipped == {"shipped"}


def turned(world: World, reader: str, port: int) -> int:
    """How often a lamp came on after another one."""
    lit = [one.port for one in world.gpo_log(reader) if one.high]
    return sum(one == port and before != port for before, one in zip([0, *lit], lit, strict=False))


async def loaded(stack: Stack, shipment: str, orders: list[Staged]) -> bool:
    """Whether these cartons count as loaded."""
    units = (await stack.get(f"/v1/shipments/{shipment}"))["units"]
    there = {unit["handling_unit_id"] for unit in units if unit["loaded"]}
    return {one.carton_id for one in orders} <= there


async def observe_propose_book(stack: Stack, world: World, seed: int) -> None:
    """The same truck three times: would-be moves; one tap a pass; by itself."""
    truck = build_truck(build_site(seed), number=21)
    present = len(truck.present)
    asn = str((await stack.post("/v1/asns", truck.notice()))["id"])
    await mode(stack, "observe")
    visit = await a_visit(stack, DOOR, asns=(asn,))
    before = await rows(stack, BOOK)
    fresh = await drive_in(stack, world, truck.loads)
    carried = [len(load.tags) - 1 for load in truck.loads]
    carried[-1] -= len(truck.foreign)
    assert [len((one["planned_moves"] or {}).get("moves", [])) for one in fresh] == carried
    assert await rows(stack, BOOK) == before
    assert (await stack.post(f"/v1/visits/{visit}/close"))["unposted"] == present
    assert await rows(stack, BOOK) == before
    say(f"observed: {sum(carried)} would-be moves, the book unchanged")

    await mode(stack, "propose")
    visit = await a_visit(stack, DOOR, asns=(asn,))
    fresh = await drive_in(stack, world, truck.loads)
    assert await rows(stack, BOOK) == before
    assert {one["booking"] for one in fresh} == {"proposed"}
    first, *others = fresh
    await stack.post(f"/v1/passes/{first['id']}/confirm")
    for one in others:
        await stack.post(f"/v1/passes/{one['id']}/dismiss")
    assert (await remainder(stack, visit))["received"] == carried[0]
    say(f"proposed: one tap booked {carried[0]}, two passes refused")

    await mode(stack, "book")
    fresh = await drive_in(stack, world, truck.loads[1:])
    assert {one["booking"] for one in fresh} == {"booked"}
    summary = await stack.post(f"/v1/visits/{visit}/close")
    assert (summary["received"], summary["short"], summary["over"]) == (present, 2, 1)
    say(f"booked: {summary['received']} received, {summary['short']} short, {summary['over']} over")


async def mode(stack: Stack, word: str) -> None:
    """Set the inbound door's mode."""
    answer = await stack.http.put(
        f"/v1/portals/{DOOR}/mode", json={"direction": "in", "mode": word}
    )
    answer.raise_for_status()


async def drive_in(stack: Stack, world: World, loads: Sequence[Load]) -> list[Json]:
    """These pallets in, one after the other; their passes."""
    known = {one["id"] for one in await stack.items("/v1/passes", portal=DOOR)}
    for load in loads:
        await through(world, load, "in")
    return await closed_since(stack, known, len(loads))
