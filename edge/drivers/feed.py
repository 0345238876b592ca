"""A feed: one task reads the device into a bounded queue, the driver hands the queue on.

Everything received is handed out before the reason why it ended; a slow agent makes the task wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Final

from edge.drivers.port import RawReading, TransientError

MAX_PENDING: Final = 10_000


class Feed:
    """The readings of one connection."""

    def __init__(self, *, limit: int = MAX_PENDING) -> None:
        self._queue: asyncio.Queue[RawReading | Exception] = asyncio.Queue(limit)
        self._task: asyncio.Task[None] | None = None
        self._over: Exception | None = None

    def start(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        """Run the reading task; when it ends, so does the feed, for the reason it raised."""
        self._task = asyncio.create_task(self._run(work), name=name)

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
            reason: Exception = TransientError("the device ended the connection")
        except Exception as error:  # noqa: BLE001 - raised again to the one who reads
            reason = error
        await self._queue.put(reason)

    async def put(self, reading: RawReading) -> None:
        """Hand one reading on; waits while too many are unread."""
        await self._queue.put(reading)

    def offer(self, reading: RawReading) -> bool:
        """Hand one on without waiting; False when too many are unread."""
        if self._queue.full():
            return False
        self._queue.put_nowait(reading)
        return True

    def end(self, reason: Exception) -> None:
        """End the feed from a callback, after what was put before."""
        if self._task is None:
            self.start(_fail(reason), name="feed end")

    async def readings(self) -> AsyncIterator[RawReading]:
        """All that was put, then the reason of the end."""
        while self._over is None:
            item = await self._queue.get()
            if isinstance(item, Exception):
                self._over = item
            else:
                yield item
        raise self._over

    async def stop(self) -> None:
        """End the reading task; safe at any time."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _fail(reason: Exception) -> None:
    raise reason
