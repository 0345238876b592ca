"""The levels of a reader's inputs are asked for on each connect, and a refusal costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from llrpkit.protocol import decode_message, enums, messages

from edge.drivers import llrp_build as build
from edge.drivers.llrp import LlrpAntenna, LlrpConfig, LlrpDriver
from edge.drivers.port import DriverNotice, RawRead, RawReading, RawSensor
from simulators.emulators.llrp import LlrpServer
from tests.contract import llrp_server as wire
from tests.contract.llrp_client import EPC, NOW, SEEN, a_config, connected, following


@pytest.fixture
async def reader() -> AsyncIterator[wire.ByteReader]:
    device = wire.ByteReader()
    await device.start()
    yield device
    await device.stop()


def level(port: int, state: str, at: int = SEEN) -> RawSensor:
    return RawSensor("gpi", at, NOW, {"port": port, "state": state}, polled=True)


async def test_levels_come_before_an_edge_that_follows_them_at_once(
    reader: wire.ByteReader,
) -> None:
    reader.inputs = {1: 1, 2: 0, 3: 2}
    reader.after_inputs = wire.gpi(1, high=False, utc_us=SEEN + 9)

    _, readings = await connected(reader)

    # Port 3 is unknown to the reader. The time is the reader's, as its greeting gave it.
    assert [await following(readings) for _ in range(3)] == [
        level(1, "high"),
        level(2, "low"),
        RawSensor("gpi", SEEN + 9, NOW, {"port": 1, "state": "low"}),
    ]


async def test_the_question_is_that_of_the_standard(reader: wire.ByteReader) -> None:
    await connected(reader)

    assert reader.of_kind(2) == [bytes.fromhex("0000 09 0000 0000")]
    asked = decode_message(build.get_inputs(7))
    assert isinstance(asked, messages.GET_READER_CONFIG)
    assert asked.requested_data == enums.GetReaderConfigRequestedData.GPIPortCurrentState


@pytest.mark.parametrize("how", ["refused", "silent", "unreadable", "another answer"])
async def test_a_reader_that_cannot_say_is_used_without(reader: wire.ByteReader, how: str) -> None:
    if how == "refused":
        reader.refusals[2] = 101
    elif how == "silent":
        reader.mute.add(2)
    elif how == "unreadable":
        reader.inputs = {1: 1}
        reader.after_inputs = b""
        reader.unreadable_inputs = True
    else:
        reader.responses[2] = 13

    _, readings = await connected(reader, replace(a_config(reader), timeout_s=0.3))
    await reader.say(wire.report(wire.tag(EPC, 1, rssi=-50, seen=SEEN)))

    heard: list[RawReading] = []
    while not heard or not isinstance(heard[-1], RawRead):
        heard.append(await following(readings))
    notices = [reading.what for reading in heard if isinstance(reading, DriverNotice)]
    assert notices[-1:] == ["inputs_unknown"]
    assert heard[-1] == RawRead(EPC, 1, -50.0, SEEN, NOW)


async def test_the_simulated_reader_tells_what_its_beams_did_meanwhile() -> None:
    server = LlrpServer(listener=_Nobody(), now_us=lambda: NOW)
    await server.listen("127.0.0.1")
    config = LlrpConfig("127.0.0.1", server.port, (LlrpAntenna(1),))
    driver = LlrpDriver(config, now_us=lambda: NOW)
    await driver.connect()
    await driver.close()

    await server.gpi(3, NOW, high=True)
    await driver.connect()

    readings = aiter(driver.readings())
    async with asyncio.timeout(5):
        heard = [await anext(readings) for _ in range(5)]
    assert heard[1:] == [level(port, "high" if port == 3 else "low", NOW) for port in range(1, 5)]
    await driver.close()
    await server.die()


class _Nobody:
    def on_connection(self, *, up: bool) -> None:
        """Not of interest here."""

    def on_output(self, port: int, state: int) -> None:
        """Not of interest here."""
