"""The last unit is sold once: 200 orders at the same time for 50 units, and what guards them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from core.application.intake import accept_order
from core.application.ports.uow import UnitOfWork, in_transaction
from core.db.stores.promise import GUARD, TAKE, PgPromiseStore
from core.db.uow import PgUnitOfWork
from core.domain.errors import Refused
from tests.builders import SITE
from tests.floor import Floor, a_floor, a_request

TASK = "SELECT quantity FROM pick_task WHERE task_id = $1"
STOCK = 50
ORDERS = 200


@pytest.fixture
async def floor(database_url: str) -> AsyncIterator[Floor]:
    async with a_floor(database_url, "SKU-1", pool=16) as made:
        await made.holds(STOCK)
        yield made


@dataclass(frozen=True)
class Outcome:
    """What 200 callers got."""

    ordered: int
    promised: int
    waiting: int
    sellable: int
    committed: int


async def _race(floor: Floor, take_statement: str) -> Outcome:
    """200 orders at once, every fourth with two lines on the same SKU."""
    jitter = random.Random(7).random

    async def place(number: int) -> None:
        lines = (1, 1) if number % 4 == 0 else (1,)
        wanted = a_request(*lines, name=f"SO-{number}")

        async def work(uow: UnitOfWork) -> None:
            assert isinstance(uow, PgUnitOfWork)
            uow.promises = PgPromiseStore(uow.raw, SITE, take_statement=take_statement)
            await accept_order(uow, wanted, now=floor.now, ids=floor.ids)

        await in_transaction(floor.open_unit, SITE, work, jitter=jitter)

    await asyncio.gather(*(place(number) for number in range(ORDERS)))
    ((ordered, promised, waiting),) = await floor.rows(
        "SELECT sum(ordered)::int, sum(promised)::int, sum(ordered - promised)::int"
        " FROM fulfilment_line"
    )
    sellable, committed = await floor.levels()
    return Outcome(ordered, promised, waiting, sellable, committed)


async def test_two_hundred_callers_get_fifty_units(floor: Floor) -> None:
    outcome = await _race(floor, TAKE)

    assert outcome == Outcome(ordered=250, promised=50, waiting=200, sellable=50, committed=50)
    words = dict(await floor.rows("SELECT state, count(*)::int FROM fulfilment GROUP BY 1"))
    assert sum(words.values()) == ORDERS
    assert words["backordered"] >= ORDERS - STOCK
    assert await floor.drift() == []


async def test_the_last_units_are_shared_out_to_the_last_one(floor: Floor) -> None:
    await asyncio.gather(*(floor.order(3) for _ in range(40)))

    counts = dict(
        await floor.rows("SELECT promised, count(*)::int FROM fulfilment_line GROUP BY 1")
    )
    assert counts == {3: 16, 2: 1, 0: 23}
    assert await floor.levels() == (50, 50)
    assert await floor.drift() == []


async def test_without_the_guard_the_same_race_sells_what_is_not_there(floor: Floor) -> None:
    assert GUARD in TAKE

    outcome = await _race(floor, TAKE.replace(GUARD, ""))

    assert outcome.promised == 250
    assert outcome.committed > outcome.sellable


async def test_pickers_in_a_race_get_each_task_once(floor: Floor) -> None:
    for _ in range(20):
        await floor.order(1, 1)
    await floor.release()

    async def picker(number: int) -> list[object]:
        got: list[object] = []
        while tasks := await floor.take(f"picker-{number}"):
            tote = await floor.tote(number * 100 + len(got))
            for task_id in tasks:
                await floor.pick(task_id, 1, tote)
            got += tasks
        return got

    lots = await asyncio.gather(*(picker(n) for n in range(8)))

    done = [task_id for lot in lots for task_id in lot]
    assert len(done) == len(set(done)) == 40
    assert await floor.stock() == {"A-01-01-1": (10, 0), "CONV-1": (40, 0)}
    assert await floor.drift() == []


async def test_orders_and_picks_and_moves_at_once_leave_no_drift(floor: Floor) -> None:
    await floor.holds(60, at="A-01-02-2")

    async def sell(number: int) -> None:
        for _ in range(6):
            await floor.order(1 + number % 3)
            await floor.release()

    async def carry(number: int) -> None:
        places = ("A-01-01-1", "A-01-01-2", "A-01-02-2")
        for step in range(6):
            await floor.carry(2, places[(number + step) % 3], places[(number + step + 1) % 3])

    picked: list[int] = []

    async def pick(number: int) -> None:
        for turn in range(8):
            tote = await floor.tote(number * 100 + turn)
            for task_id in await floor.take(f"picker-{number}"):
                task = (await floor.rows(TASK, task_id))[0][0]
                try:
                    await floor.pick(task_id, task, tote)
                except Refused:
                    continue  # Its goods were carried away meanwhile; the order was planned again.
                picked.append(task)

    await asyncio.gather(
        *(sell(n) for n in range(6)), *(carry(n) for n in range(4)), *(pick(n) for n in range(3))
    )
    await sell(9)
    await pick(9)

    assert await floor.drift() == []
    sellable, committed = await floor.levels()
    assert (sellable, committed <= sellable) == (110, True)
    assert (await floor.stock()).get("CONV-1", (0, 0)) == (sum(picked), 0)
    assert picked
