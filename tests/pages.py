"""Pages and streams on a real socket in the test's own loop, and a reader of server-sent events."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from core.api import map as map_routes
from core.api.gate import GateLimits
from runtime.roles.api import server_of
from tests.apis import Api, open_api


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    kind: str
    id: str | None
    data: Any


@asynccontextmanager
async def serve_pages(database_url: str, *, guest: bool = True) -> AsyncIterator[tuple[Api, str]]:
    """The application and its address; streams and server end with the block."""
    limits = GateLimits(guest=guest, requests_per_minute=1_000_000)
    async with open_api(database_url, limits=limits) as api:
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        server = server_of(api.app)
        task = asyncio.create_task(server.serve([listener]))
        async with map_routes.background(api.app.state.context):
            try:
                yield api, f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                server.should_exit = True
                map_routes.closing(api.app.state.context)
                await task


async def events(answer: httpx.Response) -> AsyncIterator[Event]:
    """The events of a stream as they come."""
    kind, event_id = "message", None
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if name == "event":
            kind = value
        elif name == "id":
            event_id = value
        elif name == "data":
            yield Event(kind, event_id, json.loads(value))
            kind, event_id = "message", None


async def next_event(stream: AsyncIterator[Event], *kinds: str, within: float = 5.0) -> Event:
    """The next event of one of these kinds; the others (beats) are passed over."""
    async with asyncio.timeout(within):
        async for event in stream:
            if event.kind in kinds:
                return event
    raise AssertionError(f"the stream ended before {kinds}")
