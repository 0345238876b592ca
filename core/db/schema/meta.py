"""Shared pieces of the table definitions: one metadata, column shorthands, the site-first key
rule.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, Text, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def site() -> Column[str]:
    """`site_id`: leads the primary key of every hot table."""
    return Column("site_id", Text, primary_key=True)


def at(name: str, *, nullable: bool = True) -> Column[int]:
    """An instant in integer microseconds UTC."""
    return Column(name, BigInteger, nullable=nullable)


def words(name: str, default: str | None = None, *, nullable: bool = False) -> Column[str]:
    """A text column; `default` is the server's."""
    if default is None:
        return Column(name, Text, nullable=nullable)
    return Column(name, Text, nullable=nullable, server_default=text(f"'{default}'"))


def count(name: str, *, default: int = 0) -> Column[int]:
    """A quantity in base units; never null."""
    return Column(name, BigInteger, nullable=False, server_default=text(str(default)))


def small(name: str, *, nullable: bool = True) -> Column[int]:
    """A small number: port, level, line."""
    return Column(name, Integer, nullable=nullable)


def uid(name: str, *, primary_key: bool = False, nullable: bool = True) -> Column[Any]:
    """A UUID made by the application."""
    if primary_key:
        return Column(name, UUID(as_uuid=True), primary_key=True)
    return Column(name, UUID(as_uuid=True), nullable=nullable)


def document(name: str, *, nullable: bool = False) -> Column[Any]:
    """A JSON document, empty object by default."""
    if nullable:
        return Column(name, JSONB, nullable=True)
    return Column(name, JSONB, nullable=False, server_default=text("'{}'::jsonb"))
