"""The Modbus driver against pymodbus's own server: edges, coils, refusals, loss and return."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from edge.drivers.modbus import ModbusConfig, ModbusDriver
from edge.drivers.points import Point, Told
from edge.drivers.port import FatalError, RawReading, RawSensor, TransientError
from tests.waiting import eventually

INPUTS, COILS = 2, 1


class Block:
    """An I/O block with eight inputs and eight coils; what they are outlives its server."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.levels = dict.fromkeys(range(8), False)

    async def start(self) -> None:
        bits = [SimData(0, 8, False, DataType.BITS)]
        words = [SimData(0, 1, 0, DataType.REGISTERS)]
        device = SimDevice(1, (bits, bits, words, words))
        self._server = ModbusTcpServer(device, address=("127.0.0.1", self.port))
        await self._server.serve_forever(background=True)
        for address, level in self.levels.items():
            await self.set(address, on=level)

    async def stop(self) -> None:
        await self._server.shutdown()  # type: ignore[no-untyped-call]

    async def set(self, address: int, *, on: bool) -> None:
        self.levels[address] = on
        await self._server.async_setValues(1, INPUTS, address, [on])

    async def coil(self, address: int) -> bool:
        return bool((await self._server.async_getValues(1, COILS, address))[0])


def driver_of(block: Block, told: Told) -> ModbusDriver:
    points = {0: Point("photo_eye"), 3: Point("gpi", port=2)}
    config = ModbusConfig("127.0.0.1", points, port=block.port, coils={1: 4, 9: 40}, poll_ms=5)
    return ModbusDriver(
        config,
        told=told,
        now_us=lambda: time.time_ns() // 1000,
        mono_us=lambda: time.monotonic_ns() // 1000,
    )


async def listen(driver: ModbusDriver, into: list[RawReading]) -> None:
    async for reading in driver.readings():
        into.append(reading)


def edges(heard: list[RawReading]) -> list[str]:
    return [str(r.fields["state"]) for r in heard if isinstance(r, RawSensor)]


async def test_edges_coils_and_a_change_while_away() -> None:
    block, told, heard = Block(), Told(), list[RawReading]()
    await block.start()
    driver = driver_of(block, told)
    await driver.connect()
    task = asyncio.create_task(listen(driver, heard))
    await block.set(0, on=True)
    await eventually(lambda: edges(heard) == ["blocked"])
    await block.set(3, on=True)
    await eventually(lambda: edges(heard) == ["blocked", "high"])

    await driver.set_output(1, state=True)
    assert await block.coil(4)
    with pytest.raises(FatalError):
        await driver.set_output(9, state=True)
    with pytest.raises(FatalError):
        await driver.set_output(2, state=True)

    await block.stop()
    await eventually(task.done)
    assert isinstance(task.exception(), TransientError)
    with pytest.raises(TransientError):
        await driver.connect()

    block.levels[0] = False
    await block.start()
    back = driver_of(block, told)
    await back.connect()
    task = asyncio.create_task(listen(back, heard))
    await eventually(lambda: edges(heard) == ["blocked", "high", "clear"])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await back.close()
    await block.stop()
