"""The Modbus TCP driver: discrete inputs polled to edges, coils as outputs.

Modbus has no clock, so times are the agent's, taken when an answer arrives. A write is confirmed by
the device's own echo.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from edge.drivers.debounce import Debounce
from edge.drivers.feed import Feed
from edge.drivers.points import Point, Told
from edge.drivers.port import (
    DriverNotice,
    FatalError,
    OutputTimeoutError,
    RawReading,
    RawSensor,
    TransientError,
)

# Application protocol 1.1b3, section 7: these say that the configuration cannot work.
_FATAL: Final = {1: "the function", 2: "the address", 3: "the number of inputs"}
MAX_INPUTS: Final = 2_000


@dataclass(frozen=True, slots=True)
class ModbusConfig:
    """How to reach a device, and its inputs and coils by address from 0. Inputs are read in one
    request from the lowest address to the highest."""

    host: str
    points: Mapping[int, Point]
    port: int = 502
    unit_id: int = 1
    coils: Mapping[int, int] = field(default_factory=dict)
    poll_ms: int = 10
    debounce_ms: int = 0
    timeout_s: float = 1.0


class ModbusDriver:
    """A PLC or I/O block behind the driver port. `told` outlives the connection."""

    def __init__(
        self,
        config: ModbusConfig,
        *,
        told: Told,
        now_us: Callable[[], int],
        mono_us: Callable[[], int],
    ) -> None:
        self._config = config
        self._told = told
        self._now_us = now_us
        self._mono_us = mono_us
        self._client: AsyncModbusTcpClient | None = None
        self._feed = Feed()
        self._turn = asyncio.Lock()
        hold_us = config.debounce_ms * 1000
        self._inputs = {address: Debounce(hold_us=hold_us) for address in sorted(config.points)}

    async def connect(self) -> None:
        """TCP and a first reading of all inputs; an address the device lacks is fatal."""
        await self.close()
        config = self._config
        client = AsyncModbusTcpClient(
            config.host,
            port=config.port,
            timeout=config.timeout_s,
            retries=0,
            reconnect_delay=0,
        )
        self._client = client
        try:
            if not await client.connect():
                raise TransientError("the device is not reachable")
            first = await self._read(client)
        except (ModbusException, OSError):
            await self.close()
            raise TransientError("the device is not reachable") from None
        except BaseException:
            await self.close()
            raise
        self._feed = Feed()
        self._feed.start(self._poll(client, self._feed, first), name="modbus")

    async def readings(self) -> AsyncIterator[RawReading]:
        """Edges in the order of the polls; `TransientError` when the device is lost."""
        if self._client is None:
            raise TransientError("not connected")
        feed = self._feed
        yield DriverNotice("connected", self._now_us())
        async for reading in feed.readings():
            yield reading

    async def set_output(self, port: int, *, state: bool) -> None:
        """Write one coil and wait until the device confirms it."""
        client = self._client
        if client is None:
            raise TransientError("not connected")
        coil = self._config.coils.get(port)
        if coil is None:
            raise FatalError(f"the device has no output {port}")
        answer = client.write_coil
        result = await self._ask(
            lambda: answer(coil, state, device_id=self._config.unit_id),
            late=OutputTimeoutError("the device did not confirm the coil in time"),
        )
        if result.isError():
            raise _refusal(result.exception_code, f"coil {coil}")

    async def close(self) -> None:
        """Stop polling and close the connection; safe at any time, also twice."""
        client, self._client = self._client, None
        await self._feed.stop()
        if client is not None:
            client.close()

    async def _poll(self, client: AsyncModbusTcpClient, feed: Feed, bits: list[bool]) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            mono, now = self._mono_us(), self._now_us()
            for reading in self._edges(bits, mono=mono, now=now):
                await feed.put(reading)
            due = max(due + self._config.poll_ms / 1000, loop.time())
            await asyncio.sleep(due - loop.time())
            try:
                bits = await self._read(client)
            except (ModbusException, OSError) as error:
                raise TransientError(f"the device is lost ({type(error).__name__})") from None

    def _edges(self, bits: list[bool], *, mono: int, now: int) -> list[RawReading]:
        first = min(self._inputs, default=0)
        out: list[RawReading] = []
        for address, debounce in self._inputs.items():
            edge = debounce.sample(bits[address - first], mono=mono, now=now)
            if edge is None:
                continue
            point = self._config.points[address]
            fields = self._told.change(str(address), point, edge[0])
            if fields is not None:
                out.append(RawSensor(point.kind, edge[1], edge[1], fields))
        return sorted(out, key=lambda reading: reading.received_at)

    async def _read(self, client: AsyncModbusTcpClient) -> list[bool]:
        if not self._inputs:
            return []
        first, last = min(self._inputs), max(self._inputs)
        count, unit = last - first + 1, self._config.unit_id
        result = await self._ask(
            lambda: client.read_discrete_inputs(first, count=count, device_id=unit),
            late=TransientError("the device does not answer"),
        )
        if result.isError():
            raise _refusal(result.exception_code, f"inputs {first} to {last}")
        bits = [bool(bit) for bit in result.bits]
        if len(bits) < count:
            raise TransientError("the device answered with too few inputs")
        return bits

    async def _ask(self, request: Callable[[], Awaitable[Any]], *, late: TransientError) -> Any:
        async with self._turn:
            try:
                async with asyncio.timeout(self._config.timeout_s * 1.5):
                    return await request()
            except TimeoutError:
                raise late from None
            except ModbusException as error:
                if "No response" in str(error):
                    raise late from None
                raise TransientError("the connection to the device broke") from None


def _refusal(code: int, what: str) -> TransientError | FatalError:
    """An exception answer: what the device lacks is fatal, busy or failed is tried again."""
    lacking = _FATAL.get(code)
    if lacking is not None:
        return FatalError(f"the device refused {lacking} of {what}")
    return TransientError(f"the device could not serve {what}, exception {code}")
