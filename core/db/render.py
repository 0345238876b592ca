"""DDL from the table definitions: `python -m core.db.render` rewrites the initial migration's SQL.

The rendered file is frozen with the first release; after it every change is a migration of its own.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateIndex, CreateTable

from core.db.tables import metadata

INITIAL = Path(__file__).parent / "migrations" / "versions" / "0001_initial.sql"


def render() -> str:
    """CREATE TABLE and CREATE INDEX statements of every table, in a stable order."""
    dialect = make_url("postgresql+asyncpg://").get_dialect()()
    statements: list[str] = []
    for table in sorted(metadata.tables.values(), key=lambda t: t.name):
        statements.append(str(CreateTable(table).compile(dialect=dialect)).strip())
        indexes = sorted(table.indexes, key=lambda i: str(i.name))
        statements.extend(str(CreateIndex(i).compile(dialect=dialect)).strip() for i in indexes)
    return ";\n\n".join(" \n".join(s.splitlines()).replace(" \n", "\n") for s in statements) + ";\n"


if __name__ == "__main__":
    INITIAL.write_text(render(), encoding="utf-8")
