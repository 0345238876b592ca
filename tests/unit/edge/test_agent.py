"""The agent with its parts together: a memory bus, a simulated device, a real spool."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec

from contracts import topics
from contracts.codec import decode_up, encode
from contracts.v1 import AgentStatus, Colour, Command, Cursor, ReadBatch
from edge.agent import Agent
from edge.batching import Batcher
from edge.devices import DeviceSetup
from edge.drivers.port import RawRead, TransientError
from edge.drivers.simulated import SimulatedDriver
from edge.failpoints import no_faults
from edge.first_boot import learn_boot
from edge.spool import Spool, inline
from edge.spool_file import open_spool
from edge.status import Identity, will_message
from tests.memory_bus import MemoryBroker
from tests.waiting import eventually

LIGHT: dict[Colour, int] = {"green": 1, "amber": 2, "red": 3}
ME = Identity("demo", "dock-1", "0.1.0")


def mono_us() -> int:
    return time.monotonic_ns() // 1_000


def now_us() -> int:
    return 1_795_000_000_000_000 + mono_us()


class Site:
    """An agent and the gateway's end of its bus."""

    def __init__(self, folder: Path) -> None:
        self.broker = MemoryBroker()
        self.gateway = self.broker.bus()
        self.heard: list[tuple[str, bytes]] = []
        self.outputs: list[tuple[int, bool, int]] = []
        self.driver = SimulatedDriver(
            on_output=lambda port, state: self.outputs.append((port, state, mono_us()))
        )
        file = open_spool(folder / "spool.db", boot=1, max_bytes=1 << 26, hit=no_faults)
        self.spool = Spool(file, now_us=now_us, offload=inline)
        self.agent = Agent(
            ME,
            devices=[DeviceSetup("dock-1-r", "portal", lambda: self.driver, light=LIGHT)],
            spool=self.spool,
            bus=self.broker.bus(),
            batcher=Batcher(),
            rng=random.Random(1),
            now_us=now_us,
            mono_us=mono_us,
            hit=no_faults,
        )
        self.answering = True

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.gateway.subscribe(topics.all_up("demo"))
        tasks = [asyncio.create_task(self._gateway()), asyncio.create_task(self.agent.run())]
        await eventually(lambda: self.driver.outputs.get(2))
        yield
        for task in reversed(tasks):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self.agent.finish()
        self.spool.close()

    async def _gateway(self) -> None:
        seq = 0
        async for delivery in self.gateway.deliveries():
            self.heard.append((delivery.topic, delivery.payload))
            message = json.loads(delivery.payload)
            if not delivery.topic.endswith("status") and message["seq"] == seq + 1:
                seq += 1
            if self.answering:
                await self.cursor(seq, boot=message["boot"])

    async def cursor(self, seq: int, *, boot: int, newest: int = 1) -> None:
        cursor = Cursor(
            schema="cursor.v1",
            site="demo",
            agent="dock-1",
            boot=boot,
            seq=seq,
            sent_at=now_us(),
            newest_boot=newest,
        )
        await self.gateway.publish(topics.down("demo", "dock-1", "cursor"), encode(cursor))

    async def light(self, colour: Colour, *, ttl_ms: int, name: str = "c") -> None:
        command = Command(
            schema="command.v1",
            site="demo",
            agent="dock-1",
            boot=1,
            seq=0,
            sent_at=now_us(),
            id=name,
            device="dock-1-r",
            ttl_ms=ttl_ms,
            action="light",
            colour=colour,
        )
        await self.gateway.publish(topics.down("demo", "dock-1", "command"), encode(command))

    def lit(self, port: int) -> bool:
        return any(output[:2] == (port, True) for output in self.outputs)

    def batches(self) -> list[ReadBatch]:
        return [
            msgspec.json.decode(payload, type=ReadBatch)
            for topic, payload in self.heard
            if topic.endswith("reads")
        ]

    def statuses(self) -> list[AgentStatus]:
        return [
            msgspec.json.decode(payload, type=AgentStatus)
            for topic, payload in self.heard
            if topic.endswith("status")
        ]


def read(n: int) -> RawRead:
    at = now_us()
    return RawRead(
        bytes.fromhex(f"3074257BF7194E40000000{n:02X}"), 1, -60.0, occurred_at=at, received_at=at
    )


async def test_a_read_is_on_the_bus_within_a_tenth_of_a_second_and_the_cursor_frees_it(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)
    async with site.running():
        began = mono_us()
        await site.driver.feed(read(1))
        await eventually(site.batches, every=0.002)
        took = mono_us() - began
        await eventually(lambda: site.spool.unsent == 0)

    assert [one.epc for one in site.batches()[0].reads] == ["3074257BF7194E4000000001"]
    assert took < 100_000
    topic, payload = next(pair for pair in site.heard if pair[0].endswith("reads"))
    place = topics.parse_up(topic)
    if place is None:
        raise AssertionError("not an up topic")
    _, content = decode_up(payload, topic=place, now=now_us())
    assert content.problems == ()
    assert encode(msgspec.json.decode(payload, type=ReadBatch)) == payload


