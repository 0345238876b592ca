"""A webhook receiver of the tests: TLS with its own authority, scripted answers, what it heard."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from core.domain.addresses import Address

Answer = Callable[["Heard", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Heard:
    """One request as it arrived."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`answer` decides what comes back; by default 204."""

    port: int = 0
    answer: Answer | None = None
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0


def plain(status: int, *, headers: Sequence[str] = (), body: bytes = b"") -> Answer:
    """An answer with this status."""

    async def answer(_: Heard, writer: asyncio.StreamWriter) -> None:
        head = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", *headers]
        writer.write(("\r\n".join(head) + "\r\n\r\n").encode() + body)
        await writer.drain()

    return answer


async def drip(_: Heard, writer: asyncio.StreamWriter) -> None:
    """One byte a moment, without end."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.05)


def authority(place: Path, *names: str) -> Path:
    """A certificate for these names in `place/cert.pem`, its own authority; key beside it."""
    alternative = ",".join(f"IP:{name}" if name[0].isdigit() else f"DNS:{name}" for name in names)
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "3650", "-subj", "/CN=receiver of the tests"]
    command += ["-addext", f"subjectAltName={alternative}"]
    command += ["-keyout", str(place / "key.pem"), "-out", str(place / "cert.pem")]
    subprocess.run(command, check=True, capture_output=True)
    return place / "cert.pem"


@asynccontextmanager
async def receiving(cert: Path, *, address: str = "127.0.0.1") -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    known = Receiver()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        known.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *rest = head.rstrip("\r\n").split("\r\n")
            headers = {k.lower(): v for k, v in (entry.split(": ", 1) for entry in rest)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            heard = Heard(line, headers, body)
            known.heard.append(heard)
            await (known.answer or plain(204))(heard, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return
        finally:
            writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, cert.with_name("key.pem"))
    server = await asyncio.start_server(serve, address, 0, ssl=context)
    known.port = server.sockets[0].getsockname()[1]
    try:
        yield known
    finally:
        server.close()


@dataclass
class Names:
    """A resolver of the tests: what each name has now."""

    known: dict[str, list[str]] = field(default_factory=dict)

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        """See `Resolver`."""
        return [ipaddress.ip_address(text) for text in self.known.get(host, [])]
