"""One device of each kind behind the same levers, for the driver conformance suite.

A rig makes its device say a script of reads and edges, hang up, and show its outputs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from llrpkit.emulator import LLRPEmulator
from llrpkit.emulator.core import EmulatedTag

from edge.drivers.llrp import LlrpAntenna, LlrpConfig, LlrpDriver
from edge.drivers.port import Driver, RawRead, RawReading, RawSensor
from edge.drivers.simulated import SimulatedDriver
from edge.drivers.trace import TraceConfig, TraceDriver
from simulators.emulators.llrp import LlrpServer
from simulators.emulators.llrp_frames import TagRead
from tests.contract import llrp_server
from tests.waiting import eventually

START = 1_772_442_900_000_000
NOW = START + 60_000_000


@dataclass(frozen=True)
class Read:
    """A tag seen at an antenna."""

    epc: str
    antenna: int


@dataclass(frozen=True)
class Edge:
    """An input that changed."""

    port: int
    state: str


Step = Read | Edge


def step_of(reading: RawReading) -> Step | None:
    """A reading in the script's words; None for a notice."""
    if isinstance(reading, RawRead) and reading.antenna is not None:
        return Read(reading.epc.hex().upper(), reading.antenna)
    if isinstance(reading, RawSensor) and reading.kind == "gpi" and not reading.polled:
        return Edge(int(reading.fields["port"]), str(reading.fields["state"]))
    return None


class Rig(Protocol):
    """What the suite may do with a device."""

    ends_by_itself: bool

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def driver(self) -> Driver: ...
    async def say(self, script: list[Step], heard: Callable[[], list[Step]]) -> None: ...
    async def hang_up(self) -> None: ...
    async def come_back(self) -> None: ...
    def output(self, port: int) -> bool: ...


class TraceRig:
    """A file: it is written before it is read, and ends by itself."""

    ends_by_itself = True

    def __init__(self, folder: Path) -> None:
        self._path = folder / "trace.jsonl"
        self._driver = TraceDriver(TraceConfig(self._path, speed=0), now_us=lambda: NOW)

    async def start(self) -> None:
        self._path.write_text("")

    async def stop(self) -> None:
        await self._driver.close()

    def driver(self) -> Driver:
        return self._driver

    async def say(self, script: list[Step], heard: Callable[[], list[Step]]) -> None:
        lines = []
        for place, step in enumerate(script):
            at = START + place * 1_000
            if isinstance(step, Read):
                line = {"epc": step.epc, "antenna": step.antenna, "rssi_dbm": -55.5}
            else:
                line = {"sensor": "gpi", "port": step.port, "state": step.state}
            lines.append(json.dumps(line | {"occurred_at": at}))
        self._path.write_text("\n".join(lines) + "\n")

    async def hang_up(self) -> None:
        """The end of the file is the end."""

    async def come_back(self) -> None:
        """A file stays where it is."""

    def output(self, port: int) -> bool:
        return self._driver.outputs.get(port, False)


class SimulatedRig:
    """A source in this process."""

    ends_by_itself = False

    def __init__(self) -> None:
        self._driver = SimulatedDriver()

    async def start(self) -> None:
        """Nothing to start."""

    async def stop(self) -> None:
        await self._driver.close()

    def driver(self) -> Driver:
        return self._driver

    async def say(self, script: list[Step], heard: Callable[[], list[Step]]) -> None:
        for place, step in enumerate(script):
            at = START + place * 1_000
            if isinstance(step, Read):
                epc = bytes.fromhex(step.epc)
                await self._driver.feed(RawRead(epc, step.antenna, -55.5, at, NOW))
            else:
                fields: dict[str, str | int | float] = {"port": step.port, "state": step.state}
                await self._driver.feed(RawSensor("gpi", at, NOW, fields))

    async def hang_up(self) -> None:
        await self._driver.lose()

    async def come_back(self) -> None:
        """It never went."""

    def output(self, port: int) -> bool:
        return self._driver.outputs.get(port, False)


