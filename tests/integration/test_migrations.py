"""Migrations and table definitions say the same, and a migration may be repeated."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from core.db.migrate import async_url, migrate
from core.db.render import INITIAL, render
from core.db.tables import metadata
from tests.databases import PgAdmin


def test_the_initial_migration_is_rendered_from_the_tables() -> None:
    assert INITIAL.read_text(encoding="utf-8") == render()


async def test_a_migrated_database_has_exactly_the_tables_of_the_schema(database_url: str) -> None:
    def differences(connection: Connection) -> list[str]:
        context = MigrationContext.configure(
            connection, opts={"include_object": _ours, "compare_type": False}
        )
        return [str(difference) for difference in compare_metadata(context, metadata)]

    engine = create_async_engine(async_url(database_url))
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()

    assert found == []


def _ours(thing: object, name: str | None, kind: str, reflected: bool, other: object) -> bool:
    own = {"schema_version", "position_change_default"}
    return not (name in own or (name or "").startswith("position_change_"))


async def test_migrating_again_changes_nothing(pg: PgAdmin, database_url: str) -> None:
    name = database_url.rsplit("/", 1)[1]

    await migrate(pg.url("postgres", name))
    await migrate(pg.url("postgres", name))
