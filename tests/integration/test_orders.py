"""Orders on PostgreSQL: promised once, released, picked, packed, shipped at the door, put back."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.application.ledger import post_moves
from core.application.orders import cancel_order, decide_cancel, set_hold
from core.application.promising import promise_waiting
from core.application.release import dissolve
from core.application.shipping import hold_shipment, mark_loaded, mark_unloaded, ship_shipment
from core.domain.errors import Refused
from tests.builders import OWNER, a_move
from tests.floor import Floor, a_floor


@pytest.fixture
async def floor(database_url: str) -> AsyncIterator[Floor]:
    async with a_floor(database_url, "SKU-1", "SKU-2") as made:
        yield made


async def test_an_order_goes_from_intake_to_shipped(floor: Floor) -> None:
    await floor.holds(10)
    order_id = await floor.order(2, 3)
    assert (await floor.see(order_id))["status"] == "promised"
    assert await floor.levels() == (10, 5)

    assert await floor.release() == 1
    assert (await floor.stock())["A-01-01-1"] == (10, 5)
    tote = await floor.pick_all()
    assert (await floor.see(order_id))["status"] == "picked"
    assert await floor.stock() == {"A-01-01-1": (5, 0), "CONV-1": (5, 0)}
    carton = await floor.pack(order_id, tote)
    assert carton.sscc == "006141410000000012"
    await floor.stage(carton)
    assert (await floor.see(order_id))["status"] == "staged"
    shipment = await floor.shipment(order_id)

    async with floor.unit() as uow:
        unit = carton.carrier.handling_unit_id
        loaded = await mark_loaded(uow, shipment, unit, None, floor.now)
        assert loaded.state == "verified"
        await ship_shipment(uow, shipment_id=shipment, now=floor.now, ids=floor.ids, actor="door")

    seen = await floor.see(order_id)
    assert seen["status"] == "shipped"
    assert [(n["picked"], n["packed"], n["shipped"]) for n in seen["lines"]] == [
        (2, 2, 2),
        (3, 3, 3),
    ]
    assert await floor.levels() == (5, 0)
    assert await floor.stock() == {"A-01-01-1": (5, 0)}
    assert await floor.drift() == []
    orders = [event for event in await floor.events() if event.startswith("order.")]
    assert orders == [
        "order.received",
        "order.promised",
        "order.released",
        "order.picked",
        "order.packed",
        "order.staged",
        "order.shipped",
    ]


async def test_a_shipment_that_is_not_verified_does_not_ship(floor: Floor) -> None:
    await floor.holds(10)
    order_id = await floor.order(2)
    await floor.release()
    carton = await floor.pack(order_id, await floor.pick_all())
    await floor.stage(carton)
    shipment = await floor.shipment(order_id)
    before = (await floor.stock(), await floor.levels())

    with pytest.raises(Refused, match="state-conflict"):
        async with floor.unit() as uow:
            await ship_shipment(
                uow, shipment_id=shipment, now=floor.now, ids=floor.ids, actor="door"
            )

    assert (await floor.see(order_id))["status"] == "staged"
    assert (await floor.stock(), await floor.levels()) == before


async def test_a_carton_carried_back_takes_the_verdict_back(floor: Floor) -> None:
    await floor.holds(10)
    order_id = await floor.order(2)
    await floor.release()
    carton = await floor.pack(order_id, await floor.pick_all())
    await floor.stage(carton)
    shipment = await floor.shipment(order_id)
    unit = carton.carrier.handling_unit_id

    async with floor.unit() as uow:
        await mark_loaded(uow, shipment, unit, None, floor.now)
        back = await mark_unloaded(uow, shipment, unit, None, floor.now)
        held = await hold_shipment(
            uow, shipment, reason="carried back", now=floor.now, ids=floor.ids
        )

    assert (back.state, held.state) == ("verifying", "held")
    kinds = await floor.rows("SELECT kind, severity FROM exception")
    assert kinds == [("shipment.held", "critical")]


async def test_what_is_not_there_is_backordered_and_promised_when_it_comes(floor: Floor) -> None:
    await floor.holds(3)
    first, second = await floor.order(2), await floor.order(2)
    assert (await floor.see(second))["status"] == "partially_promised"

    await floor.holds(5)
    async with floor.unit() as uow:
        assert await promise_waiting(uow, now=floor.now, ids=floor.ids) == 1

    assert [(await floor.see(i))["status"] for i in (first, second)] == ["promised"] * 2
    assert await floor.levels() == (8, 4)
    assert await floor.drift() == []


async def test_waiting_orders_are_served_by_priority_then_age(floor: Floor) -> None:
    old, urgent = await floor.order(2), await floor.order(2, priority="urgent")
    await floor.holds(3)

    async with floor.unit() as uow:
        await promise_waiting(uow, now=floor.now, ids=floor.ids)

    assert (await floor.see(urgent))["status"] == "promised"
    assert (await floor.see(old))["status"] == "partially_promised"


@pytest.mark.parametrize(
    ("policy", "outcome", "status", "line"),
    [
        ("fill_all", "created", "partially_promised", (3, 0)),
        ("fill_available", "created", "promised", (3, 2)),
        ("fill_or_kill", "unfilled", "cancelled", (0, 5)),
    ],
)
async def test_each_fill_policy_does_what_it_says(
    floor: Floor, policy: str, outcome: str, status: str, line: tuple[int, int]
) -> None:
    await floor.holds(3)

    done = await floor.accept(5, fill_policy=policy)

    seen = await floor.see(done.order_id)
    assert (done.outcome, seen["status"]) == (outcome, status)
    assert (seen["lines"][0]["promised"], seen["lines"][0]["cancelled"]) == line
    assert await floor.levels() == (3, line[0])
    assert await floor.drift() == []


async def test_a_partly_shipped_order_ships_the_rest_later(floor: Floor) -> None:
    await floor.holds(2)
    order_id = await floor.order(5)
    for number, status in ((1, "partially_shipped"), (2, "shipped")):
        await floor.release()
        carton = await floor.pack(order_id, await floor.pick_all(number))
        await floor.stage(carton)
        shipment = await floor.shipment(order_id)
        async with floor.unit() as uow:
            unit = carton.carrier.handling_unit_id
            await mark_loaded(uow, shipment, unit, None, floor.now)
            await ship_shipment(
                uow, shipment_id=shipment, now=floor.now, ids=floor.ids, actor="door"
            )
        assert (await floor.see(order_id))["status"] == status
        await floor.holds(10)
        async with floor.unit() as uow:
            await promise_waiting(uow, now=floor.now, ids=floor.ids)

    assert (await floor.see(order_id))["lines"][0]["shipped"] == 5
    assert await floor.drift() == []


async def test_moved_reserved_stock_is_planned_again_and_never_refused(floor: Floor) -> None:
    await floor.holds(3)
    order_id = await floor.order(3)
    await floor.release()

    async with floor.unit() as uow:
        move = a_move(floor.house, 3, origin="A-01-01-1", target="DISCREPANCY", key="away")
        posted = await post_moves(uow, [move], now=floor.now, ids=floor.ids)

    assert posted.new_moves == 1
    seen = await floor.see(order_id)
    assert (seen["status"], seen["exception"]) == ("backordered", True)
    assert await floor.rows("SELECT state FROM pick_task") == [("cancelled",)]
    assert await floor.levels() == (0, 0)
    assert await floor.drift() == []


async def test_a_reservation_follows_its_goods_to_another_bin(floor: Floor) -> None:
    await floor.holds(3)
    order_id = await floor.order(3)
    await floor.release()

    async with floor.unit() as uow:
        move = a_move(floor.house, 3, origin="A-01-01-1", target="A-01-02-2", key="over")
        await post_moves(uow, [move], now=floor.now, ids=floor.ids)

    assert (await floor.see(order_id))["status"] == "released"
    assert await floor.stock() == {"A-01-02-2": (3, 3)}
    assert await floor.drift() == []


async def test_lost_stock_takes_the_newest_promise(floor: Floor) -> None:
    await floor.holds(4)
    first, second = await floor.order(2), await floor.order(2)

    async with floor.unit() as uow:
        move = a_move(floor.house, 1, origin="A-01-01-1", target="LOSS", key="lost")
        await post_moves(uow, [move], now=floor.now, ids=floor.ids)

    assert (await floor.see(first))["status"] == "promised"
    seen = await floor.see(second)
    assert (seen["status"], seen["lines"][0]["promised"]) == ("partially_promised", 1)
    assert await floor.levels() == (3, 3)
    assert await floor.drift() == []


async def test_low_stock_alarms_once_until_it_was_back(floor: Floor) -> None:
    await floor.rows("UPDATE item SET min_stock = 5 WHERE sku = 'SKU-1'")

    async def change(quantity: int, key: str, *, out: bool) -> None:
        ends = {"origin": "A-01-01-1", "target": "LOSS"} if out else {}
        async with floor.unit() as uow:
            move = a_move(floor.house, quantity, key=key, **ends)
            await post_moves(uow, [move], now=floor.now, ids=floor.ids)

    await change(6, "a", out=False)
    await change(2, "b", out=True)
    await change(1, "c", out=True)
    assert (await floor.events()).count("stock.low") == 1
    await change(9, "d", out=False)
    assert await floor.rows("SELECT count(*) FROM exception WHERE resolved_at IS NULL") == [(0,)]
    await change(8, "e", out=True)
    assert (await floor.events()).count("stock.low") == 2


async def test_cancel_before_release_gives_the_stock_back_at_once(floor: Floor) -> None:
    await floor.holds(3)
    order_id = await floor.order(2)

    async with floor.unit() as uow:
        await cancel_order(uow, order_id, owners=[OWNER], now=floor.now)

    assert (await floor.see(order_id))["status"] == "cancelled"
    assert await floor.levels() == (3, 0)
    assert await floor.drift() == []


async def test_cancel_on_the_floor_waits_for_the_floor(floor: Floor) -> None:
    await floor.holds(5)
    order_id = await floor.order(2, 2)
    await floor.release()
    tote = await floor.tote(1)
    task_id = (await floor.take())[0]
    await floor.pick(task_id, 2, tote)

    async with floor.unit() as uow:
        asked = await cancel_order(uow, order_id, owners=None, now=floor.now)
    assert (asked.state, asked.cancel_requested) == ("picking", True)
    async with floor.unit() as uow:
        await decide_cancel(
            uow, order_id, "accept", owners=None, reason=None, now=floor.now, ids=floor.ids
        )

    assert (await floor.see(order_id))["status"] == "cancelled"
    assert await floor.levels() == (5, 0)
    assert (await floor.stock())["A-01-01-1"] == (3, 0)
    assert await floor.rows("SELECT kind FROM task") == [("put_back",)]
    assert await floor.drift() == []


async def test_an_order_on_hold_is_not_released(floor: Floor) -> None:
    await floor.holds(5)
    order_id = await floor.order(2)

    async with floor.unit() as uow:
        await set_hold(uow, order_id, "hold", owners=None, now=floor.now)
    assert await floor.release() == 0
    async with floor.unit() as uow:
        await set_hold(uow, order_id, "unhold", owners=None, now=floor.now)
    assert await floor.release() == 1


async def test_a_dissolved_order_has_its_promise_back(floor: Floor) -> None:
    await floor.holds(5)
    order_id = await floor.order(2)
    await floor.release()

    async with floor.unit() as uow:
        await dissolve(uow, order_id, owners=None, now=floor.now, ids=floor.ids)

    seen = await floor.see(order_id)
    assert (seen["status"], seen["lines"][0]["promised"]) == ("promised", 2)
    assert await floor.stock() == {"A-01-01-1": (5, 0)}
    assert await floor.drift() == []
