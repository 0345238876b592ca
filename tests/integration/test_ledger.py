"""The ledger on PostgreSQL: once per key, nothing negative, reservations that follow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.application.verify import verify
from core.db.uow import PgUnitOfWork, PgUnitOfWorkFactory, build_engine
from core.domain.errors import Refused
from tests.builders import NOW, SITE, Warehouse, a_move, a_warehouse, numbered, stock_up


@pytest.fixture
async def open_unit(database_url: str) -> AsyncIterator[PgUnitOfWorkFactory]:
    engine = build_engine(database_url, pool_size=10)
    yield PgUnitOfWorkFactory(engine)
    await engine.dispose()


async def _on_hand(uow: PgUnitOfWork) -> dict[str, tuple[int, int]]:
    rows = await uow.raw.fetch(
        "SELECT l.code, q.on_hand, q.reserved FROM quant q JOIN location l USING (location_id)"
        " ORDER BY 1"
    )
    return {row["code"]: (row["on_hand"], row["reserved"]) for row in rows}


async def _drift(uow: PgUnitOfWork) -> list[str]:
    return [finding.invariant for finding in await verify(uow, clock=lambda: NOW)]


async def _reserve(uow: PgUnitOfWork, quantity: int) -> Any:
    quant_id = await uow.raw.fetchval(
        "UPDATE quant SET reserved = reserved + $1 RETURNING quant_id", quantity
    )
    reservation = numbered()()
    await uow.raw.execute(
        "INSERT INTO reservation (site_id, reservation_id, purpose, quant_id, owner_id, item_id,"
        " quantity, created_at, changed_at)"
        " SELECT $1, $2, 'replenishment', $3, owner_id, item_id, $4, $5, $5 FROM quant",
        SITE,
        reservation,
        quant_id,
        quantity,
        NOW,
    )
    return reservation


async def test_a_move_posted_twice_has_one_effect(open_unit: PgUnitOfWorkFactory) -> None:
    async with open_unit(SITE) as uow:
        house = await a_warehouse(uow)
        first = await uow.stock.post([a_move(house, 10)], recorded_at=NOW)
        again = await uow.stock.post([a_move(house, 10)], recorded_at=NOW)

        assert (first.new_moves, again.new_moves) == (1, 0)
        assert await _on_hand(uow) == {"A-01-01-1": (10, 0)}
        assert await _drift(uow) == []


async def test_a_place_that_does_not_hold_the_goods_refuses_and_nothing_changes(
    open_unit: PgUnitOfWorkFactory,
) -> None:
    async with open_unit(SITE) as uow:
        house = await a_warehouse(uow)
        await stock_up(uow, house, 5)

    async def overdraw() -> None:
        async with open_unit(SITE) as uow:
            out = a_move(house, 6, origin="A-01-01-1", target="LOSS", key="m-2")
            await uow.stock.post([out], recorded_at=NOW)

    with pytest.raises(Refused) as refusal:
        await overdraw()

    assert refusal.value.code == "insufficient-stock"
    assert refusal.value.facts["available"] == 5
    async with open_unit(SITE) as uow:
        assert await _on_hand(uow) == {"A-01-01-1": (5, 0)}
        assert await uow.raw.fetchval("SELECT count(*) FROM move") == 1
        assert await _drift(uow) == []


async def test_a_reservation_follows_its_goods_to_a_place_where_one_can_pick(
    open_unit: PgUnitOfWorkFactory,
) -> None:
    async with open_unit(SITE) as uow:
        house = await a_warehouse(uow)
        await stock_up(uow, house, 5)
        await _reserve(uow, 4)

        moved = a_move(house, 5, origin="A-01-01-1", target="A-01-02-1", key="m-2")
        posted = await uow.stock.post([moved], recorded_at=NOW)

        assert [(d.quantity, d.followed_to is not None) for d in posted.displaced] == [(4, True)]
        assert await _on_hand(uow) == {"A-01-02-1": (5, 4)}
        assert await _drift(uow) == []


async def test_a_reservation_is_voided_when_its_goods_are_lost(
    open_unit: PgUnitOfWorkFactory,
) -> None:
    async with open_unit(SITE) as uow:
        house = await a_warehouse(uow)
        await stock_up(uow, house, 5)
        await _reserve(uow, 4)

        lost = a_move(house, 3, origin="A-01-01-1", target="MISSING", key="m-2")
        posted = await uow.stock.post([lost], recorded_at=NOW)

        assert [(d.quantity, d.followed_to) for d in posted.displaced] == [(4, None)]
        assert await _on_hand(uow) == {"A-01-01-1": (2, 0)}
        assert await _drift(uow) == []


async def test_fifty_movers_at_once_never_lose_or_double_a_unit(
    open_unit: PgUnitOfWorkFactory,
) -> None:
    async with open_unit(SITE) as uow:
        house = await a_warehouse(uow)
        await stock_up(uow, house, 100)

    async def shuffle(number: int, house: Warehouse) -> None:
        there, back = ("A-01-01-1", "A-01-02-1")
        for step in range(4):
            origin, target = (there, back) if step % 2 == 0 else (back, there)
            move = a_move(house, 1, origin=origin, target=target, key=f"{number}-{step}")
            async with open_unit(SITE) as uow:
                await uow.stock.post([move], recorded_at=NOW)

    await asyncio.gather(*(shuffle(number, house) for number in range(50)))

    async with open_unit(SITE) as uow:
        assert await _on_hand(uow) == {"A-01-01-1": (100, 0)}
        assert await uow.raw.fetchval("SELECT count(*) FROM move") == 201
        assert await _drift(uow) == []


PLANTED = {
    "I2-on-hand": "WITH a AS (UPDATE availability SET sellable = sellable + 1)"
    " UPDATE quant SET on_hand = on_hand + 1",
    "I3-reserved": "UPDATE quant SET reserved = 1",
    "I3-sellable": "UPDATE availability SET sellable = sellable - 1",
    "I3-committed": "UPDATE availability SET committed = 1",
    "I5-cursor-counts": "INSERT INTO cursor"
    " (site_id, agent, boot, seq, messages, epoch, updated_at)"
    " VALUES ('demo', 'dock-1', 1, 5, 4, 0, 0)",
    "I10-nesting": "WITH a AS (INSERT INTO handling_unit (site_id, handling_unit_id, epc_key, kind,"
    " parent_id, created_at, changed_at) VALUES"
    " ('demo', '00000000-0000-0000-0000-0000000000a1', 'a', 'tote',"
    "  '00000000-0000-0000-0000-0000000000a2', 0, 0),"
    " ('demo', '00000000-0000-0000-0000-0000000000a2', 'b', 'tote',"
    "  '00000000-0000-0000-0000-0000000000a1', 0, 0) RETURNING 1) SELECT count(*) FROM a",
}


@pytest.mark.parametrize("invariant", PLANTED)
async def test_verify_names_a_planted_drift(open_unit: PgUnitOfWorkFactory, invariant: str) -> None:
    async with open_unit(SITE) as uow:
        house = await a_warehouse(uow)
        await stock_up(uow, house, 5)
        await uow.raw.execute(PLANTED[invariant])

        assert set(await _drift(uow)) == {invariant}


async def test_the_raw_connection_is_never_handed_out_before_the_transaction_began(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = build_engine(database_url, pool_size=1)
    open_unit = PgUnitOfWorkFactory(engine)
    from sqlalchemy.ext.asyncio import AsyncConnection

    async def skipped(*_: object, **__: object) -> None:
        return None

    monkeypatch.setattr(AsyncConnection, "execute", skipped)
    with pytest.raises(RuntimeError, match="outside a transaction"):
        async with open_unit(SITE):
            pass
    await engine.dispose()
