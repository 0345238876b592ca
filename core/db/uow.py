"""The unit of work on PostgreSQL: one transaction, begun before anything else may run in it.

SQLAlchemy's asyncpg dialect begins lazily, so the first statement goes through SQLAlchemy; only
then
is the raw connection handed to the stores, and it must already be inside the transaction.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from core.application.ports.uow import Contention
from core.db.migrate import async_url
from core.db.store_set import PgStores
from core.domain.errors import Unavailable

_CONTENTION = ("40001", "40P01", "55P03")
_IDLE = "25P03"


def build_engine(url: str, *, pool_size: int = 8) -> AsyncEngine:
    """An engine with a bounded pool; a dead connection is noticed before it is used."""
    return create_async_engine(
        async_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=30,
        pool_pre_ping=True,
        connect_args={"timeout": 5, "command_timeout": 60},
    )


class PgUnitOfWork(PgStores):
    """One transaction on one site; stores share its raw asyncpg connection."""

    def __init__(
        self, site: str, connection: AsyncConnection, raw: asyncpg.Connection[Any]
    ) -> None:
        super().__init__(raw, site)
        self.connection = connection

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that may be undone alone."""
        async with self.raw.transaction():
            yield

    async def emit(
        self,
        event: str,
        *,
        aggregate: str,
        owner: str | None,
        payload: dict[str, Any],
        occurred_at: int,
        sequence: int = 0,
    ) -> None:
        """Add an outbox row of this transaction."""
        await self.raw.execute(
            "INSERT INTO outbox"
            " (site_id, owner_id, event, aggregate, sequence, payload, occurred_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            self.site,
            owner,
            event,
            aggregate,
            sequence,
            json.dumps(payload, default=str),
            occurred_at,
        )


class PgUnitOfWorkFactory:
    """Opens units of work on one engine."""

    def __init__(
        self, engine: AsyncEngine, *, lock_timeout_ms: int = 5000, idle_limit_ms: int = 60_000
    ) -> None:
        self._engine = engine
        # Nobody waits for ever: neither for a lock, nor for one whose holder does nothing.
        self._limits = text(
            f"SELECT set_config('lock_timeout', '{int(lock_timeout_ms)}', true),"
            f" set_config('idle_in_transaction_session_timeout', '{int(idle_limit_ms)}', true)"
        )

    @asynccontextmanager
    async def __call__(self, site: str) -> AsyncIterator[PgUnitOfWork]:
        """Begin, hand out, commit; roll back on any exception. Raises `Contention` or
        `Unavailable`.
        """
        try:
            async with self._engine.connect() as connection, connection.begin():
                await connection.execute(self._limits)
                raw = await raw_connection(connection)
                yield PgUnitOfWork(site, connection, raw)
        except (DBAPIError, asyncpg.PostgresError) as error:
            raise _translated(error) from error
        except (OSError, TimeoutError, asyncpg.InterfaceError, InterfaceError) as error:
            raise Unavailable("the database cannot be reached") from error
        except PoolTimeoutError as error:
            raise Unavailable("every connection is in use") from error


async def raw_connection(connection: AsyncConnection) -> asyncpg.Connection[Any]:
    """The driver's connection behind a SQLAlchemy one; it must be inside the transaction
    already.
    """
    proxied = await connection.get_raw_connection()
    raw = cast("asyncpg.Connection[Any]", proxied.driver_connection)
    if not raw.is_in_transaction():
        raise RuntimeError("the raw connection was asked for outside a transaction")
    return raw


def _translated(error: Exception) -> Exception:
    """`Contention` for what a retry heals, `Unavailable` for a lost server, the error itself
    for a bug.
    """
    origin = getattr(error, "orig", error)
    state = getattr(origin, "sqlstate", None) or getattr(origin, "pgcode", None)
    if state in _CONTENTION:
        return Contention("the database is busy")
    if state is None or str(state)[:2] in {"08", "57", "53"} or state == _IDLE:
        return Unavailable("the database cannot be reached")
    return error
