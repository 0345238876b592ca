"""Orders that change on the way: handed back, held too long, lowered, cancelled on the floor."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.application.intake import RequestedLine
from core.application.orders import OrderChange, cancel_order, change_order, decide_cancel, set_hold
from core.application.picking import hand_back
from core.application.shipping import mark_loaded
from core.application.tasks import confirm_task, next_task
from core.application.work import HOLD_KEPT_US, promise_step
from core.domain.errors import Refused
from tests.floor import LEASE, Floor, a_floor


@pytest.fixture
async def floor(database_url: str) -> AsyncIterator[Floor]:
    async with a_floor(database_url, "SKU-1", "SKU-2") as made:
        await made.holds(10)
        yield made


async def test_a_task_handed_back_waits_until_its_order_is_free(floor: Floor) -> None:
    await floor.order(1, 1)
    await floor.release()
    first, second = await floor.take("ann")

    async with floor.unit() as uow:
        await hand_back(uow, first, owners=None, now=floor.now)

    assert await floor.take("bob") == []
    async with floor.unit() as uow:
        await hand_back(uow, second, owners=None, now=floor.now)
    assert set(await floor.take("bob")) == {first, second}


async def test_an_order_on_hold_for_too_long_gives_its_stock_back(floor: Floor) -> None:
    order_id = await floor.order(2)
    async with floor.unit() as uow:
        await set_hold(uow, order_id, "hold", owners=None, now=floor.now)
    floor.now += HOLD_KEPT_US - 10_000
    async with floor.unit() as uow:
        assert await promise_step(uow, now=floor.now, ids=floor.ids) == 0
    floor.now += 20_000
    async with floor.unit() as uow:
        assert await promise_step(uow, now=floor.now, ids=floor.ids) == 1

    assert (await floor.see(order_id))["status"] == "backordered"
    assert await floor.levels() == (10, 0)
    assert await floor.drift() == []


@pytest.mark.parametrize(
    "change",
    [
        OrderChange(members={"priority": "high"}),
        OrderChange(lines=(RequestedLine("1", "SKU-1", 9),)),
        OrderChange(lines=(RequestedLine("2", "SKU-2", 1),)),
        OrderChange(lines=(RequestedLine("1", "SKU-1", 1),)),
    ],
)
async def test_a_released_order_changes_in_nothing_that_a_picker_was_sent_for(
    floor: Floor, change: OrderChange
) -> None:
    order_id = await floor.order(2)
    await floor.release()
    before = await floor.see(order_id)

    with pytest.raises(Refused, match="state-conflict"):
        async with floor.unit() as uow:
            await change_order(uow, order_id, change, owners=None, now=floor.now, ids=floor.ids)

    assert await floor.see(order_id) == before


async def test_what_waits_of_a_released_order_can_be_given_up(floor: Floor) -> None:
    order_id = await floor.order(14)
    await floor.release()
    change = OrderChange(lines=(RequestedLine("1", "SKU-1", 10),))

    async with floor.unit() as uow:
        await change_order(uow, order_id, change, owners=None, now=floor.now, ids=floor.ids)

    line = (await floor.see(order_id))["lines"][0]
    assert (line["ordered"], line["reserved"], line["cancelled"]) == (14, 10, 4)
    assert await floor.drift() == []


async def test_an_address_changes_until_the_door(floor: Floor) -> None:
    order_id = await floor.order(2)
    await floor.release()
    change = OrderChange(members={"ship_to": {"city": "Ulm"}})

    async with floor.unit() as uow:
        await change_order(uow, order_id, change, owners=None, now=floor.now, ids=floor.ids)

    assert (await floor.see(order_id))["ship_to"] == {"city": "Ulm"}


async def test_goods_of_a_cancelled_order_are_put_back_and_sold_again(floor: Floor) -> None:
    order_id = await floor.order(10)
    await floor.release()
    await floor.pick_all()
    async with floor.unit() as uow:
        await cancel_order(uow, order_id, owners=None, now=floor.now)
        await decide_cancel(
            uow, order_id, "accept", owners=None, reason=None, now=floor.now, ids=floor.ids
        )

    async with floor.unit() as uow:
        task = await next_task(uow, kind="put_back", worker="bob", now=floor.now, lease_us=LEASE)
        assert task is not None
        await confirm_task(
            uow,
            task_id=task.task_id,
            location="A-01-01-2",
            quantity=None,
            now=floor.now,
            ids=floor.ids,
            actor="bob",
        )

    await floor.order(10)
    assert await floor.release() == 1
    assert await floor.stock() == {"A-01-01-2": (10, 10)}
    assert await floor.pick_all(1)
    assert await floor.drift() == []


async def test_the_floor_refuses_to_cancel_what_is_on_the_truck(floor: Floor) -> None:
    order_id = await floor.order(2)
    await floor.release()
    carton = await floor.pack(order_id, await floor.pick_all())
    await floor.stage(carton)
    shipment = await floor.shipment(order_id)
    async with floor.unit() as uow:
        await mark_loaded(uow, shipment, carton.carrier.handling_unit_id, None, floor.now)
        await cancel_order(uow, order_id, owners=None, now=floor.now)

    with pytest.raises(Refused, match="on a truck"):
        async with floor.unit() as uow:
            await decide_cancel(
                uow, order_id, "accept", owners=None, reason=None, now=floor.now, ids=floor.ids
            )
    async with floor.unit() as uow:
        kept = await decide_cancel(
            uow, order_id, "refuse", owners=None, reason="loaded", now=floor.now, ids=floor.ids
        )

    assert (kept.state, kept.cancel_requested) == ("staged", False)


async def test_another_order_cannot_ship_under_a_refused_plan(floor: Floor) -> None:
    order_id = await floor.order(2)
    await floor.release()
    carton = await floor.pack(order_id, await floor.pick_all())
    await floor.stage(carton)
    await floor.shipment(order_id)

    with pytest.raises(Refused, match="another shipment"):
        await floor.shipment(order_id)
    with pytest.raises(Refused, match="without a packed carton"):
        await floor.shipment(await floor.order(1))
