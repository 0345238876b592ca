"""A tiny HTTP endpoint on loopback: faults, loads on request, the switch of the crew.

POST /fault {kind, reader, …}, /pass {door, direction, tags}, /crew {running}; GET /state.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping

from simulators.faults import FaultError, apply_fault
from simulators.loads import carried, pallet
from simulators.operators import Crew
from simulators.tags import Tag
from simulators.world import World

LIMIT = 1 << 20
TIMEOUT_S = 10.0
Answer = tuple[int, Mapping[str, object]]
Body = Mapping[str, object]


class Control:
    """The endpoint."""

    def __init__(self, world: World, crew: Crew | None = None) -> None:
        self.port = 0
        self._world = world
        self._crew = crew
        self._server: asyncio.Server | None = None
        self._running: set[asyncio.Task[object]] = set()
        self._routes: dict[tuple[str, str], Callable[[Body], Awaitable[Answer]]] = {
            ("POST", "/fault"): self._fault,
            ("POST", "/pass"): self._pass,
            ("POST", "/crew"): self._switch,
            ("GET", "/state"): self._state,
        }

    async def start(self, port: int = 0) -> int:
        """Listen on loopback; the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def stop(self) -> None:
        """Stop listening."""
        for task in self._running:
            task.cancel()
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(TIMEOUT_S):
                status, answer = await self._answer(reader)
                body = json.dumps(answer).encode()
                head = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\n"
                head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                writer.write(head.encode() + body)
                await writer.drain()
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        method, path, _ = (await reader.readline()).decode("latin-1").split(" ", 2)
        length = 0
        while line := (await reader.readline()).strip():
            name, _, value = line.decode("latin-1").partition(":")
            if name.lower() == "content-length" and value.strip().isdigit():
                length = min(int(value), LIMIT)
        raw = await reader.readexactly(length)
        route = self._routes.get((method, path))
        if route is None:
            return 404, {"code": "not-found"}
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return 400, {"code": "not-json"}
        try:
            return await route(body)
        except FaultError as error:
            return 422, {"code": error.code}

    async def _fault(self, body: Body) -> Answer:
        await apply_fault(self._world, body)
        return 200, {"done": True}

    async def _pass(self, body: Body) -> Answer:
        """Move tags through a door; answers at once unless `wait` is true."""
        tags, door, direction = body.get("tags"), body.get("door"), body.get("direction")
        if not isinstance(tags, list) or not isinstance(door, str) or door not in self._doors():
            raise FaultError("no-such-door-or-tags")
        try:
            chosen = [Tag(bytes.fromhex(str(tag)), "") for tag in tags]
        except ValueError as error:
            raise FaultError("tags-not-hex") from error
        speed = body.get("speed_mps")
        load = carried("request", chosen) if len(chosen) < 5 else pallet("request", chosen)
        moving = asyncio.create_task(
            self._world.run_pass(
                load,
                door=door,
                direction="out" if direction == "out" else "in",
                turns_back=body.get("turns_back") is True,
                guarantee_reads=2,
                speed_mps=float(speed) if isinstance(speed, int | float) else 1.4,
            )
        )
        self._running.add(moving)
        moving.add_done_callback(self._running.discard)
        return 202, {"started": True}

    async def _switch(self, body: Body) -> Answer:
        if self._crew is not None:
            if body.get("running") is False:
                self._crew.pause()
            else:
                self._crew.resume()
        return 200, {"running": body.get("running") is not False}

    async def _state(self, _body: Body) -> Answer:
        readers = {
            name: {
                "port": reader.server.port,
                "connected": reader.server.connected,
                "inventorying": reader.server.inventorying,
            }
            for name, reader in self._world.readers.items()
        }
        return 200, {"readers": readers, "passes_running": len(self._running)}

    def _doors(self) -> set[str]:
        return {door.name for door in self._world.site.doors}
