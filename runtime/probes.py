"""Signs of life seen from outside. A stopped process still takes connections: it has to answer."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

Probe = Callable[[], Coroutine[None, None, bool]]
ANSWER_S = 2.0
# PostgreSQL's SSLRequest: the server answers one byte before any log-in.
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")
_BEAT_LIMIT_S = 5.0


async def _ask(host: str, port: int, question: bytes) -> bytes:
    """The first bytes that come back; empty when nobody answers in time."""
    try:
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(question)
                return await reader.read(64)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError):
        return b""


def postgres(port: int, *, host: str = "127.0.0.1") -> Probe:
    """The postmaster answers."""

    async def probe() -> bool:
        return await _ask(host, port, _SSL_REQUEST) in {b"N", b"S"}

    return probe


def mqtt(port: int, *, user: str, password: str, host: str = "127.0.0.1") -> Probe:
    """The broker lets a user in: CONNECT, CONNACK, and good-bye."""
    body = b"\x00\x04MQTT\x04\xc2\x00\x0a" + _text("probe") + _text(user) + _text(password)
    packet = b"\x10" + bytes([len(body)]) + body + b"\xe0\x00"

    async def probe() -> bool:
        return (await _ask(host, port, packet))[:2] == b"\x20\x02"

    return probe


def _text(value: str) -> bytes:
    raw = value.encode()
    return len(raw).to_bytes(2, "big") + raw


def http(port: int, path: str, *, host: str = "127.0.0.1") -> Probe:
    """The server answers 200 on this path."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode()

    async def probe() -> bool:
        return b" 200 " in (await _ask(host, port, request))[:16]

    return probe


def beat(path: Path) -> Probe:
    """The process touched its file within the last seconds (both ends use the wall clock)."""

    async def probe() -> bool:
        return _age_s(path) < _BEAT_LIMIT_S

    return probe


def _age_s(path: Path) -> float:
    # A clock set back leaves a file of the future: it counts until time has caught up.
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return math.inf
