"""The outbox: with writers that commit out of order nothing is lost, doubled or out of order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from core.application.ports.outbox import OutboxRow, Place
from core.db.uow import PgUnitOfWork, PgUnitOfWorkFactory, build_engine
from tests.builders import NOW, SITE

WRITERS, ROWS_EACH = 8, 150
Read = Callable[[PgUnitOfWork, Place], Awaitable[tuple[Sequence[OutboxRow], Place]]]


async def _tell(unit: PgUnitOfWork, aggregate: str, sequence: int) -> None:
    await unit.emit(
        "stock.changed",
        aggregate=aggregate,
        owner="acme",
        payload={},
        occurred_at=NOW,
        sequence=sequence,
    )


async def _write(open_unit: PgUnitOfWorkFactory, writer: int) -> None:
    """Transactions of one to five rows that stay open for a while, each on its own aggregate."""
    rng = random.Random(writer)
    written = 0
    while written < ROWS_EACH:
        async with open_unit(SITE) as unit:
            for _ in range(min(rng.randint(1, 5), ROWS_EACH - written)):
                await _tell(unit, f"writer:{writer}", written)
                written += 1
                await unit.raw.execute(f"SELECT pg_sleep({rng.random() / 200})")


async def _race(engine: AsyncEngine, read: Read) -> list[tuple[str, int]]:
    """What a relay took while eight writers wrote, in the order it took it."""
    open_unit = PgUnitOfWorkFactory(engine)
    taken: list[tuple[str, int]] = []
    place = Place()

    async def relay() -> None:
        nonlocal place
        async with open_unit(SITE) as unit:
            rows, place = await read(unit, place)
        taken.extend((row.aggregate, row.sequence) for row in rows)

    writers = [asyncio.create_task(_write(open_unit, n)) for n in range(WRITERS)]
    while not all(task.done() for task in writers):
        await relay()
        await asyncio.sleep(0.002)
    await asyncio.gather(*writers)
    for _ in range(200):
        await relay()
    return taken


def _expected() -> list[tuple[str, int]]:
    return sorted((f"writer:{w}", n) for w in range(WRITERS) for n in range(ROWS_EACH))


@pytest.fixture
async def engine(database_url: str) -> AsyncEngine:
    return build_engine(database_url, pool_size=WRITERS + 2)


@pytest.mark.parametrize("limit", [7, 500])
async def test_a_relay_behind_eight_writers_loses_and_doubles_nothing(
    engine: AsyncEngine, limit: int
) -> None:
    async def read(unit: PgUnitOfWork, place: Place) -> tuple[Sequence[OutboxRow], Place]:
        return await unit.outbox.read_since(place, limit=limit)

    taken = await _race(engine, read)
    await engine.dispose()

    assert sorted(taken) == _expected()
    for writer in range(WRITERS):
        own = [n for name, n in taken if name == f"writer:{writer}"]
        assert own == list(range(ROWS_EACH))


async def test_the_race_would_show_a_relay_that_reads_by_row_id(engine: AsyncEngine) -> None:
    async def by_id(unit: PgUnitOfWork, place: Place) -> tuple[Sequence[OutboxRow], Place]:
        found = await unit.raw.fetch(
            "SELECT id, aggregate, sequence FROM outbox WHERE id > $1 ORDER BY id", place.after
        )
        rows = [OutboxRow(r["id"], None, "", r["aggregate"], r["sequence"], {}, NOW) for r in found]
        return rows, Place(after=rows[-1].outbox_id if rows else place.after)

    taken = await _race(engine, by_id)
    await engine.dispose()

    assert len(taken) < WRITERS * ROWS_EACH


async def test_one_aggregate_comes_in_its_order_though_the_later_transaction_began_first(
    engine: AsyncEngine,
) -> None:
    open_unit = PgUnitOfWorkFactory(engine)
    async with open_unit(SITE) as early:
        await _tell(early, "other", 1)
        async with open_unit(SITE) as late:
            await _tell(late, "order", 1)
        async with open_unit(SITE) as reader:
            before, place = await reader.outbox.read_since(Place())
        await _tell(early, "order", 2)
    async with open_unit(SITE) as reader:
        first, place = await reader.outbox.read_since(place, limit=1)
        second, place = await reader.outbox.read_since(place, limit=1)
        third, place = await reader.outbox.read_since(place, limit=1)
        rest, place = await reader.outbox.read_since(place, limit=1)
    await engine.dispose()

    assert before == []
    taken = [(row.aggregate, row.sequence) for row in (*first, *second, *third, *rest)]
    assert taken == [("other", 1), ("order", 1), ("order", 2)]


async def test_a_sink_keeps_its_place_and_waiting_rows_are_counted(engine: AsyncEngine) -> None:
    open_unit = PgUnitOfWorkFactory(engine)
    async with open_unit(SITE) as unit:
        assert await unit.outbox.place("webhooks", now=NOW) == Place()
        await _tell(unit, "order", 1)
        await _tell(unit, "order", 2)
    async with open_unit(SITE) as unit:
        rows, place = await unit.outbox.read_since(Place(), limit=1)
        await unit.outbox.keep("webhooks", place, now=NOW + 1)
    async with open_unit(SITE) as unit:
        assert len(rows) == 1
        assert await unit.outbox.place("webhooks", now=NOW) == place
        assert await unit.outbox.waiting("webhooks") == (1, NOW)
        assert await unit.outbox.sign_of_life("webhooks") == NOW + 1
        assert await unit.outbox.forget(before=NOW + 1, limit=10) == 0
    async with open_unit(SITE) as unit:
        for _ in range(3):
            _, place = await unit.outbox.read_since(place, limit=1)
        await unit.outbox.keep("webhooks", place, now=NOW + 2)
        assert await unit.outbox.forget(before=NOW + 1, limit=10) == 2
    await engine.dispose()


async def test_another_site_is_another_outbox(engine: AsyncEngine) -> None:
    open_unit = PgUnitOfWorkFactory(engine)
    async with open_unit("elsewhere") as unit:
        await _tell(unit, "order", 1)
    async with open_unit(SITE) as unit:
        rows, place = await unit.outbox.read_since(Place())
    await engine.dispose()

    assert rows == []
    assert place.xid > 0
