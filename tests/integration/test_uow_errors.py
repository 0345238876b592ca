"""What a unit of work makes of failures: a value that no statement takes is a bug, no outage."""

from __future__ import annotations

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.db.uow import PgUnitOfWorkFactory, build_engine


async def test_a_value_that_no_statement_takes_is_not_said_to_be_a_lost_database(
    database_url: str,
) -> None:
    engine = build_engine(database_url)
    opened = PgUnitOfWorkFactory(engine)
    try:
        with pytest.raises(asyncpg.DataError):
            async with opened("demo") as unit:
                await unit.raw.fetchval("SELECT $1::bigint", 1 << 70)
        with pytest.raises(DBAPIError):
            async with opened("demo") as unit:
                await unit.connection.execute(
                    text("SELECT CAST(:big AS bigint)").bindparams(big=1 << 70)
                )
    finally:
        await engine.dispose()
