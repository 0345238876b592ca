"""A reader that pulls a plug and overflows, from its events on TCP to the alarms of the status."""

from __future__ import annotations

import asyncio
import random
import time

from msgspec import UNSET

from contracts.v1 import AntennaStatus, DeviceStatus
from edge.batching import Batcher
from edge.devices import DeviceLoop, DeviceSetup
from edge.drivers.llrp import LlrpConfig, LlrpDriver
from edge.drivers.port import RawReading
from edge.health import HealthPlan
from edge.intake import Intake
from edge.outputs import Outputs
from simulators.emulators.llrp import LlrpServer
from simulators.emulators.llrp_frames import TagRead
from tests.waiting import eventually

EPC = bytes.fromhex("3034257BF7194E4000001A85")


def mono_us() -> int:
    return time.monotonic_ns() // 1_000


def now_us() -> int:
    return time.time_ns() // 1_000


class Nobody:
    """Nobody wants to know what the client does."""

    def on_connection(self, *, up: bool) -> None: ...

    def on_output(self, port: int, state: int) -> None: ...


class Dock:
    """A reader on TCP, its driver, and the agent's judgement of it."""

    def __init__(self) -> None:
        self.reader = LlrpServer(listener=Nobody(), now_us=now_us)
        self.told = 0
        intake = Intake(batcher=Batcher(), deliver=lambda messages: None)
        plan = HealthPlan(antennas=(1, 2))
        self.source = intake.source("r1", kind="portal", linger_us=0, health=plan)

        def take(reading: RawReading) -> None:
            intake.take(self.source, reading, mono_us())
            intake.step(mono_us())

        self.loop = DeviceLoop(
            DeviceSetup("r1", "portal", self._driver),
            outputs=Outputs(device="r1", light={}, mono_us=mono_us),
            take=take,
            changed=self._changed,
            rng=random.Random(1),
            mono_us=mono_us,
        )

    def _driver(self) -> LlrpDriver:
        config = LlrpConfig("127.0.0.1", port=self.reader.port, keepalive_ms=500)
        return LlrpDriver(config, now_us=now_us)

    def _changed(self) -> None:
        self.told += 1

    def status(self) -> DeviceStatus:
        return self.source.health.status("r1", self.loop.state(mono_us()), mono_us())

    def alarms(self) -> list[str]:
        found = self.status().alarms
        return [] if found is UNSET else list(found)

    def antennas(self) -> list[AntennaStatus]:
        found = self.status().antennas
        assert found is not UNSET
        return found


async def test_a_pulled_plug_and_an_overflow_are_named_and_cleared_by_the_reader() -> None:
    dock = Dock()
    await dock.reader.listen("127.0.0.1")
    task = asyncio.create_task(dock.loop.run())
    await eventually(lambda: dock.reader.inventorying)
    await eventually(lambda: dock.status().state == "live")
    assert dock.alarms() == []

    told = dock.told
    await dock.reader.antenna(2, connected=False)
    await eventually(lambda: dock.alarms() == ["antenna_fault"])
    assert [one.state for one in dock.antennas()] == ["ok", "fault"]
    assert dock.told == told + 1

    await dock.reader.report([TagRead(EPC, 1, -6_000, now_us())])
    await eventually(lambda: dock.antennas()[0].reads == 1)
    assert (dock.antennas()[0].tags, dock.antennas()[0].rssi_mean_dbm) == (1, -60.0)
    assert dock.alarms() == ["antenna_fault"]

    await dock.reader.antenna(2, connected=True)
    await eventually(lambda: dock.alarms() == [])
    await dock.reader.overflow()
    await eventually(lambda: dock.alarms() == ["overflow"])
    assert dock.status().overflows == 1

    await dock.reader.die()
    await eventually(lambda: dock.status().state == "stale")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
