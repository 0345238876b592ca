"""The MQTT-fed driver over a real broker: order, foreign messages, loss of the broker, return."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest

from edge.drivers.formats import FORMATS
from edge.drivers.mqtt_reader import MqttReader, MqttReaderConfig
from edge.drivers.port import DriverNotice, FatalError, RawRead, RawReading, TransientError
from runtime.mqtt import MqttBus
from tests.brokers import RunningBroker, client
from tests.waiting import eventually

NOW = 1_795_000_000_000_000
# The gateway's log-in may read what agents write: a topic with rights on both sides.
TOPIC = "wh/v1/demo/agents/dock-1/reads"


@pytest.fixture(params=["nats", "mosquitto"])
def running(request: pytest.FixtureRequest) -> RunningBroker:
    found: RunningBroker = request.getfixturevalue(request.param)
    return found


def reader(broker: RunningBroker) -> MqttReader:
    return MqttReader(
        MqttReaderConfig(topics=(TOPIC,)),
        decoder=FORMATS["zebra"](None),
        open_bus=lambda: client(broker, "gateway"),
        now_us=lambda: NOW,
    )


def message(number: int, kind: str = "SIMPLE") -> bytes:
    data = {"idHex": f"{number:024x}", "format": "epc", "eventNum": number, "antenna": 2}
    stamp = "2026-09-07T12:50:36.194+0000"
    return json.dumps({"type": kind, "timestamp": stamp, "data": data}).encode()


async def listen(driver: MqttReader, into: list[RawReading]) -> None:
    async for reading in driver.readings():
        into.append(reading)


async def say(bus: MqttBus, *payloads: bytes) -> None:
    await eventually(lambda: bus.connected)
    for payload in payloads:
        await bus.publish(TOPIC, payload)


def numbers(readings: list[RawReading]) -> list[int]:
    return [int.from_bytes(r.epc) for r in readings if isinstance(r, RawRead)]


async def test_tags_come_in_order_and_nothing_else_becomes_a_read(running: RunningBroker) -> None:
    driver, heard = reader(running), list[RawReading]()
    await driver.connect()
    task = asyncio.create_task(listen(driver, heard))

    async with client(running, "dock-1") as bus:
        await say(bus, message(1), message(2, "BLE_DATA"), b"\xff", b"[", message(3), message(7))
        await eventually(lambda: numbers(heard) == [1, 3, 7])

    notices = [r.detail for r in heard if isinstance(r, DriverNotice) and r.what != "connected"]
    assert driver.refused == {"N_BLE": 1, "E_JSON": 2}
    assert [detail.split()[0] for detail in notices] == ["E_JSON", "eventNum"]
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await driver.close()


async def test_a_lost_broker_ends_the_readings_and_the_next_connect_reads_on(
    running: RunningBroker,
) -> None:
    driver, heard = reader(running), list[RawReading]()
    await driver.connect()
    task = asyncio.create_task(listen(driver, heard))
    running.kill()
    with pytest.raises(TransientError):
        await asyncio.wait_for(task, 10)

    running.start()
    await driver.connect()
    task = asyncio.create_task(listen(driver, heard))
    async with client(running, "dock-1") as bus:
        await say(bus, message(9))
        await eventually(lambda: numbers(heard) == [9])
    await driver.close()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_outputs_and_use_before_connect_are_refused(running: RunningBroker) -> None:
    driver = reader(running)
    with pytest.raises(TransientError):
        await anext(aiter(driver.readings()))
    await driver.connect()
    with pytest.raises(FatalError, match="no output 1"):
        await driver.set_output(1, state=True)
    await driver.close()
    await driver.close()
    with pytest.raises(TransientError):
        await driver.set_output(1, state=True)
