"""Every table in one import: `metadata` is what migrations and tests compare with the database."""

from __future__ import annotations

from core.db.schema import counts, master, orders, platform, stock, tags, tracking, work
from core.db.schema.meta import metadata

__all__ = [
    "counts",
    "master",
    "metadata",
    "orders",
    "platform",
    "stock",
    "tags",
    "tracking",
    "work",
]
