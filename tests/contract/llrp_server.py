"""A reader made of bytes: speaks just enough LLRP 1.0.1 to be set up, written from the standard.

It shares nothing with the driver's codec, so that one mistake cannot hide in both.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterable

OK = bytes.fromhex("011f 0008 0000 0000")
RESPONSES = {2: 12, 3: 13, 14: 4, 20: 30, 21: 31, 22: 32, 23: 33, 24: 34}


def frame(kind: int, message_id: int, body: bytes = b"") -> bytes:
    """A message with the version bits of 1.0.1."""
    return struct.pack(">HII", 0x0400 | kind, 10 + len(body), message_id) + body


def tlv(kind: int, value: bytes) -> bytes:
    """A type-length-value parameter."""
    return struct.pack(">HH", kind, 4 + len(value)) + value


def status(code: int) -> bytes:
    """An LLRPStatus with a text that must never reach an error of ours."""
    return tlv(287, struct.pack(">HH", code, 6) + b"\x1b[31m!")


def event(*parameters: bytes, utc_us: int | None = 1_772_442_900_000_000) -> bytes:
    """A READER_EVENT_NOTIFICATION; without a time it is given the uptime 5 s."""
    time = tlv(129, struct.pack(">Q", 5_000_000))
    if utc_us is not None:
        time = tlv(128, struct.pack(">Q", utc_us))
    return frame(63, 0, tlv(246, time + b"".join(parameters)))


def accepted(code: int = 0) -> bytes:
    """The connection-attempt event."""
    return event(tlv(256, struct.pack(">H", code)))


def gpi(port: int, *, high: bool, utc_us: int = 1_772_442_900_000_000) -> bytes:
    """An edge of a general-purpose input."""
    return event(tlv(248, struct.pack(">HB", port, 0x80 if high else 0)), utc_us=utc_us)


def report(*tags: bytes) -> bytes:
    """An RO_ACCESS_REPORT of TagReportData values."""
    return frame(61, 0, b"".join(tlv(240, tag) for tag in tags))


def tag(
    epc: bytes, antenna: int | None = None, *, rssi: int | None = None, seen: int | None = None
) -> bytes:
    """The value of one TagReportData: EPC-96, then what is given."""
    value = b"\x8d" + epc
    if antenna is not None:
        value += struct.pack(">BH", 0x81, antenna)
    if rssi is not None:
        value += struct.pack(">Bb", 0x86, rssi)
    if seen is not None:
        value += struct.pack(">BQ", 0x84, seen)
    return value


def capabilities(antennas: int, *, vendor: int, outputs: int) -> bytes:
    """General and regulatory capabilities: two powers (10 and 30 dBm), two hop frequencies."""
    general = struct.pack(">HHIIH", antennas, 0x4000, vendor, 1, 3) + b"1.0"
    general += tlv(141, struct.pack(">HH", 2, outputs))
    hops = tlv(147, struct.pack(">BBHII", 1, 0, 2, 902_750, 903_250))
    powers = b"".join(
        tlv(145, struct.pack(">Hh", index, power)) for index, power in ((1, 1000), (2, 3000))
    )
    band = tlv(144, powers + tlv(146, b"\x80" + hops))
    regulatory = tlv(143, struct.pack(">HH", 840, 1) + band)
    return OK + tlv(137, general) + regulatory


class ByteReader:
    """Listens on a loopback port; remembers what it was told and says what it is given."""

    def __init__(self, *, antennas: int = 2, vendor: int = 0, outputs: int = 4) -> None:
        self.capabilities = capabilities(antennas, vendor=vendor, outputs=outputs)
        self.greeting = accepted()
        self.port = 0
        self.outputs: dict[int, bool] = {}
        self.inputs: dict[int, int] = {}
        self.after_inputs = b""
        self.unreadable_inputs = False
        self.received: list[tuple[int, int, bytes]] = []
        self.refusals: dict[int, int] = {}
        self.responses = dict(RESPONSES)
        self.mute: set[int] = set()
        self.started = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def start(self) -> None:
        """Listen; on the same port after the first time."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Hang up and listen no more."""
        await self.hang_up()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def hang_up(self) -> None:
        """Close the connection."""
        writer, self._writer = self._writer, None
        self.started.clear()
        if writer is not None:
            writer.close()

    async def say(self, data: bytes) -> None:
        """Bytes to the client, as they are."""
        if self._writer is None:
            raise RuntimeError("nobody is connected")
        self._writer.write(data)
        await self._writer.drain()

    def kinds(self) -> list[int]:
        """The numbers of the messages received so far."""
        return [kind for kind, _, _ in self.received]

    def of_kind(self, wanted: int) -> list[bytes]:
        """The bodies received under a message number."""
        return [body for kind, _, body in self.received if kind == wanted]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        # Small, so that a client that stops reading is felt soon.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8_192)
        writer.write(self.greeting)
        try:
            while True:
                head = await reader.readexactly(10)
                kind, length, message_id = struct.unpack(">HII", head)
                body = await reader.readexactly(length - 10)
                self.received.append((kind & 0x3FF, message_id, body))
                self._answer(writer, kind & 0x3FF, message_id, body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(
        self, writer: asyncio.StreamWriter, kind: int, message_id: int, body: bytes
    ) -> None:
        if kind in self.mute:
            return
        answer = status(self.refusals[kind]) if kind in self.refusals else OK
        if kind == 1:
            answer = answer if kind in self.refusals else self.capabilities
            writer.write(frame(11, message_id, answer))
        elif kind == 2 and kind not in self.refusals and kind in self.responses:
            size = 3 if self.unreadable_inputs else 4
            levels = [struct.pack(">HBB", p, 0x80, s)[:size] for p, s in self.inputs.items()]
            body = OK + b"".join(tlv(225, value) for value in levels)
            writer.write(frame(self.responses[2], message_id, body) + self.after_inputs)
        elif kind == 1023:
            writer.write(frame(1023, message_id, struct.pack(">IB", 25882, 22) + answer))
        elif kind in self.responses:
            if kind == 3 and answer is OK:
                self.outputs.update(_outputs(body[1:]))
            writer.write(frame(self.responses[kind], message_id, answer))
        if kind == 22:
            self.started.set()


def _outputs(body: bytes) -> Iterable[tuple[int, bool]]:
    while body:
        kind, length = struct.unpack(">HH", body[:4])
        if kind == 219:
            port, state = struct.unpack(">HB", body[4:7])
            yield port, state == 0x80
        body = body[length:]
