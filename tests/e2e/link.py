"""A site's link to its broker: a TCP relay that can be cut and healed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Link:
    """Forwards every connection while it is up; a cut resets all and takes no new one."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.up = True
        self._target = target
        self._ends: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    @property
    def carrying(self) -> bool:
        """Whether somebody is connected through it."""
        return bool(self._ends)

    async def open(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """End everything."""
        self.cut()
        if self._server is not None:
            self._server.close()

    def cut(self) -> None:
        """Nothing goes through any more."""
        self.up = False
        for end in list(self._ends):
            end.transport.abort()

    def heal(self) -> None:
        """The next try gets through."""
        self.up = True

    async def _serve(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        if not self.up:
            back.transport.abort()
            return
        try:
            far, on = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            back.transport.abort()
            return
        self._ends |= {back, on}
        await asyncio.gather(self._pump(near, on), self._pump(far, back))
        self._ends -= {back, on}

    @staticmethod
    async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                target.write(data)
                await target.drain()
        target.transport.abort()


@contextlib.asynccontextmanager
async def a_link(target: int) -> AsyncIterator[Link]:
    """A link to a local port, ended with the context."""
    link = Link(target)
    await link.open()
    try:
        yield link
    finally:
        link.close()
