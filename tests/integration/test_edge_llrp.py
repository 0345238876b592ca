"""The edge process between a reader on TCP and a broker: every raw read, the way to the light."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import partial
from pathlib import Path
from typing import Any

from contracts import topics
from contracts.codec import encode
from contracts.v1 import Colour, Command
from edge.device_clock import AGREE_US
from runtime.clock import now_us
from simulators.loads import pallet
from simulators.site import build_site
from simulators.tags import sscc18, sscc_tag, unit_tag
from simulators.world import World
from tests.brokers import SITE, NatsBroker
from tests.integration.test_edge_process import EdgeProcess, Listener
from tests.waiting import eventually

DEVICE = """[[edge.device]]
name = "dock-1-r"
driver = "llrp"
host = "127.0.0.1"
port = {port}
kind = "portal"
[[edge.device.antenna]]
port = 1
[[edge.device.antenna]]
port = 2
[edge.device.light]
green = 1
amber = 2
red = 3
"""
LIGHTS = 60


async def test_every_raw_read_of_a_pass_lies_in_one_observation(
    tmp_path: Path, broker: NatsBroker
) -> None:
    site = build_site(1)
    world = World(site, seed=4, truth_dir=tmp_path)
    ports = await world.start()
    device = DEVICE.format(port=ports["dock-1-r"])
    edge = EdgeProcess(tmp_path, broker, device=device)
    heard = Listener(broker)
    tags = [unit_tag(site.items[i % 5].gtin, i) for i in range(30)]
    try:
        async with heard.listening():
            edge.start()
            await eventually(world.readers["dock-1-r"].on_air.is_set, within=15)
            load = pallet("p", tags, sscc=sscc_tag(sscc18("9521500", 9)))
            await world.run_pass(load, door="dock-1", direction="in", guarantee_reads=2)
            # The reader writes its log after the frame: count both until they agree.
            await eventually(lambda: counted(heard) == len(logged_reads(world)), within=10)
    finally:
        edge.end()
        await world.stop()

    logged: dict[tuple[str, int], list[int]] = defaultdict(list)
    for epc, antenna, at in logged_reads(world):
        logged[epc, antenna].append(at)
    told = [(one, m["sent_at"]) for m in heard.applied for one in m.get("reads", [])]
    assert counted(heard) == sum(map(len, logged.values())) >= 60
    shifts = Counter(
        shift_of(one, logged[one["epc"], one["antenna"]], sent_at=sent_at) for one, sent_at in told
    )
    assert None not in shifts
    edges = [
        (one["port"], one["state"])
        for message in heard.applied
        for one in message.get("sensors", [])
    ]
    # The levels found on connect, then the pass.
    assert edges[:4] == [(port, "low") for port in (1, 2, 3, 4)]
    assert edges[4:] == [(1, "high"), (2, "high"), (1, "low"), (2, "low")]


def logged_reads(world: World) -> list[tuple[str, int, int]]:
    """(EPC, antenna, time) of every read that the reader put on the wire."""
    return [
        (epc, antenna, at)
        for line in world.frame_log("dock-1-r")
        if isinstance(reads := line.get("reads"), list)
        for epc, antenna, _, at in reads
    ]


def shift_of(one: dict[str, Any], logged: list[int], *, sent_at: int) -> int | None:
    """By how many microseconds an observation's times differ from the reader's own log.

    Reader and agent share this machine's clock, so the shift is 0. Only while no read of a whole
    minute came within `AGREE_US` may the agent take the least delay for a slow reader clock; even
    then no corrected time lies after the message's departure. None where nothing explains it.
    """
    for shift in sorted((one["first_at"] - at for at in logged), key=abs):
        first, last = one["first_at"] - shift, one["last_at"] - shift
        within = [at for at in logged if first <= at <= last]
        late = shift > AGREE_US and one["last_at"] <= sent_at
        if (shift == 0 or late) and last in logged and len(within) == one.get("count", 1):
            return int(shift)
    return None


def counted(heard: Listener) -> int:
    """Raw reads in the observations applied so far."""
    return sum(one.get("count", 1) for message in heard.applied for one in message.get("reads", []))


async def test_a_light_command_reaches_the_reader_in_a_tenth_of_the_budget(
    tmp_path: Path, broker: NatsBroker
) -> None:
    world = World(build_site(1), seed=4)
    ports = await world.start()
    edge = EdgeProcess(tmp_path, broker, device=DEVICE.format(port=ports["dock-1-r"]))
    heard = Listener(broker)
    took = []
    try:
        async with heard.listening():
            edge.start()
            await eventually(lambda: shown(world) == {2}, within=15)
            for n in range(LIGHTS):
                colour: Colour = "red" if n % 2 else "green"
                port = 3 if n % 2 else 1
                began = now_us()
                await order(heard, colour, n)
                await eventually(partial(shows, world, port), every=0.002)
                took.append(max(c.t_us for c in world.gpo_log("dock-1-r") if c.high) - began)
            began = now_us()
            edge_lost = await eventually(lambda: shown(world) == {2} and now_us(), within=4)
    finally:
        edge.end()
        await world.stop()

    assert sorted(took)[-2] < 50_000
    assert edge_lost - began < 2_000_000


def shows(world: World, port: int) -> bool:
    """Whether this light port alone is on."""
    return shown(world) == {port}


def shown(world: World) -> set[int]:
    """The light ports that are on."""
    state: dict[int, bool] = {}
    for change in world.gpo_log("dock-1-r"):
        state[change.port] = change.high
    return {port for port, high in state.items() if high}


async def order(heard: Listener, colour: Colour, number: int) -> None:
    """A light lease as a gateway sends it."""
    command = Command(
        schema="command.v1",
        site=SITE,
        agent="dock-1",
        boot=1,
        seq=0,
        sent_at=now_us(),
        id=f"light-{number}",
        device="dock-1-r",
        ttl_ms=1_500,
        action="light",
        colour=colour,
    )
    await heard.bus.publish(topics.down(SITE, "dock-1", "command"), encode(command))