async def test_the_first_message_is_the_status_and_the_last_one_tells_the_state(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)
    async with site.running():
        await eventually(lambda: site.statuses() and site.statuses()[-1].state == "online")
        live = site.statuses()[-1]
        site.driver.refuse(TransientError("away"))
        await site.driver.lose()
        await eventually(lambda: site.statuses()[-1].state == "degraded")
        gone = site.statuses()[-1]

    assert site.heard[0][0] == "wh/v1/demo/agents/dock-1/status"
    assert isinstance(live.devices, list)
    assert [(one.device, one.state) for one in live.devices] == [("dock-1-r", "live")]
    assert (live.boot, live.seq, live.spooled, live.version) == (1, 0, 0, "0.1.0")
    assert isinstance(gone.devices, list)
    assert [(one.device, one.state) for one in gone.devices] == [("dock-1-r", "stale")]


async def test_light_commands_reach_the_device_within_20_ms_at_the_99th_percentile(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)
    delays = []
    async with site.running():
        for n in range(200):
            colour: Colour = "red" if n % 2 else "green"
            port = LIGHT[colour]
            site.outputs.clear()
            began = mono_us()
            await site.light(colour, ttl_ms=1_500)
            await eventually(partial(site.lit, port), every=0.001)
            delays.append(site.outputs[0][2] - began)

    assert sorted(delays)[197] < 20_000


async def test_a_light_falls_back_to_amber_when_the_gateway_is_silent(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.running():
        await site.light("green", ttl_ms=300)
        await eventually(lambda: site.driver.outputs == {1: True, 2: False, 3: False})
        began = mono_us()
        site.broker.stop()
        await eventually(lambda: site.driver.outputs == {1: False, 2: True, 3: False})
        took = mono_us() - began

    assert took < 500_000


async def test_readings_taken_while_the_bus_is_away_arrive_when_it_is_back(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.running():
        await eventually(site.statuses)
        site.broker.stop()
        for n in range(5):
            await site.driver.feed(read(n))
        await eventually(lambda: site.spool.counters.readings == 5)
        assert site.batches() == []
        site.broker.start()
        await eventually(lambda: site.spool.unsent == 0)

    assert sum(len(batch.reads) for batch in site.batches()) == 5


async def test_what_cannot_be_read_from_above_changes_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.running():
        down = topics.down("demo", "dock-1", "command")
        await site.gateway.publish(down, b"\xff\x00")
        await site.gateway.publish(topics.down("demo", "dock-1", "cursor"), b'{"seq": 9}')
        await site.light("red", ttl_ms=1_500)
        await eventually(lambda: site.driver.outputs == {1: False, 2: False, 3: True})

    assert site.agent.uplink.reborn == 0


async def test_what_is_in_memory_at_an_orderly_end_is_in_the_spool(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.running():
        for _ in range(4):
            await site.driver.feed(read(7))
        await eventually(lambda: site.agent.intake.raw_reads == 4)

    again = open_spool(tmp_path / "spool.db", boot=1, max_bytes=1 << 26, hit=no_faults)
    reads = [
        one
        for row in again.read(first=1, limit=100)
        for one in json.loads(b"{" + row.tail[1:])["reads"]
    ]
    assert sum(one.get("count", 1) for one in reads) == 4


async def test_an_agent_without_memory_takes_one_more_than_the_gateway_knows(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)
    bus = site.broker.bus()

    async def answer() -> None:
        await site.gateway.subscribe(topics.all_up("demo"))
        async for delivery in site.gateway.deliveries():
            site.heard.append((delivery.topic, delivery.payload))
            await site.cursor(0, boot=1, newest=41)

    task = asyncio.create_task(answer())
    boot = await learn_boot(bus, site="demo", agent="dock-1", now_us=now_us)
    task.cancel()

    assert boot == 42
    assert (site.statuses()[0].boot, site.statuses()[0].seq) == (1, 0)


async def test_without_an_answer_the_boot_is_the_time(tmp_path: Path) -> None:
    bus = Site(tmp_path).broker.bus()
    boot = await learn_boot(bus, site="demo", agent="dock-1", now_us=now_us, within_s=0.05)

    assert boot == now_us() // 1_000_000


def test_the_will_says_offline() -> None:
    topic, payload = will_message(ME, boot=3, sent_at=5)

    assert topic == "wh/v1/demo/agents/dock-1/status"
    assert json.loads(payload) == {
        "schema": "status.v1",
        "site": "demo",
        "agent": "dock-1",
        "boot": 3,
        "seq": 0,
        "sent_at": 5,
        "state": "offline",
    }
