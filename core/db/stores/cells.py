"""Cells in SQL: an advisory lock on a connection of its own, the epoch row, the holder's beats."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from core.domain.errors import Unavailable

_KEY = "hashtextextended('cell/' || $1 || '/' || $2, 0)"
TRY = f"SELECT pg_try_advisory_lock({_KEY})"
UNLOCK = f"SELECT pg_advisory_unlock({_KEY})"
RAISE_EPOCH = """
INSERT INTO cell AS c (site_id, cell, epoch, holder, taken_at) VALUES ($1, $2, 1, $3, $4)
ON CONFLICT (site_id, cell) DO UPDATE
SET epoch = c.epoch + 1, holder = excluded.holder, taken_at = excluded.taken_at
RETURNING epoch
"""
FIRST_BEAT = """
INSERT INTO cell_beat (site_id, cell, epoch, beats) VALUES ($1, $2, $3, 0)
ON CONFLICT (site_id, cell) DO UPDATE SET epoch = excluded.epoch, beats = 0
"""
BEAT = "UPDATE cell_beat SET beats = beats + 1 WHERE site_id = $1 AND cell = $2 AND epoch = $3"
BEATS = "SELECT epoch, beats FROM cell_beat WHERE site_id = $1 AND cell = $2"
BAR = f"""
SELECT pg_terminate_backend(l.pid) FROM pg_locks l
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (l.classid::bigint << 32 | l.objid::bigint) = {_KEY} AND l.pid <> pg_backend_pid()
"""
_LOST = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError)


class PgCellClaim:
    """`CellClaim` on one asyncpg connection that is opened when needed and lost with the lock."""

    def __init__(self, url: str, *, site: str, cell: str, holder: str, taken_at: Any) -> None:
        self._url = url
        self._site = site
        self._cell = cell
        self._holder = holder
        self._now = taken_at
        self._connection: asyncpg.Connection[Any] | None = None
        self._epoch: int | None = None

    @property
    def epoch(self) -> int | None:
        """See the port."""
        return self._epoch

    async def try_take(self) -> int | None:
        """See the port."""
        async with self._session() as session:
            if not await session.fetchval(TRY, self._site, self._cell):
                return None
            async with session.transaction():
                epoch = int(
                    await session.fetchval(
                        RAISE_EPOCH, self._site, self._cell, self._holder, self._now()
                    )
                )
                await session.execute(FIRST_BEAT, self._site, self._cell, epoch)
            self._epoch = epoch
            return epoch

    async def beat(self) -> bool:
        """See the port."""
        if self._epoch is None or self._connection is None or self._connection.is_closed():
            self._epoch = None
            return False
        async with self._session() as session:
            done = await session.execute(BEAT, self._site, self._cell, self._epoch)
        if done != "UPDATE 1":
            self._epoch = None
        return self._epoch is not None

    async def beats(self) -> tuple[int, int]:
        """See the port."""
        async with self._session() as session:
            row = await session.fetchrow(BEATS, self._site, self._cell)
        return (0, 0) if row is None else (int(row["epoch"]), int(row["beats"]))

    async def bar(self) -> None:
        """See the port."""
        async with self._session() as session:
            await session.fetch(BAR, self._site, self._cell)

    async def release(self) -> None:
        """See the port."""
        connection, self._connection, self._epoch = self._connection, None, None
        if connection is not None and not connection.is_closed():
            with contextlib.suppress(*_LOST):
                await connection.close(timeout=2)

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        try:
            if self._connection is None or self._connection.is_closed():
                self._epoch = None
                self._connection = await asyncpg.connect(
                    self._url, timeout=3, command_timeout=3, statement_cache_size=0
                )
            yield self._connection
        except asyncpg.PostgresError as error:
            await self.release()
            raise Unavailable("the database cannot be reached") from error
        except _LOST as error:
            await self.release()
            raise Unavailable("the database cannot be reached") from error
