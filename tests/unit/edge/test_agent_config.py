"""A running agent takes a new configuration: devices it does not change never notice."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from contracts import topics
from contracts.codec import encode
from contracts.v1 import Command, Cursor
from edge.agent import Agent
from edge.batching import Batcher
from edge.config_file import ConfigFolder
from edge.devices import DeviceSetup
from edge.drivers.port import FatalError, RawRead
from edge.drivers.simulated import SimulatedDriver
from edge.failpoints import no_faults
from edge.remote_config import ConfigRefusedError, Plan, RemoteConfig
from edge.spool import Spool, inline
from edge.spool_file import open_spool
from edge.status import Identity
from tests.memory_bus import MemoryBroker
from tests.waiting import eventually

# The agent's monotonic clock runs fast, so that no test waits for a trial to settle.
HASTE = 20


def mono_us() -> int:
    return time.monotonic_ns() // 1_000 * HASTE


def now_us() -> int:
    return 1_795_000_000_000_000 + time.monotonic_ns() // 1_000


class Site:
    """A document is lines `name setting`; each device has one driver per setting."""

    def __init__(self, folder: Path) -> None:
        self.broker = MemoryBroker()
        self.gateway = self.broker.bus()
        self.drivers: dict[str, SimulatedDriver] = {}
        self.builds: list[str] = []
        self.reads: dict[str, int] = {}
        self.status: dict[str, Any] = {}
        self.answers: dict[str, str] = {}
        file = open_spool(folder / "spool.db", boot=1, max_bytes=1 << 26, hit=no_faults)
        self.spool = Spool(file, now_us=now_us, offload=inline)
        config = RemoteConfig(ConfigFolder(folder / "config"), read=self.plan)
        self.agent = Agent(
            Identity("demo", "dock-1", "0.1.0"),
            devices=config.first_plan().devices,
            spool=self.spool,
            bus=self.broker.bus(),
            batcher=Batcher(),
            rng=random.Random(1),
            now_us=now_us,
            mono_us=mono_us,
            hit=no_faults,
            config=config,
        )

    def plan(self, document: str) -> Plan:
        if document == "nonsense":
            raise ConfigRefusedError("config-syntax", "line 1")
        lines = (document or "r1 a").splitlines()
        return Plan([self._setup(*line.split()) for line in lines])

    def _setup(self, name: str, setting: str) -> DeviceSetup:
        def build() -> SimulatedDriver:
            self.builds.append(f"{name} {setting}")
            driver = self.drivers[name] = SimulatedDriver()
            driver.refuse(FatalError("no such antenna") if setting == "wrong" else None)
            return driver

        return DeviceSetup(name, "portal", build, config=(name, setting))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.gateway.subscribe(topics.all_up("demo"))
        tasks = [asyncio.create_task(self._gateway()), asyncio.create_task(self.agent.run())]
        await eventually(lambda: self.live() == ["r1"])
        yield
        for task in reversed(tasks):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self.agent.finish()
        self.spool.close()

    async def _gateway(self) -> None:
        seq = 0
        async for delivery in self.gateway.deliveries():
            message = json.loads(delivery.payload)
            if delivery.topic.endswith("status"):
                self.status = message
            elif message["seq"] == seq + 1:
                seq += 1
                for one in message.get("reads", []):
                    self.reads[one["epc"]] = self.reads.get(one["epc"], 0) + one.get("count", 1)
                for one in message.get("sensors", []):
                    self.answers[one["id"]] = one["state"]
            cursor = Cursor(
                schema="cursor.v1",
                site="demo",
                agent="dock-1",
                boot=message["boot"],
                seq=seq,
                sent_at=now_us(),
                newest_boot=1,
            )
            await self.gateway.publish(topics.down("demo", "dock-1", "cursor"), encode(cursor))

    async def configure(self, version: int, document: str) -> None:
        command = Command(
            schema="command.v1",
            site="demo",
            agent="dock-1",
            boot=1,
            seq=0,
            sent_at=now_us(),
            id=f"c{version}",
            device=None,
            ttl_ms=60_000,
            action="configure",
            document=document,
            version=version,
        )
        await self.gateway.publish(topics.down("demo", "dock-1", "command"), encode(command))

    async def hears(self, device: str, tag: int) -> None:
        at = now_us()
        await self.drivers[device].feed(RawRead(bytes([48] * 11 + [tag]), 1, -60.0, at, at))

    def live(self) -> list[str]:
        return [one["device"] for one in self.status.get("devices", []) if one["state"] == "live"]

    def state(self) -> tuple[int, str]:
        return self.status.get("config_version", -1), self.status.get("config_state", "")


async def test_devices_come_change_and_go_while_another_reads_on(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.running():
        await site.configure(1, "r1 a\nr2 a\nr3 a")
        await eventually(lambda: site.state() == (1, "applied"))
        for tag in range(40):
            await site.hears("r1", tag)
            await site.hears("r2", 100 + tag)
        await site.configure(2, "r3 a\nr1 a\nr2 b")
        await eventually(lambda: site.state() == (2, "applied"))
        await site.configure(3, "r1 a\nr2 b")
        await eventually(lambda: site.state() == (3, "applied"))
        for tag in range(40, 80):
            await site.hears("r1", tag)
        await eventually(lambda: len(site.reads) == 120)
        live = site.live()

    assert site.builds == ["r1 a", "r2 a", "r3 a", "r2 b"]
    assert live == ["r1", "r2"]
    assert set(site.reads.values()) == {1}
    assert site.answers == {"c1": "done", "c2": "done", "c3": "done"}


async def test_a_configuration_that_does_not_work_leaves_the_last_good_one(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.running():
        await site.configure(1, "r1 b")
        await eventually(lambda: site.state() == (1, "applied"))
        await site.configure(2, "nonsense")
        await eventually(lambda: site.state() == (1, "refused"))
        assert site.status["config_error"] == "config-syntax: line 1"
        await site.configure(3, "r1 wrong")
        await eventually(lambda: site.state() == (1, "fallback"))
        await eventually(lambda: site.live() == ["r1"])
        assert site.status["config_offered"] == 3
        assert site.status["config_error"] == "config-not-live: r1 is dead: no such antenna"
        await eventually(lambda: site.answers == {"c1": "done", "c2": "refused", "c3": "refused"})

    assert site.builds == ["r1 a", "r1 b", "r1 wrong", "r1 b"]