class ByteRig:
    """The hand-written reader: each step is one frame."""

    ends_by_itself = False

    def __init__(self) -> None:
        self._reader = llrp_server.ByteReader()

    async def start(self) -> None:
        await self._reader.start()

    async def stop(self) -> None:
        await self._reader.stop()

    def driver(self) -> Driver:
        config = LlrpConfig("127.0.0.1", self._reader.port, (LlrpAntenna(1), LlrpAntenna(2)))
        return LlrpDriver(config, now_us=lambda: NOW)

    async def say(self, script: list[Step], heard: Callable[[], list[Step]]) -> None:
        for place, step in enumerate(script):
            at = START + place * 1_000
            if isinstance(step, Read):
                epc = bytes.fromhex(step.epc)
                tag = llrp_server.tag(epc, step.antenna, rssi=-55, seen=at)
                await self._reader.say(llrp_server.report(tag))
            else:
                high = step.state == "high"
                await self._reader.say(llrp_server.gpi(step.port, high=high, utc_us=at))

    async def hang_up(self) -> None:
        await self._reader.stop()

    async def come_back(self) -> None:
        await self._reader.start()

    def output(self, port: int) -> bool:
        return self._reader.outputs.get(port, False)


class SimulatorRig:
    """The reader of the demo's simulated site: it reports what it is told."""

    ends_by_itself = False

    def __init__(self) -> None:
        self._server = LlrpServer(listener=self, now_us=lambda: NOW)
        self._outputs: dict[int, bool] = {}

    def on_connection(self, *, up: bool) -> None:
        """The suite looks at the driver's side."""

    def on_output(self, port: int, state: int) -> None:
        self._outputs[port] = bool(state)

    async def start(self) -> None:
        await self._server.listen("127.0.0.1")

    async def stop(self) -> None:
        await self._server.die()

    def driver(self) -> Driver:
        antennas = (LlrpAntenna(1, 25.0), LlrpAntenna(2, 25.0))
        return LlrpDriver(LlrpConfig("127.0.0.1", self._server.port, antennas), now_us=lambda: NOW)

    async def say(self, script: list[Step], heard: Callable[[], list[Step]]) -> None:
        for place, step in enumerate(script):
            at = START + place * 1_000
            if isinstance(step, Read):
                epc = bytes.fromhex(step.epc)
                sent = await self._server.report([TagRead(epc, step.antenna, -5_550, at)])
            else:
                sent = await self._server.gpi(step.port, at, high=step.state == "high")
            if sent is None:
                raise RuntimeError("the reader had nobody to tell")

    async def hang_up(self) -> None:
        await self._server.hang_up()

    async def come_back(self) -> None:
        """It still listens."""

    def output(self, port: int) -> bool:
        return self._outputs.get(port, False)


def _ends_with(heard: Callable[[], list[Step]], step: Step) -> bool:
    return heard()[-1:] == [step]


class EmulatorRig:
    """The independent emulator: it repeats a tag in view until it is heard, then takes it away."""

    ends_by_itself = False

    def __init__(self) -> None:
        self._emulator = LLRPEmulator(tags=[], reads_per_sec=200, antenna_count=2)

    async def start(self) -> None:
        await self._emulator.start()

    async def stop(self) -> None:
        await self._emulator.stop()

    def driver(self) -> Driver:
        antennas = (LlrpAntenna(1, 25.0), LlrpAntenna(2, 25.0))
        config = LlrpConfig("127.0.0.1", self._emulator.port, antennas)
        return LlrpDriver(config, now_us=lambda: NOW)

    async def say(self, script: list[Step], heard: Callable[[], list[Step]]) -> None:
        for step in script:
            if isinstance(step, Read):
                tag = EmulatedTag(bytes.fromhex(step.epc), antennas=(step.antenna,))
                self._emulator.tags = [tag]
            else:
                await self._emulator.set_gpi(step.port, step.state == "high")
            await eventually(partial(_ends_with, heard, step))
            self._emulator.tags = []

    async def hang_up(self) -> None:
        await self._emulator.stop()

    async def come_back(self) -> None:
        await self._emulator.start()

    def output(self, port: int) -> bool:
        return bool(self._emulator._gpo_states[port])
