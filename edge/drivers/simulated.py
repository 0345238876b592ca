"""A driver fed from inside the process: what is put in comes out in order (simulation, tests)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from edge.drivers.port import FatalError, RawReading, TransientError


@dataclass(frozen=True, slots=True)
class _Lost:
    reason: str


@dataclass(frozen=True, slots=True)
class _Exhausted:
    pass


class SimulatedDriver:
    """Readings go in by `feed`, the connection ends by `lose` or `exhaust`; `on_output` is told
    of outputs. `feed` waits while `limit` readings are unread: the source feels back-pressure."""

    def __init__(
        self,
        *,
        outputs: int = 4,
        limit: int = 10_000,
        on_output: Callable[[int, bool], None] | None = None,
    ) -> None:
        self._outputs = outputs
        self._on_output = on_output
        self._queue: asyncio.Queue[RawReading | _Lost | _Exhausted] = asyncio.Queue(limit)
        self._connected = False
        self._refusal: Exception | None = None
        self.outputs: dict[int, bool] = {}

    async def feed(self, reading: RawReading) -> None:
        """One reading, after all fed before it."""
        await self._queue.put(reading)

    async def lose(self, reason: str = "the device went away") -> None:
        """The connection drops after what was fed before."""
        await self._queue.put(_Lost(reason))

    async def exhaust(self) -> None:
        """The source ends after what was fed before."""
        await self._queue.put(_Exhausted())

    def refuse(self, error: Exception | None) -> None:
        """From now on `connect` raises this; None lets it through again."""
        self._refusal = error

    async def connect(self) -> None:
        """Immediate, unless `refuse` says otherwise."""
        if self._refusal is not None:
            raise self._refusal
        self._connected = True

    async def readings(self) -> AsyncIterator[RawReading]:
        """What was fed, in order."""
        if not self._connected:
            raise TransientError("not connected")
        while True:
            item = await self._queue.get()
            if isinstance(item, _Lost):
                self._connected = False
                raise TransientError(item.reason)
            if isinstance(item, _Exhausted):
                return
            yield item

    async def set_output(self, port: int, *, state: bool) -> None:
        """Takes effect at once."""
        if not self._connected:
            raise TransientError("not connected")
        if not 1 <= port <= self._outputs:
            raise FatalError(f"the device has no output {port}")
        self.outputs[port] = state
        if self._on_output is not None:
            self._on_output(port, state)

    async def close(self) -> None:
        """Forget the connection; what was fed stays."""
        self._connected = False
