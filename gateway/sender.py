"""Outgoing messages of the gateway: commands first, then cursors, the newest per stream only.

Sending never waits in the way of committing; what cannot be sent now is said again soon anyway.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from contracts import topics
from contracts.bus import BusUnavailableError, Publisher
from contracts.codec import encode
from contracts.v1 import Command, Cursor
from core.application.ports.tracking import StreamKey

log = logging.getLogger(__name__)
MAX_COMMANDS = 1_000
PAUSE_S = 0.2


class Sender:
    """A queue of commands and a slate of cursors, emptied by `run`."""

    def __init__(self, bus: Publisher, *, site: str, now: Callable[[], int]) -> None:
        self._bus = bus
        self._site = site
        self._now = now
        self._commands: deque[Command] = deque(maxlen=MAX_COMMANDS)
        self._cursors: dict[StreamKey, Cursor] = {}
        self._wake = asyncio.Event()
        self.sent = 0
        self.failed = 0

    def command(self, command: Command) -> None:
        """Queue a command; a full queue loses its oldest."""
        self._commands.append(command)
        self._wake.set()

    def cursor(self, cursor: Cursor) -> None:
        """Say where a stream stands; replaces what was not sent yet."""
        self._cursors[StreamKey(cursor.agent, cursor.boot)] = cursor
        self._wake.set()

    def forget(self) -> None:
        """Drop what is queued: this gateway no longer speaks for the cell."""
        self._commands.clear()
        self._cursors.clear()

    async def run(self) -> None:
        """Send for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._commands or self._cursors:
                await self._send_one()

    async def _send_one(self) -> None:
        if self._commands:
            command = self._commands.popleft()
            topic = topics.down(self._site, command.agent, "command")
            await self._publish(topic, encode(command))
            return
        stream, cursor = next(iter(self._cursors.items()))
        del self._cursors[stream]
        await self._publish(topics.down(self._site, stream.agent, "cursor"), encode(cursor))

    async def _publish(self, topic: str, payload: bytes) -> None:
        try:
            await self._bus.publish(topic, payload)
            self.sent += 1
        except BusUnavailableError:
            self.failed += 1
            await asyncio.sleep(PAUSE_S)
