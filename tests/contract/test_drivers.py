"""What every driver must do behind the port, whatever device it speaks to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from edge.drivers.llrp import LlrpConfig, LlrpDriver
from edge.drivers.port import Driver, FatalError, RawRead, RawReading, TransientError
from edge.drivers.trace import TraceConfig, TraceDriver
from tests.contract.driver_rigs import (
    NOW,
    ByteRig,
    Edge,
    EmulatorRig,
    Read,
    Rig,
    SimulatedRig,
    SimulatorRig,
    Step,
    TraceRig,
    step_of,
)
from tests.waiting import eventually

RIGS = ("trace", "simulated", "llrp-bytes", "llrp-emulator", "llrp-simulator")
TAG_A = "3034257BF7194E4000001A85"
TAG_B = "3034257BF7194E4000001A86"
SCRIPT: list[Step] = [
    Edge(1, "high"),
    Read(TAG_A, 1),
    Read(TAG_B, 1),
    Edge(2, "high"),
    Read(TAG_A, 2),
    Edge(1, "low"),
    Read(TAG_B, 2),
    Edge(2, "low"),
]


@pytest.fixture(params=RIGS)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    rigs: dict[str, Callable[[], Rig]] = {
        "trace": lambda: TraceRig(tmp_path),
        "simulated": SimulatedRig,
        "llrp-bytes": ByteRig,
        "llrp-emulator": EmulatorRig,
        "llrp-simulator": SimulatorRig,
    }
    built = rigs[request.param]()
    await built.start()
    yield built
    await built.stop()


class Listener:
    """Collects readings in the background, as the agent does."""

    def __init__(self, driver: Driver) -> None:
        self.readings: list[RawReading] = []
        self.task = asyncio.create_task(self._run(driver))

    async def _run(self, driver: Driver) -> None:
        async for reading in driver.readings():
            self.readings.append(reading)

    def steps(self) -> list[Step]:
        """What was heard, without notices; a step repeated in a row counts once."""
        steps: list[Step] = []
        for reading in self.readings:
            step = step_of(reading)
            if step is not None and steps[-1:] != [step]:
                steps.append(step)
        return steps

    async def cancel(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


async def play(rig: Rig, driver: Driver, script: list[Step]) -> Listener:
    """Connect, let the device say the script, wait until all of it is heard."""
    if rig.ends_by_itself:
        await rig.say(script, list)
    await driver.connect()
    listener = Listener(driver)
    if not rig.ends_by_itself:
        await rig.say(script, listener.steps)
    await eventually(lambda: len(listener.steps()) >= len(script))
    return listener


async def test_reads_and_edges_come_in_the_order_of_the_device(rig: Rig) -> None:
    driver = rig.driver()

    listener = await play(rig, driver, SCRIPT)

    assert listener.steps() == SCRIPT
    await listener.cancel()
    await driver.close()


async def test_a_read_carries_level_and_times(rig: Rig) -> None:
    driver = rig.driver()

    listener = await play(rig, driver, [Read(TAG_A, 1)])

    read = next(r for r in listener.readings if isinstance(r, RawRead))
    assert read.epc == bytes.fromhex(TAG_A)
    assert read.rssi_dbm is not None
    assert -62 < read.rssi_dbm < -48
    assert 1_700_000_000_000_000 < read.occurred_at < 2_000_000_000_000_000
    assert read.count == 1
    await listener.cancel()
    await driver.close()


async def test_the_end_is_told_after_everything_that_was_received(rig: Rig) -> None:
    driver = rig.driver()
    listener = await play(rig, driver, SCRIPT)

    await rig.hang_up()

    if rig.ends_by_itself:
        await asyncio.wait_for(listener.task, 5)
    else:
        with pytest.raises(TransientError):
            await asyncio.wait_for(listener.task, 5)
    assert listener.steps() == SCRIPT
    await driver.close()


async def test_a_device_that_came_back_is_read_again(rig: Rig) -> None:
    driver = rig.driver()
    first = await play(rig, driver, SCRIPT[:3])
    await rig.hang_up()
    await asyncio.wait_for(asyncio.gather(first.task, return_exceptions=True), 5)

    await rig.come_back()
    again: list[Step] = [Read(TAG_B, 2), Edge(2, "high"), Read(TAG_A, 1)]
    second = await play(rig, driver, again)

    assert second.steps() == again
    await second.cancel()
    await driver.close()


async def test_an_output_is_switched_when_the_call_returns(rig: Rig) -> None:
    driver = rig.driver()
    await driver.connect()

    await driver.set_output(3, state=True)
    on = [rig.output(port) for port in (1, 2, 3, 4)]
    await driver.set_output(3, state=False)
    off = [rig.output(port) for port in (1, 2, 3, 4)]

    assert on == [False, False, True, False]
    assert off == [False, False, False, False]
    await driver.close()


async def test_an_output_that_is_not_there_is_refused_for_good(rig: Rig) -> None:
    driver = rig.driver()
    await driver.connect()
    await driver.set_output(1, state=True)

    with pytest.raises(FatalError, match="no output 65"):
        await driver.set_output(65, state=True)

    assert [rig.output(port) for port in (1, 2, 3, 4)] == [True, False, False, False]
    await driver.close()


async def test_nothing_works_before_connect_and_after_close(rig: Rig) -> None:
    driver = rig.driver()
    with pytest.raises(TransientError):
        await anext(aiter(driver.readings()))
    with pytest.raises(TransientError):
        await driver.set_output(1, state=True)

    await driver.connect()
    await driver.close()
    await driver.close()

    with pytest.raises(TransientError):
        await anext(aiter(driver.readings()))
    with pytest.raises(TransientError):
        await driver.set_output(1, state=True)
    assert rig.output(1) is False


async def test_a_reader_that_is_not_there_is_tried_again_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    driver = LlrpDriver(LlrpConfig("127.0.0.1", port), now_us=lambda: NOW)

    with pytest.raises(TransientError, match="not reachable"):
        await driver.connect()


async def test_a_trace_that_is_not_there_is_fatal(tmp_path: Path) -> None:
    driver = TraceDriver(TraceConfig(tmp_path / "none.jsonl"), now_us=lambda: NOW)

    with pytest.raises(FatalError, match="FileNotFoundError"):
        await driver.connect()
