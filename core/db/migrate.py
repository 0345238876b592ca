"""Migrations: bring a database to the newest schema, then refresh functions, views and grants.

Forward only. Every run takes an advisory lock, so two roles that start together migrate once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from alembic import command, op
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

MIGRATIONS = Path(__file__).parent / "migrations"
KPI = Path(__file__).parent / "kpi"
FUNCTIONS = Path(__file__).parent / "functions"
_LOCK = 7_301_001
APP_ROLE = "dockledger_app"
KPI_ROLE = "dockledger_kpi"

GRANTS = f"""
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
    GRANT USAGE ON SCHEMA public, kpi TO {APP_ROLE};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP_ROLE};
    REVOKE UPDATE, DELETE ON move FROM {APP_ROLE};
    GRANT SELECT ON ALL TABLES IN SCHEMA kpi TO {APP_ROLE};
    GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE};
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {APP_ROLE};
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{KPI_ROLE}') THEN
    GRANT USAGE ON SCHEMA kpi TO {KPI_ROLE};
    GRANT SELECT ON ALL TABLES IN SCHEMA kpi TO {KPI_ROLE};
  END IF;
END $$;
"""


def async_url(url: str) -> str:
    """`postgresql://…` as SQLAlchemy's asyncpg dialect wants it."""
    head, _, rest = url.partition("://")
    if head not in {"postgresql", "postgres", "postgresql+asyncpg"}:
        raise ValueError("the database URL must begin with postgresql://")
    return f"postgresql+asyncpg://{rest}"


def run_script(script: str) -> None:
    """Run several statements at once on the migration's own connection and transaction.

    The asyncpg dialect prepares statements one by one; the driver's simple protocol takes a script.
    """
    raw = cast(Any, op.get_bind().connection.dbapi_connection)
    raw.run_async(lambda connection: connection.execute(script))


def _upgrade(connection: Connection) -> None:
    connection.execute(text("SET lock_timeout = '10s'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    raw = cast(Any, connection.connection.dbapi_connection)
    scripts = ["CREATE SCHEMA IF NOT EXISTS kpi"]
    scripts += [path.read_text(encoding="utf-8") for path in sorted(FUNCTIONS.glob("*.sql"))]
    scripts += [path.read_text(encoding="utf-8") for path in sorted(KPI.glob("*.sql"))]
    for script in (*scripts, GRANTS):
        raw.run_async(lambda c, s=script: c.execute(s))


async def migrate(url: str) -> None:
    """Bring the database at `url` to the newest schema. Safe to repeat and to run twice at once."""
    engine = create_async_engine(async_url(url))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()
