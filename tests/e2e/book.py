"""The checker's other half: what the database says against what truly crossed the doors.

SQL of its own, rules of its own; nothing of the product is imported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

Stream = tuple[str, int]
MOVES = """
SELECT m.move_id AS id, m.source, m.source_key, m.quantity, m.item_id AS item, m.epc_key AS key,
  m.cause, m.biz_step AS step, a.kind AS from_kind, b.kind AS to_kind,
  m.source_location_id || '/' || coalesce(m.source_handling_unit_id::text, '-') AS origin,
  m.target_location_id || '/' || coalesce(m.target_handling_unit_id::text, '-') AS target,
  m.source_handling_unit_id AS from_unit, m.target_handling_unit_id AS to_unit
FROM move m
JOIN location a ON a.site_id = m.site_id AND a.location_id = m.source_location_id
JOIN location b ON b.site_id = m.site_id AND b.location_id = m.target_location_id
ORDER BY m.move_id
"""
SUPPLIER, CUSTOMER, DOCK = "supplier", "customer", "dock"


@dataclass(frozen=True, slots=True)
class Move:
    """A line of the ledger."""

    id: int
    source: str
    source_key: str
    quantity: int
    item: int
    key: str | None
    cause: str
    step: str
    from_kind: str
    to_kind: str
    origin: str
    target: str
    from_unit: UUID | None
    to_unit: UUID | None


@dataclass(frozen=True, slots=True)
class Book:
    """What is read of the database, in one snapshot."""

    cursors: Mapping[Stream, int]
    dead: Sequence[tuple[str, int, int]]
    moves: Sequence[Move]
    announced: frozenset[str]
    cartons: Mapping[str, tuple[UUID, str]]
    passes: Mapping[str, int]


async def read_book(url: str) -> Book:
    """Everything the checker needs."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await _read(connection)
    finally:
        await connection.close()


async def _read(connection: asyncpg.Connection[Any]) -> Book:
    cursors = await connection.fetch("SELECT agent, boot, seq FROM cursor")
    dead = await connection.fetch(
        'SELECT agent, boot, seq FROM dead_letter WHERE seq IS NOT NULL AND "index" IS NULL'
    )
    moves = await connection.fetch(MOVES)
    announced = await connection.fetch("SELECT epc_key FROM asn_unit")
    cartons = await connection.fetch(
        "SELECT epc_key, handling_unit_id, state FROM handling_unit WHERE kind = 'carton'"
    )
    passes = await connection.fetch("SELECT state, count(*) AS n FROM pass GROUP BY 1")
    return Book(
        {(r["agent"], r["boot"]): r["seq"] for r in cursors},
        [(r["agent"], r["boot"], r["seq"]) for r in dead],
        [Move(**dict(r)) for r in moves],
        frozenset(r["epc_key"] for r in announced),
        {r["epc_key"]: (r["handling_unit_id"], r["state"]) for r in cartons},
        {r["state"]: r["n"] for r in passes},
    )


def doubled(moves: Sequence[Move]) -> list[str]:
    """Moves that stand twice: one key of a source again, or a unit taken from where it was not."""
    keys = Counter((move.source, move.source_key) for move in moves)
    found = [f"{source} {key} stands {n} times" for (source, key), n in keys.items() if n > 1]
    place: dict[str, str] = {}
    for move in moves:
        if move.key is None:
            continue
        before = place.get(move.key)
        if before is not None and before != move.origin:
            found.append(f"{move.key} left {move.origin} but was at {before}")
        place[move.key] = move.target
    return found


def against_truth(
    book: Book, came: Mapping[str, str], went: Mapping[str, str]
) -> tuple[int, list[str]]:
    """Units and cartons compared, and where the book and the doors disagree.

    `came` and `went` say where a tag went the last time it crossed the inbound and the outbound
    door.
    """
    received: Counter[str] = Counter()
    for move in book.moves:
        if move.key is not None and move.cause == "pass":
            received[move.key] += (move.from_kind == SUPPLIER) - (move.to_kind == SUPPLIER)
    wrong = [
        f"{key} was received {received[key]} times, truly {came.get(key)}"
        for key in sorted(book.announced | received.keys())
        if received[key] != int(key in book.announced and came.get(key) == "in")
    ]
    packed, loaded, gone = _by_carton(book.moves)
    for key, (unit, state) in sorted(book.cartons.items()):
        out = went.get(key) == "out"
        if out != (state in ("loaded", "gone")):
            wrong.append(f"carton {key} is {state}, truly {went.get(key)}")
        if out and loaded[unit] != packed[unit]:
            wrong.append(f"carton {key} holds {packed[unit]} and {loaded[unit]} were loaded")
        if gone[unit] != (packed[unit] if state == "gone" else 0):
            wrong.append(f"carton {key} holds {packed[unit]} and {gone[unit]} were shipped")
    return len(book.announced & came.keys()) + len(book.cartons.keys() & went.keys()), wrong


def _by_carton(moves: Iterable[Move]) -> tuple[Counter[UUID], Counter[UUID], Counter[UUID]]:
    """Quantity packed into, loaded with and shipped in each handling unit."""
    packed: Counter[UUID] = Counter()
    loaded: Counter[UUID] = Counter()
    gone: Counter[UUID] = Counter()
    for move in moves:
        if move.step == "packing" and move.to_unit is not None:
            packed[move.to_unit] += move.quantity
        if move.cause == "pass" and move.to_unit is not None:
            way = (move.to_kind == DOCK) - (move.from_kind == DOCK)
            loaded[move.to_unit] += move.quantity * way
        if move.to_kind == CUSTOMER and move.from_unit is not None:
            gone[move.from_unit] += move.quantity
    return packed, loaded, gone
