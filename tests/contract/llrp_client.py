"""The agent's side of an LLRP test: a driver connected to the reader made of bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from edge.drivers.llrp import LlrpAntenna, LlrpConfig, LlrpDriver
from edge.drivers.port import DriverNotice, RawReading
from tests.contract import llrp_server as wire

EPC = bytes.fromhex("3034257BF7194E4000001A85")
SEEN = 1_772_442_900_000_000
NOW = SEEN + 7_000


def a_config(reader: wire.ByteReader) -> LlrpConfig:
    return LlrpConfig("127.0.0.1", reader.port, (LlrpAntenna(1), LlrpAntenna(2)), timeout_s=2.0)


async def connected(
    reader: wire.ByteReader, config: LlrpConfig | None = None
) -> tuple[LlrpDriver, AsyncIterator[RawReading]]:
    driver = LlrpDriver(config or a_config(reader), now_us=lambda: NOW)
    await driver.connect()
    readings = aiter(driver.readings())
    assert await anext(readings) == DriverNotice("connected", NOW)
    return driver, readings


async def following(readings: AsyncIterator[RawReading]) -> RawReading:
    async with asyncio.timeout(5):
        return await anext(readings)


async def collect(readings: AsyncIterator[RawReading], into: list[RawReading]) -> None:
    async with asyncio.timeout(10):
        async for reading in readings:
            into.append(reading)
