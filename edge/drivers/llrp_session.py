"""One LLRP connection: cuts frames, answers keepalives at once, matches responses, queues readings.

Readings come out in the order of the bytes; when the consumer is slow the socket is paused, nothing
is dropped. Once lost it stays lost: what was received before is still handed out.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

from edge.drivers.llrp_build import keepalive_ack
from edge.drivers.llrp_codec import (
    BodyError,
    Frame,
    FrameSplitter,
    FramingError,
    MessageType,
    VersionMismatchError,
)
from edge.drivers.llrp_reads import ReadingDecoder
from edge.drivers.port import DriverNotice, FatalError, RawReading, TransientError

log = logging.getLogger(__name__)

_KEPT_FRAME_BYTES: Final = 256
_LAST_LOOK_S: Final = 0.1
_ATTEMPTS: Final = {
    0: "accepted",
    1: "refused: a reader-initiated connection exists",
    2: "refused: another client is connected",
    3: "refused by the reader",
    4: "another client tried to connect",
}


class LlrpSession(asyncio.Protocol):
    """The protocol side of a connection; `LlrpDriver` drives it."""

    def __init__(
        self, *, now_us: Callable[[], int], max_pending: int, max_frame_bytes: int
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._now_us = now_us
        self._max_pending = max_pending
        self._splitter = FrameSplitter(max_frame_bytes)
        self.decoder = ReadingDecoder()
        self._pending: deque[RawReading] = deque()
        self._wake = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._lost: Exception | None = None
        self._waiting: dict[int, tuple[int, asyncio.Future[Frame]]] = {}
        self._last_id = 0
        self._keepalive_limit_s: float | None = None
        self._watchdog: asyncio.TimerHandle | None = None
        self.accepted: asyncio.Future[None] = self._loop.create_future()

    # Sending

    def next_id(self) -> int:
        """A fresh message id; they wrap long before 32 bits matter to a reader."""
        self._last_id = self._last_id % 0x7FFF_FFFF + 1
        return self._last_id

    def send(self, data: bytes) -> None:
        """Write one message; raises `TransientError` when the connection is gone."""
        if self._lost is not None or self._transport is None:
            raise TransientError(str(self._lost or "not connected"))
        self._transport.write(data)

    async def request(self, data: bytes, *, response: int, timeout_s: float) -> Frame:
        """Write one message and wait for the response under its id."""
        message_id = int.from_bytes(data[6:10])
        future: asyncio.Future[Frame] = self._loop.create_future()
        self._waiting[message_id] = (response, future)
        try:
            self.send(data)
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError:
            raise TransientError("the reader did not answer in time") from None
        finally:
            self._waiting.pop(message_id, None)

    def watch_keepalives(self, limit_s: float) -> None:
        """From now on a keepalive must come at least every `limit_s` seconds."""
        self._keepalive_limit_s = limit_s
        self._rearm()

    def note(self, detail: str) -> None:
        """Put a word of the driver's own among the readings."""
        self._pending.append(DriverNotice("inputs_unknown", self._now_us(), detail))
        self._wake.set()

    # Receiving

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TCP is up; the reader speaks first."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            sock = transport.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Bytes came in: handle every message that is now whole."""
        received_at = self._now_us()
        try:
            for frame in self._splitter.feed(data):
                if self._lost is None:
                    self._handle(frame, received_at)
        except VersionMismatchError as error:
            told = TransientError if self.accepted.done() else FatalError
            self.lose(told(str(error)))
        except FramingError as error:
            self.lose(TransientError(str(error)))
        if self._pending:
            self._wake.set()
            self._pause_if_full()

    def connection_lost(self, error: Exception | None) -> None:
        """TCP is gone."""
        reason = "the reader closed the connection"
        try:
            self._splitter.finish()
        except FramingError as unfinished:
            reason = f"{reason}: {unfinished}"
        self.lose(TransientError(reason))

    def lose(self, error: Exception) -> None:
        """End this connection for a stated reason; the first reason stays."""
        if self._lost is not None:
            return
        self._lost = error
        self._disarm()
        if self._transport is not None:
            self._transport.abort()
        for _, future in self._waiting.values():
            if not future.done():
                future.set_exception(TransientError(str(error)))
        if not self.accepted.done():
            self.accepted.set_exception(error)
            self.accepted.exception()  # It is also raised from readings(): not an unseen failure.
        self._wake.set()

    async def readings(self) -> AsyncIterator[RawReading]:
        """Everything received, then the reason why it ended."""
        while True:
            while self._pending:
                yield self._pending.popleft()
                self._resume_if_drained()
            if self._lost is not None:
                raise self._lost
            self._wake.clear()
            await self._wake.wait()

    def _handle(self, frame: Frame, received_at: int) -> None:
        try:
            if frame.kind == MessageType.KEEPALIVE:
                self.send(keepalive_ack(frame.message_id))
                self._rearm()
            elif frame.kind == MessageType.RO_ACCESS_REPORT:
                self._pending.extend(self.decoder.report(frame, received_at))
            elif frame.kind == MessageType.READER_EVENT_NOTIFICATION:
                self._events(frame, received_at)
            else:
                if frame.kind == MessageType.GET_READER_CONFIG_RESPONSE:
                    # Here and not by who asked: an edge in the next frame must come after.
                    self._pending.extend(self.decoder.inputs(frame, received_at))
                self._response(frame)
        except BodyError as error:
            kept = frame.data[:_KEPT_FRAME_BYTES].hex().upper()
            self._pending.append(DriverNotice("bad_frame", received_at, f"{error}: {kept}"))

    def _events(self, frame: Frame, received_at: int) -> None:
        events, readings = self.decoder.events(frame, received_at)
        self._pending.extend(readings)
        attempt = events.connection_attempt
        if attempt is not None and not self.accepted.done():
            if attempt == 0:
                self.accepted.set_result(None)
            else:
                self.lose(TransientError(_ATTEMPTS.get(attempt, _ATTEMPTS[3])))
        if events.connection_closed:
            self.lose(TransientError("the reader closed the connection"))

    def _response(self, frame: Frame) -> None:
        expected, future = self._waiting.get(frame.message_id, (None, None))
        if future is None or future.done():
            # A late answer, or the refusal of a message that has no answer.
            return
        if frame.kind in (expected, MessageType.ERROR_MESSAGE):
            future.set_result(frame)
        else:
            future.set_exception(TransientError("the reader answered with another message"))

    def _rearm(self) -> None:
        self._disarm()
        if self._keepalive_limit_s is not None and not self._paused:
            self._watchdog = self._loop.call_later(self._keepalive_limit_s, self._silent)

    def _disarm(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None

    def _silent(self) -> None:
        """The limit is over: what came meanwhile is read first, as after a stop of this process."""
        self._watchdog = self._loop.call_later(_LAST_LOOK_S, self._still_silent)

    def _still_silent(self) -> None:
        self.lose(TransientError("no keepalive from the reader"))

    def _pause_if_full(self) -> None:
        if self._paused or self._lost is not None or self._transport is None:
            return
        if len(self._pending) >= self._max_pending:
            log.warning("llrp_reading_paused", extra={"pending": len(self._pending)})
            self._paused = True
            # What is not read cannot be watched: keepalives wait in the socket too.
            self._disarm()
            self._transport.pause_reading()

    def _resume_if_drained(self) -> None:
        if self._paused and len(self._pending) <= self._max_pending // 2 and self._transport:
            self._paused = False
            if self._lost is None:
                self._transport.resume_reading()
                self._rearm()
