"""A unit of work names its failures: a lost server is waited out, a bug is not."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from core.db.stores.platform import PgKeyStore
from core.db.uow import PgUnitOfWorkFactory, build_engine
from core.domain.errors import Unavailable
from tests.databases import PgAdmin, TestDatabase


async def test_an_argument_the_driver_refuses_is_a_bug_and_no_outage(database_url: str) -> None:
    engine = build_engine(database_url, pool_size=1)
    try:
        with pytest.raises(asyncpg.DataError, match="invalid input for query argument"):
            async with PgUnitOfWorkFactory(engine)("demo") as unit:
                await unit.raw.fetch("SELECT $1::bigint", "seven")
    finally:
        await engine.dispose()


async def test_a_connection_that_the_server_ended_is_an_outage(database_url: str) -> None:
    engine = build_engine(database_url, pool_size=1)
    other = await asyncpg.connect(database_url)
    try:
        with pytest.raises(Unavailable):
            await lose_the_connection(PgUnitOfWorkFactory(engine), other)
    finally:
        await other.close()
        await engine.dispose()


async def lose_the_connection(
    open_unit: PgUnitOfWorkFactory, other: asyncpg.Connection[Any]
) -> None:
    """End the server's side of an open transaction, then go on in it."""
    async with open_unit("demo") as unit:
        pid = await unit.raw.fetchval("SELECT pg_backend_pid()")
        await other.execute("SELECT pg_terminate_backend($1)", pid)
        await unit.raw.fetch("SELECT 1")


async def test_a_server_that_takes_no_connections_is_an_outage_for_keys(
    pg: PgAdmin, database: TestDatabase
) -> None:
    engine = build_engine(database.app, pool_size=1)
    pg.execute(f'ALTER DATABASE "{database.name}" ALLOW_CONNECTIONS false')
    try:
        with pytest.raises(Unavailable):
            await PgKeyStore(engine).by_prefix("none")
    finally:
        pg.execute(f'ALTER DATABASE "{database.name}" ALLOW_CONNECTIONS true')
        await engine.dispose()
