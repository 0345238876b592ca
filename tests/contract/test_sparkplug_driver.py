"""The Sparkplug driver over a real broker, with the rights that its page names and no others."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge.drivers.points import Point
from edge.drivers.port import (
    DriverNotice,
    FatalError,
    OutputTimeoutError,
    RawReading,
    RawSensor,
    TransientError,
)
from edge.drivers.sparkplug import REBIRTH, Memory, SparkplugConfig, SparkplugDriver
from edge.drivers.sparkplug_payload import (
    DataType,
    Metric,
    Payload,
    Raw,
    encode_payload,
    parse_payload,
)
from runtime.access import BusUser
from runtime.mqtt import MqttBus
from tests.brokers import MosquittoBroker, RunningBroker, client
from tests.services import require_service
from tests.waiting import eventually

TOPIC = "spBv1.0/Docks/{kind}/Door 1"
HOST = BusUser(
    "plc1",
    publish=(TOPIC.format(kind="NCMD"), TOPIC.format(kind="DCMD") + "/#"),
    subscribe=(TOPIC.format(kind="+") + "/#",),
)
NODE = BusUser("node", publish=("spBv1.0/Docks/#",), subscribe=("spBv1.0/Docks/#",))


@pytest.fixture
def running() -> Iterator[RunningBroker]:
    """Mosquitto: a subject of the embedded broker takes neither the namespace's dot nor spaces."""
    program, home = require_service("mosquitto"), Path(tempfile.mkdtemp(prefix="dockledger-spb-"))
    broker = MosquittoBroker(program, home, [HOST, NODE])
    broker.start()
    yield broker
    broker.kill()
    shutil.rmtree(home, ignore_errors=True)


def now_us() -> int:
    return time.time_ns() // 1000


def a_driver(running: RunningBroker, memory: Memory | None = None) -> SparkplugDriver:
    config = SparkplugConfig(
        "Docks",
        "Door 1",
        points={("Gate", "Eye"): Point("photo_eye")},
        outputs={1: ("Gate", "Lamp")},
        answer_s=1.0,
    )
    return SparkplugDriver(
        config,
        open_bus=lambda: client(running, "plc1"),
        memory=memory or Memory(),
        now_us=now_us,
        mono_us=lambda: time.monotonic_ns() // 1000,
    )


class Node:
    """A door controller: it answers rebirths, and lamps while it is willing."""

    def __init__(self, bus: MqttBus) -> None:
        self._bus = bus
        self.births = 0
        self.willing = True
        self._seq = 0

    async def say(self, kind: str, *metrics: Metric) -> None:
        self._seq = 0 if kind == "NBIRTH" else (self._seq + 1) % 256
        whose = "/Gate" if kind.startswith("D") else ""
        payload = Payload(now_us() // 1000, metrics, self._seq)
        await self._bus.publish(TOPIC.format(kind=kind) + whose, encode_payload(payload))

    async def eye(self, *, blocked: bool) -> None:
        await self.say("DDATA", Metric(raw=Raw(14, blocked), alias=1))

    def skip(self) -> None:
        self._seq += 1

    async def obey(self) -> None:
        async for delivery in self._bus.deliveries():
            for asked in parse_payload(delivery.payload).metrics:
                if "NCMD" in delivery.topic and asked.name == REBIRTH:
                    await self.say("NBIRTH")
                    known = (("Eye", 1), ("Lamp", 2))
                    births = [
                        Metric(name=name, alias=at, raw=Raw(14, False), datatype=DataType.BOOLEAN)
                        for name, at in known
                    ]
                    await self.say("DBIRTH", *births)
                    self.births += 1
                elif "DCMD" in delivery.topic and asked.name == "Lamp" and self.willing:
                    await self.say("DDATA", Metric(raw=asked.raw, alias=2))


@asynccontextmanager
async def a_node(running: RunningBroker) -> AsyncIterator[Node]:
    async with client(running, "node") as bus:
        await bus.subscribe([TOPIC.format(kind=kind) + "/#" for kind in ("NCMD", "DCMD")])
        await eventually(lambda: bus.connected)
        node = Node(bus)
        task = asyncio.create_task(node.obey())
        yield node
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def listen(driver: SparkplugDriver, into: list[RawReading]) -> None:
    async for reading in driver.readings():
        into.append(reading)


def states(heard: list[RawReading]) -> list[object]:
    return [r.fields["state"] for r in heard if isinstance(r, RawSensor)]


def notices(heard: list[RawReading]) -> list[str]:
    return [r.what for r in heard if isinstance(r, DriverNotice)]


async def test_a_birth_is_asked_for_edges_come_and_outputs_are_confirmed(
    running: RunningBroker,
) -> None:
    driver, heard = a_driver(running), list[RawReading]()
    async with a_node(running) as node:
        await driver.connect()
        task = asyncio.create_task(listen(driver, heard))
        await eventually(lambda: "connected" in notices(heard))
        await eventually(lambda: node.births == 1)

        await node.eye(blocked=True)
        await node.eye(blocked=False)
        await eventually(lambda: states(heard) == ["blocked", "clear"])

        await driver.set_output(1, state=True)
        with pytest.raises(FatalError):
            await driver.set_output(2, state=True)
        node.willing = False
        with pytest.raises(OutputTimeoutError):
            await driver.set_output(1, state=False)

        running.kill()
        await eventually(task.done, within=10)
        assert isinstance(task.exception(), TransientError)
        with pytest.raises(TransientError):
            await driver.set_output(1, state=True)
    await driver.close()


async def test_a_gap_asks_for_a_birth_after_the_pause_and_not_in_a_storm(
    running: RunningBroker,
) -> None:
    memory = Memory()
    driver, heard = a_driver(running, memory), list[RawReading]()
    async with a_node(running) as node:
        await driver.connect()
        task = asyncio.create_task(listen(driver, heard))
        await eventually(lambda: "connected" in notices(heard))

        node.skip()
        for _ in range(3):
            await node.eye(blocked=True)
        await eventually(lambda: "gap" in notices(heard))
        assert (states(heard), node.births) == ([], 1)

        await eventually(lambda: node.births == 2, within=8)
        await node.eye(blocked=True)
        await eventually(lambda: states(heard) == ["blocked"])
        assert node.births == 2
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await driver.close()
