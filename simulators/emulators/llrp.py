"""An LLRP 1.0.1 reader on a loopback port: one client, ROSpec life cycle, events, keepalives, GPO.

It speaks the protocol and nothing else: what is read, and when, is told to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Protocol

from llrpkit.exceptions import LLRPError
from llrpkit.protocol import LLRPMessage, decode_message, enums, params

from simulators.emulators.llrp_frames import Content, TagRead, event_frame, report_frame
from simulators.emulators.llrp_session import Session

HEADER_BYTES = 10
MAX_FRAME = 1 << 20
HANDSHAKE_MESSAGE_ID = 0
Attempt = enums.ConnectionAttemptStatusType


class Listener(Protocol):
    """Who wants to know what the client does."""

    def on_connection(self, *, up: bool) -> None:
        """A client came or went."""

    def on_output(self, port: int, state: int) -> None:
        """A GPO command arrived."""


class LlrpServer:
    """The reader's network side."""

    def __init__(self, *, listener: Listener, now_us: Callable[[], int]) -> None:
        self.port = 0
        self._listener = listener
        self._now_us = now_us
        self._server: asyncio.Server | None = None
        self._session: Session | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._cut = False
        self._strays: set[asyncio.StreamWriter] = set()
        self._outputs: dict[int, bool] = {}
        self._inputs: dict[int, bool] = {}
        self._message_id = 1000

    async def listen(self, host: str, port: int = 0) -> None:
        """Open the port; 0 takes a free one and keeps it over `die` and `listen` again."""
        self._server = await asyncio.start_server(self._serve, host, port or self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def die(self) -> None:
        """Power loss: the connection is reset and nobody listens any more."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self._abort()

    def cut(self) -> None:
        """The network is gone: connections stay half open, nothing goes either way."""
        self._cut = True
        if self._writer is not None:
            self._strays.add(self._writer)
            self._leave(self._writer)

    def heal(self) -> None:
        """The network is back; what hung in it is reset."""
        self._cut = False
        for writer in self._strays:
            writer.transport.abort()
        self._strays.clear()

    async def hang_up(self) -> None:
        """Close the connection as a reader does: it says so first."""
        closing = params.ConnectionCloseEvent()
        frame = event_frame(at_us=self._now_us(), message_id=self._next_id(), closing=closing)
        await self._write(frame)
        self._abort()

    @property
    def listening(self) -> bool:
        """Whether the port is open."""
        return self._server is not None

    @property
    def connected(self) -> bool:
        """Whether a client has the reader."""
        return self._session is not None

    @property
    def inventorying(self) -> bool:
        """Whether a client has an active ROSpec."""
        return self._session is not None and self._session.active is not None

    def power_dbm(self, port: int, default: float) -> float | None:
        """What the active ROSpec sends with on an antenna; None when it does not use it."""
        return self._session.power_dbm(port, default) if self._session is not None else None

    async def report(self, reads: list[TagRead]) -> bytes | None:
        """Send one report; the frame once it left the socket, None when it did not."""
        session = self._session
        content = session.content() if session is not None else None
        if not isinstance(content, Content):
            return None
        frame = report_frame(reads, content=content, message_id=self._next_id())
        return frame if await self._write(frame) else None

    async def gpi(self, port: int, at_us: int, *, high: bool) -> bytes | None:
        """Set the level, and report the edge if the client asked for GPI events."""
        self._inputs[port] = high
        if self._session is None or not self._session.wants(enums.NotificationEventType.GPI_Event):
            return None
        event = params.GPIEvent(gpi_port_number=port, gpi_event=high)
        frame = event_frame(at_us=at_us, message_id=self._next_id(), gpi=event)
        return frame if await self._write(frame) else None

    async def antenna(self, port: int, *, connected: bool) -> bytes | None:
        """Report a plug pulled or put back."""
        wanted = enums.NotificationEventType.Antenna_Event
        if self._session is None or not self._session.wants(wanted):
            return None
        event = params.AntennaEvent(event_type=int(connected), antenna_id=port)
        frame = event_frame(at_us=self._now_us(), message_id=self._next_id(), antenna=event)
        return frame if await self._write(frame) else None

    async def overflow(self) -> bytes | None:
        """Say that the report buffer overflowed."""
        lost = params.ReportBufferOverflowErrorEvent()
        frame = event_frame(at_us=self._now_us(), message_id=self._next_id(), overflow=lost)
        return frame if await self._write(frame) else None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._cut:
            self._strays.add(writer)
            return
        if self._session is not None:
            already = Attempt.Failed_A_Client_Initiated_Connection_Already_Exists
            writer.write(self._attempt(already))
            writer.close()
            return
        writer.transport.set_write_buffer_limits(high=0)
        self._session, self._writer = Session(self._outputs, self._inputs), writer
        writer.write(self._attempt(Attempt.Success))
        self._listener.on_connection(up=True)
        keepalive: asyncio.Task[None] | None = None
        try:
            while self._writer is writer:
                message = await _read_message(reader)
                if message is None or self._writer is not writer:
                    break
                session = self._session
                if session is None:
                    break
                answer = session.handle(message)
                if answer is not None:
                    await self._write(answer.to_bytes(message_id=message.message_id))
                for port, state in session.take_outputs():
                    self._listener.on_output(port, state)
                if session.keepalive_changed():
                    keepalive = self._restart(keepalive, session.keepalive_s)
                if session.closed:
                    break
        except (OSError, LLRPError):
            pass
        finally:
            if keepalive is not None:
                keepalive.cancel()
            self._leave(writer)
            if writer not in self._strays:
                with contextlib.suppress(OSError):
                    writer.close()

    def _attempt(self, status: int) -> bytes:
        return event_frame(at_us=self._now_us(), message_id=HANDSHAKE_MESSAGE_ID, attempt=status)

    def _restart(
        self, running: asyncio.Task[None] | None, period_s: float
    ) -> asyncio.Task[None] | None:
        if running is not None:
            running.cancel()
        if period_s <= 0:
            return None
        return asyncio.get_running_loop().create_task(self._keep_alive(period_s))

    async def _keep_alive(self, period_s: float) -> None:
        # KEEPALIVE has no body: version 1, type 62.
        while True:
            await asyncio.sleep(period_s)
            header = (0x043E).to_bytes(2, "big") + HEADER_BYTES.to_bytes(4, "big")
            await self._write(header + self._next_id().to_bytes(4, "big"))

    async def _write(self, frame: bytes) -> bool:
        """Write and wait until the kernel has it all."""
        writer = self._writer
        if writer is None or writer.is_closing():
            return False
        try:
            writer.write(frame)
            await writer.drain()
        except OSError:
            return False
        return self._writer is writer and not writer.is_closing()

    def _leave(self, writer: asyncio.StreamWriter) -> None:
        if self._writer is writer:
            self._writer, self._session = None, None
            self._listener.on_connection(up=False)

    def _abort(self) -> None:
        writer = self._writer
        if writer is not None:
            writer.transport.abort()
            self._leave(writer)

    def _next_id(self) -> int:
        self._message_id = self._message_id % 0x7FFF_FFFF + 1
        return self._message_id


async def _read_message(reader: asyncio.StreamReader) -> LLRPMessage | None:
    """The next message, or None when the client is gone or does not frame its messages."""
    try:
        header = await reader.readexactly(HEADER_BYTES)
        length = int.from_bytes(header[2:6], "big")
        if not HEADER_BYTES <= length <= MAX_FRAME:
            return None
        body = await reader.readexactly(length - HEADER_BYTES)
    except asyncio.IncompleteReadError:
        return None
    return decode_message(header + body)
