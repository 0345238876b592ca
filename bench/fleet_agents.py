"""The agents of the fleet in one process: simulated readers that yield at a steady rate.

A door's reader hears its load come and go between tags that stand beside it; a zone's reader hears
the same hundred tags. Levels follow the distance; times are the agent's.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from edge.agent import Agent
from edge.batching import Batcher
from edge.devices import DeviceSetup
from edge.drivers.port import RawRead, RawReading, RawSensor
from edge.drivers.simulated import SimulatedDriver
from edge.failpoints import no_faults
from edge.ring_segments import Bounds
from edge.ring_start import open_ring, ring_folder
from edge.spool import Spool
from edge.spool_file import open_spool
from edge.status import Identity
from runtime.clock import monotonic_us, now_us
from runtime.mqtt import MqttBus, MqttOptions
from runtime.roles.edge import thread_of_its_own

AGENTS = tuple(f"a-{n}" for n in range(1, 9))
ZONES = ("z1", "z2", "z3", "z4")
READERS = len(AGENTS) * (1 + len(ZONES))
TAGS_A_LOAD, TAGS_A_ZONE, TAGS_BESIDE = 20, 100, 15
LOAD_EVERY_S, LOAD_S = 12.0, 4.0
PACE_S = 0.02
FIRST_ZONE_TAG, FIRST_BESIDE = 10_000_000, 20_000_000
FAR_M = 3.5
RING = Bounds(256 * 1024 * 1024, 3_600_000_000)


def units(minutes: float) -> list[int]:
    """Serial numbers of all tags that the doors hear in so many minutes."""
    loads = int(minutes * 60 / LOAD_EVERY_S) + 2
    crossing = [
        _serial(n, k, t) for n in range(8) for k in range(loads) for t in range(TAGS_A_LOAD)
    ]
    return crossing + [FIRST_BESIDE + n * 100 + k for n in range(8) for k in range(TAGS_BESIDE)]


def zone_tags() -> list[int]:
    """Serial numbers of the tags that stand in the zones."""
    return [FIRST_ZONE_TAG + n for n in range(len(AGENTS) * len(ZONES) * TAGS_A_ZONE)]


def _serial(door: int, load: int, tag: int) -> int:
    return door * 1_000_000 + load * 100 + tag


def _epc(serial: int) -> bytes:
    return bytes.fromhex(f"3034257BF7194E40{serial:08X}")


def _level(y: float, antenna: int) -> float:
    distance = math.hypot(y - (-0.9, 0.9)[antenna - 1], 1.6)
    return -45.0 - 30.0 * math.log10(distance)


class Door:
    """What a door's reader hears: `turn` gives so many reads of that moment and the beam edges."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._rng = random.Random(number)
        self._shift = number * LOAD_EVERY_S / len(AGENTS)
        self._beams = [False, False]
        self._offsets = [self._rng.uniform(-0.5, 0.5) for _ in range(TAGS_A_LOAD)]
        self._beside = [self._rng.uniform(2.5, 5.0) for _ in range(TAGS_BESIDE)]
        self._turn = 0

    def turn(self, count: int, passed: float, now: int) -> Iterator[RawReading]:
        """Reads spread over the last pace, `passed` seconds after the start."""
        load, since = divmod(passed + self._shift, LOAD_EVERY_S)
        y = -FAR_M + 2 * FAR_M * since / LOAD_S
        here = since < LOAD_S
        for port, place in ((0, -0.5), (1, 0.5)):
            blocked = here and abs(y - place) < 0.6
            if blocked != self._beams[port]:
                self._beams[port] = blocked
                fields = {"port": port + 1, "state": "high" if blocked else "low"}
                yield RawSensor("gpi", now, now, fields)
        for n in range(count):
            self._turn += 1
            at = now - int(PACE_S * 1e6) + n * int(PACE_S * 1e6) // count
            antenna = 1 + self._turn % 2
            tag = self._rng.randrange(TAGS_A_LOAD + TAGS_BESIDE if here else TAGS_BESIDE)
            if tag >= TAGS_BESIDE:
                tag -= TAGS_BESIDE
                level = _level(y + self._offsets[tag], antenna)
                serial = _serial(self._number, int(load), tag)
            else:
                level = _level(self._beside[tag], antenna) - 6.0
                serial = FIRST_BESIDE + self._number * 100 + tag
            level += self._rng.gauss(0.0, 0.3)
            yield RawRead(_epc(serial), antenna, round(level, 1), at, now)


