"""Picking on PostgreSQL: which bins, which tags, one picker a line, and short picks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest

from core.application.expiry import block_expired
from core.application.picking import short_pick
from core.domain.errors import Refused
from core.domain.picking import ShortReason
from tests.builders import a_move
from tests.floor import Floor, a_floor, unit_key


@pytest.fixture
async def floor(database_url: str) -> AsyncIterator[Floor]:
    async with a_floor(database_url, "SKU-1", "SKU-2") as made:
        yield made


async def _short(
    floor: Floor, task_id: UUID, picked: int, reason: ShortReason = "missing"
) -> tuple[int, int, int]:
    async with floor.unit() as uow:
        _, outcome = await short_pick(
            uow,
            task_id,
            picked=picked,
            found=None,
            reason=reason,
            owners=None,
            now=floor.now,
            ids=floor.ids,
            actor="ann",
        )
        return (outcome.reserved, outcome.promised, outcome.backordered)


async def test_two_pickers_never_get_one_line(floor: Floor) -> None:
    await floor.holds(10)
    await floor.order(1, 2)
    await floor.order(3)
    await floor.release()

    anns, bobs = await floor.take("ann"), await floor.take("bob")
    cleos = await floor.take("cleo")

    assert (len(anns), len(bobs), cleos) == (2, 1, [])
    assert not set(anns) & set(bobs)
    assert await floor.take("ann") == anns


async def test_a_silent_picker_loses_the_task_and_a_late_confirm_is_refused(floor: Floor) -> None:
    await floor.holds(10)
    await floor.order(2)
    await floor.release()
    task_id = (await floor.take("ann"))[0]
    tote = await floor.tote(1)
    floor.now += 61_000_000

    async with floor.unit() as uow:
        assert await uow.picking.expire_leases(now=floor.now) == 1
    with pytest.raises(Refused, match="state-conflict"):
        await floor.pick(task_id, 2, tote)

    assert (await floor.stock())["A-01-01-1"] == (10, 2)
    assert await floor.take("bob") == [task_id]


async def test_a_confirm_sent_twice_moves_once(floor: Floor) -> None:
    await floor.holds(10)
    order_id = await floor.order(2)
    await floor.release()
    tote = await floor.tote(1)
    task_id = (await floor.take())[0]

    await floor.pick(task_id, 2, tote)
    await floor.pick(task_id, 2, tote)

    assert (await floor.stock())["CONV-1"] == (2, 0)
    assert (await floor.see(order_id))["lines"][0]["picked"] == 2


async def test_a_tote_holds_one_order_at_a_time(floor: Floor) -> None:
    await floor.holds(10)
    await floor.order(2)
    await floor.order(2)
    await floor.release()
    tote = await floor.tote(1)
    mine, others = (await floor.take("ann"))[0], (await floor.take("bob"))[0]
    await floor.pick(mine, 2, tote)

    with pytest.raises(Refused, match="another order"):
        await floor.pick(others, 2, tote)

    assert (await floor.stock())["CONV-1"] == (2, 0)


async def test_tagged_goods_are_picked_by_their_tags(floor: Floor) -> None:
    await floor.holds_tagged([1, 2, 3])
    order_id = await floor.order(2)
    await floor.release()
    tote = await floor.tote(1)
    task_id = (await floor.take())[0]

    with pytest.raises(Refused, match="validation"):
        await floor.pick(task_id, 2, tote)
    await floor.pick(task_id, 2, tote, unit_key(3), unit_key(1))
    carton = await floor.pack(order_id, tote)

    places = await floor.rows(
        "SELECT u.epc_key, l.code, u.handling_unit_id FROM unit u"
        " JOIN location l USING (site_id, location_id) ORDER BY 1"
    )
    unit = carton.carrier.handling_unit_id
    assert places == [
        (unit_key(1), "PACK-1", unit),
        (unit_key(2), "A-01-01-1", None),
        (unit_key(3), "PACK-1", unit),
    ]
    assert await floor.drift() == []


async def test_a_unit_from_another_bin_leaves_that_bin(floor: Floor) -> None:
    await floor.holds_tagged([1, 2])
    await floor.holds_tagged([7], at="A-01-02-2")
    await floor.order(1)
    await floor.release()
    tote = await floor.tote(1)

    await floor.pick((await floor.take())[0], 1, tote, unit_key(7))

    assert await floor.stock() == {"A-01-01-1": (2, 0), "CONV-1": (1, 0)}
    assert await floor.drift() == []


async def test_a_short_pick_is_planned_from_another_bin(floor: Floor) -> None:
    await floor.holds(3)
    await floor.holds(9, at="A-01-02-2")
    order_id = await floor.order(3)
    await floor.release()
    tote = await floor.tote(1)
    task_id = (await floor.take("ann"))[0]
    await floor.pick(task_id, 1, tote)

    assert await _short(floor, task_id, 1) == (2, 0, 0)

    again = await floor.take("ann")
    assert len(again) == 1
    await floor.pick(again[0], 2, tote)
    seen = await floor.see(order_id)
    assert (seen["status"], seen["exception"]) == ("picked", True)
    assert await floor.stock() == {"A-01-02-2": (7, 0), "CONV-1": (3, 0)}
    assert await floor.rows("SELECT kind FROM task") == [("count",)]
    assert await floor.drift() == []


async def test_a_short_pick_without_other_stock_is_backordered(floor: Floor) -> None:
    await floor.holds(3)
    order_id = await floor.order(3)
    await floor.release()
    task_id = (await floor.take("ann"))[0]

    assert await _short(floor, task_id, 0) == (0, 0, 3)

    seen = await floor.see(order_id)
    assert (seen["status"], seen["exception"]) == ("backordered", True)
    assert await floor.levels() == (0, 0)
    assert await floor.rows("SELECT kind FROM exception ORDER BY 1") == [("order.short_pick",)]
    assert "order.exception" in await floor.events()
    assert await floor.drift() == []


async def test_pick_faces_serve_before_older_storage(floor: Floor) -> None:
    await floor.holds(5, at="A-01-01-2")
    await floor.holds(5, at="A-01-02-1")

    await floor.order(6)
    await floor.release()

    assert await floor.stock() == {"A-01-01-2": (5, 1), "A-01-02-1": (5, 5)}


async def test_first_expired_goes_first_and_expired_never(floor: Floor) -> None:
    item = floor.house.items["SKU-1"]
    late = floor.now + 10**12
    for code, expires_at, place in (
        ("OLD", floor.now - 1, "A-01-01-1"),
        ("SOON", late, "A-01-01-2"),
        ("LATER", late * 2, "A-01-02-1"),
    ):
        ((lot,),) = await floor.rows(
            "INSERT INTO lot (item_id, code, expires_at) VALUES ($1, $2, $3) RETURNING lot_id",
            item,
            code,
            expires_at,
        )
        async with floor.unit() as uow:
            move = replace(a_move(floor.house, 2, target=place, key=code), lot_id=lot)
            await uow.stock.post([move], recorded_at=floor.now)

    await floor.order(6)
    await floor.release()
    assert await floor.stock() == {
        "A-01-01-1": (2, 0),
        "A-01-01-2": (2, 2),
        "A-01-02-1": (2, 2),
    }

    async with floor.unit() as uow:
        assert await block_expired(uow, now=floor.now, ids=floor.ids) == 1
    blocked = await floor.rows("SELECT on_hand FROM quant WHERE status = 'expired'")
    assert (blocked, await floor.levels()) == ([(2,)], (4, 4))
    assert await floor.drift() == []
