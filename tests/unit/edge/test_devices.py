"""Device loops: growing pauses after a transient fault, an end after a fatal one."""

from __future__ import annotations

import random

from edge.devices import DeviceLoop, DeviceSetup
from edge.drivers.port import DriverNotice, FatalError, RawReading, RawScan, TransientError
from edge.drivers.simulated import SimulatedDriver
from edge.outputs import Outputs


class Bench:
    """A loop over a driver whose pauses advance a faked clock."""

    def __init__(self) -> None:
        self.at = 0
        self.driver = SimulatedDriver()
        self.pauses: list[float] = []
        self.taken: list[RawReading] = []
        self.states: list[str] = []
        self.stop_after = 8
        self.outputs = Outputs(device="r", light={"amber": 1}, mono_us=lambda: self.at)
        self.loop = DeviceLoop(
            DeviceSetup("r", "portal", lambda: self.driver),
            outputs=self.outputs,
            take=self.taken.append,
            changed=lambda: self.states.append(self.loop.state(self.at)),
            rng=random.Random(1),
            mono_us=lambda: self.at,
            pause=self._pause,
        )

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.at += int(seconds * 1e6)
        if len(self.pauses) >= self.stop_after:
            self.driver.refuse(FatalError("no such antenna"))


async def test_pauses_double_from_half_a_second_to_thirty_with_jitter() -> None:
    bench = Bench()
    bench.stop_after = 10
    bench.driver.refuse(TransientError("away"))
    await bench.loop.run()

    steps = [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]
    assert len(bench.pauses) == 10
    for pause, step in zip(bench.pauses, steps, strict=True):
        assert step / 2 <= pause <= step


async def test_a_fatal_fault_is_not_tried_again() -> None:
    bench = Bench()
    bench.driver.refuse(FatalError("wrong version"))
    await bench.loop.run()

    assert bench.pauses == []
    assert bench.loop.state(bench.at) == "dead"


async def test_readings_are_handed_on_and_an_exhausted_source_ends_the_loop() -> None:
    bench = Bench()
    scan = RawScan("x", 1, 1)
    await bench.driver.feed(scan)
    await bench.driver.exhaust()
    await bench.loop.run()

    assert bench.taken == [scan]
    assert bench.loop.connects == 1


async def test_a_device_away_is_stale_and_dead_after_half_a_minute() -> None:
    bench = Bench()
    assert bench.loop.state(0) == "stale"
    await bench.driver.lose()
    await bench.loop.step()

    assert bench.states == ["live", "stale"]
    assert bench.loop.state(29_999_999) == "stale"
    assert bench.loop.state(30_000_000) == "dead"


async def test_zero_reads_leave_a_connected_device_live_until_it_reports_itself_lost() -> None:
    bench = Bench()
    await bench.driver.feed(DriverNotice("lost", 1))
    await bench.driver.feed(DriverNotice("connected", 2))
    await bench.driver.exhaust()
    await bench.loop.step()

    assert bench.states == ["live", "stale", "live", "stale"]
