"""Alembic environment: forward only, one connection handed in by `core.db.migrate`."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from core.db.tables import metadata


def run() -> None:
    """Run the pending migrations in one transaction on the connection of the caller."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table="schema_version",
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
