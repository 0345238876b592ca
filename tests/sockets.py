"""The application behind a real loopback socket, and clients that lose their connection."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

import uvicorn

from tests.apis import Api
from tests.waiting import eventually

Cut = Literal["never", "while sending", "before the answer"]


@asynccontextmanager
async def listening(api: Api) -> AsyncIterator[int]:
    """Serve an application on a free port of 127.0.0.1; gives the port."""
    config = uvicorn.Config(api.app, log_level="error", lifespan="off", access_log=False)
    async with serving(uvicorn.Server(config)) as port:
        yield port


@asynccontextmanager
async def serving(server: uvicorn.Server) -> AsyncIterator[int]:
    """A server on a free port of 127.0.0.1; gives the port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await eventually(lambda: server.started)
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await task
        listener.close()


def request_bytes(
    path: str, document: Any, headers: Mapping[str, str], *, method: str = "POST"
) -> bytes:
    """An HTTP/1.1 request as it goes over the wire."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    fields = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


async def send(port: int, request: bytes, *, cut: Cut = "never") -> bytes:
    """The whole answer to one request; nothing when the line is cut."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        if cut == "while sending":
            writer.write(request[: len(request) // 2])
            await writer.drain()
            return b""
        writer.write(request)
        await writer.drain()
        return b"" if cut == "before the answer" else await reader.read()
    finally:
        writer.transport.abort()


def status_of(answer: bytes) -> int:
    """The status of an answer; 0 when there is none."""
    return int(answer.split(b" ", 2)[1]) if answer else 0


def json_of(answer: bytes) -> Any:
    """The JSON body of an answer."""
    return json.loads(answer.split(b"\r\n\r\n", 1)[1])