class Zone:
    """What a zone's reader hears: its tags in turn."""

    def __init__(self, number: int) -> None:
        self._first = FIRST_ZONE_TAG + number * TAGS_A_ZONE
        self._rng = random.Random(number)
        self._turn = 0

    def turn(self, count: int, passed: float, now: int) -> Iterator[RawReading]:
        """As a door's."""
        for n in range(count):
            self._turn += 1
            at = now - int(PACE_S * 1e6) + n * int(PACE_S * 1e6) // count
            level = round(-60.0 - self._turn % 7 + self._rng.gauss(0.0, 0.5), 1)
            yield RawRead(_epc(self._first + self._turn % TAGS_A_ZONE), 1, level, at, now)


@dataclass
class Fleet:
    """All agents, and the readers that feed them."""

    site: str
    home: Path
    port: int
    passwords: Mapping[str, str]
    behind_s: float = 0.0
    _readers: list[tuple[SimulatedDriver, Door | Zone]] = field(default_factory=list)
    _agents: dict[str, tuple[Agent, Spool]] = field(default_factory=dict)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """All agents, connected and sending."""
        async with AsyncExitStack() as stack:
            for n, name in enumerate(AGENTS):
                await stack.enter_async_context(self._agent(n, name))
            yield

    @asynccontextmanager
    async def _agent(self, number: int, name: str) -> AsyncIterator[None]:
        door = SimulatedDriver()
        self._readers.append((door, Door(number)))
        devices = [DeviceSetup("door", "portal", lambda: door)]
        for k, zone in enumerate(ZONES):
            driver = SimulatedDriver()
            self._readers.append((driver, Zone(number * len(ZONES) + k)))
            devices.append(DeviceSetup(zone, "zone", lambda driver=driver: driver))  # type: ignore[misc]
        options = MqttOptions(
            "127.0.0.1",
            self.port,
            name,
            username=name,
            password=self.passwords[name],
            protocol="3.1.1",
        )
        folder = self.home / name
        folder.mkdir()
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool") as pool:
            offload = thread_of_its_own(pool)
            file = open_spool(folder / "spool.db", boot=1, max_bytes=4 * 1024**3, hit=no_faults)
            spool = Spool(file, now_us=now_us, offload=offload)
            ring, _ = await open_ring(
                ring_folder(folder / "spool.db"),
                spool=spool,
                offload=offload,
                now_us=now_us,
                bounds=RING,
                soon=asyncio.get_running_loop().call_soon,
                hit=no_faults,
            )
            async with MqttBus(options) as bus:
                agent = Agent(
                    Identity(self.site, name, "bench"),
                    devices=devices,
                    spool=spool,
                    bus=bus,
                    batcher=Batcher(),
                    rng=random.Random(number),
                    now_us=now_us,
                    mono_us=monotonic_us,
                    hit=no_faults,
                    ring=ring,
                )
                self._agents[name] = (agent, spool)
                task = asyncio.create_task(agent.run())
                try:
                    yield
                finally:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task
                    await agent.finish()
                    await offload(spool.close)

    async def feed(self, seconds: float, *, rate: int) -> int:
        """So many reads a second of every reader, for so long; how many in all."""
        loop = asyncio.get_running_loop()
        start, fed = loop.time(), 0
        for step in range(1, int(seconds / PACE_S) + 1):
            due = start + step * PACE_S
            await asyncio.sleep(max(0.0, due - loop.time()))
            self.behind_s = max(self.behind_s, loop.time() - due)
            count = int(step * PACE_S * rate) - int((step - 1) * PACE_S * rate)
            now = now_us()
            for driver, source in self._readers:
                for reading in source.turn(count, step * PACE_S, now):
                    await driver.feed(reading)
                    fed += isinstance(reading, RawRead)
        return fed

    async def settled(self) -> None:
        """Until the last runs are cut and stored."""
        await asyncio.sleep(3.0)

    def last_seqs(self) -> dict[str, int]:
        """The last place of each agent's stream."""
        return {name: spool.last_seq for name, (_, spool) in self._agents.items()}
