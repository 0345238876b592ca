"""One box for everything: what a text means here, and where on the floor that is.

A key of a tag is looked up as such first; the rest is tried as place, item and order.
"""

from __future__ import annotations

from core.application.ports.map import Owners, Row
from core.application.ports.uow import UnitOfWork
from core.domain.errors import Refused
from core.domain.naming import normal_unit_key

LIMIT = 8


async def search(uow: UnitOfWork, text: str, *, owners: Owners) -> list[Row]:
    """At most a few hits of each kind, the most exact kind first."""
    text = text.strip()
    if not text:
        return []
    hits = [] if (key := _key(text)) is None else await uow.search.by_key(key, owners)
    hits += await uow.search.by_order(text, owners, limit=LIMIT)
    hits += await uow.search.by_place(text.upper(), limit=LIMIT)
    items = await uow.search.by_item(text, owners, limit=LIMIT)
    if not items and text != text.upper():
        items = await uow.search.by_item(text.upper(), owners, limit=LIMIT)
    hits += items
    return sorted(hits, key=lambda hit: hit["key"] != text and hit["what"] == "place")


def _key(text: str) -> str | None:
    try:
        return normal_unit_key(text, pointer="?q")
    except Refused:
        return None
