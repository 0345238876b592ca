"""Stock over HTTP: the floor's path of one order, corrections, journeys, refill of a pick face."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from core.application.ledger import post_moves
from core.application.replenish import plan_replenishment
from core.application.tasks import confirm_task, next_task
from core.application.verify import verify
from runtime.clock import new_id, now_us
from tests.apis import Api, open_api
from tests.builders import OWNER, SITE, Warehouse, a_move, a_warehouse
from tests.floor import tote_key, unit_key


@dataclass
class House:
    """An application with stock and a manager's client."""

    api: Api
    made: Warehouse
    client: httpx.AsyncClient
    sent: int = 0

    async def post(self, path: str, body: Any) -> Any:
        """POST with a key of its own; the JSON of an answer that is no error."""
        self.sent += 1
        answer = await self.client.post(
            path, json=body, headers={"Idempotency-Key": f"k{self.sent}"}
        )
        assert answer.status_code < 400, answer.text
        return answer.json() if answer.content else None

    async def get(self, path: str, **parameters: Any) -> Any:
        """The JSON of an answer that is no error."""
        answer = await self.client.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def drift(self) -> list[str]:
        """What the ledger check finds."""
        async with self.api.open_unit(SITE) as uow:
            return [found.invariant for found in await verify(uow, clock=now_us)]


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with open_api(database_url) as api:
        async with api.open_unit(SITE) as uow:
            made = await a_warehouse(uow, "SKU-1", "SKU-2")
            await post_moves(uow, [a_move(made, 10)], now=now_us(), ids=new_id)
        async with await api.client("manager", owners=(OWNER,)) as client:
            yield House(api, made, client)


async def test_the_floor_takes_an_order_to_its_lane_over_http(house: House) -> None:
    order = await house.post(
        "/v1/orders",
        {"external_order_id": "SO-1", "channel": "web", "lines": [{"sku": "SKU-1", "quantity": 4}]},
    )
    released = await house.post("/v1/releases", {"order_ids": [order["id"]]})
    assert released == {"released": [order["id"]], "short": []}
    await house.post("/v1/totes", {"key": tote_key(1)})
    work = await house.post("/v1/pick-tasks/next", {"worker": "ann", "tote": tote_key(1)})
    (task,) = work["tasks"]
    assert (task["location"], task["quantity"], work["tote"]) == ("A-01-01-1", 4, tote_key(1))
    done = await house.post(
        f"/v1/pick-tasks/{task['id']}/confirm", {"quantity": 4, "tote": tote_key(1)}
    )
    assert done["state"] == "picked"
    assert await house.post("/v1/pick-tasks/next", {"worker": "ann"}) is None
    path = f"/v1/orders/{order['id']}"
    packed = await house.post(f"{path}/pack", {"tote": tote_key(1), "station": "PACK-1"})
    carton = packed["carton"]
    again = await house.post(f"{path}/pack", {"tote": tote_key(1), "station": "PACK-1"})
    assert again["carton"] == carton
    await house.post("/v1/stage", {"handling_unit": carton["sscc"], "location": "STAGE-OUT-1"})
    shipment = await house.post("/v1/shipments", {"order_ids": [order["id"]]})
    pallet = await house.post(
        f"/v1/shipments/{shipment['id']}/palletize", {"handling_units": [carton["id"]]}
    )

    assert (await house.get(path))["status"] == "staged"
    assert (shipment["state"], shipment["units"][0]["loaded"]) == ("staged", False)
    assert len(pallet["shipment"]["units"]) == 2
    unit = await house.get(f"/v1/handling-units/{carton['key']}")
    assert (unit["location"], unit["contents"][0]["quantity"]) == ("STAGE-OUT-1", 4)
    steps = (await house.get(f"/v1/journey/{carton['key']}"))["steps"]
    assert [(s["source"], s["target"]) for s in steps] == [
        ("CONV-1", "PACK-1"),
        ("PACK-1", "STAGE-OUT-1"),
    ]
    moved = (await house.get("/v1/moves", order=order["id"]))["items"]
    assert [m["biz_step"] for m in moved] == ["staging_outbound", "packing", "picking"]
    assert await house.drift() == []


async def test_availability_tells_promised_reserved_and_blocked_apart(house: House) -> None:
    lines = [{"sku": "SKU-1", "quantity": 3}]
    for name in ("A", "B"):
        await house.post(
            "/v1/orders", {"external_order_id": name, "channel": "web", "lines": lines}
        )
    await house.post("/v1/releases", {"limit": 1})
    await house.post(
        "/v1/adjustments",
        {
            "sku": "SKU-1",
            "location": "A-01-01-2",
            "delta": 2,
            "reason": "found",
            "status": "quality",
        },
    )

    (row,) = (await house.get("/v1/availability", sku="SKU-1"))["items"]

    told = {k: row[k] for k in ("on_hand", "available", "promised", "reserved", "quality")}
    assert told == {"on_hand": 12, "available": 4, "promised": 3, "reserved": 3, "quality": 2}


async def test_an_adjustment_below_what_is_promised_plans_the_order_again(house: House) -> None:
    order = await house.post(
        "/v1/orders",
        {"external_order_id": "A", "channel": "web", "lines": [{"sku": "SKU-1", "quantity": 9}]},
    )
    await house.post("/v1/releases", {"order_ids": [order["id"]]})

    await house.post(
        "/v1/adjustments",
        {"sku": "SKU-1", "location": "A-01-01-1", "delta": -4, "reason": "count"},
    )

    seen = await house.get(f"/v1/orders/{order['id']}")
    assert seen["exception"] is True
    assert seen["lines"][0]["promised"] + seen["lines"][0]["reserved"] == 6
    assert await house.drift() == []


async def test_an_adjustment_of_more_than_there_is_changes_nothing(house: House) -> None:
    answer = await house.client.post(
        "/v1/adjustments",
        json={"sku": "SKU-1", "location": "A-01-01-1", "delta": -11, "reason": "count"},
        headers={"Idempotency-Key": "x"},
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "insufficient-stock")
    (row,) = (await house.get("/v1/stock", location="A-01-01-1"))["items"]
    assert row["on_hand"] == 10


async def test_a_floor_move_of_goods_leaves_the_rest(house: House) -> None:
    await house.post(
        "/v1/moves", {"sku": "SKU-1", "quantity": 4, "from": "A-01-01-1", "to": "A-01-02-2"}
    )

    rows = (await house.get("/v1/stock", sku="SKU-1"))["items"]
    assert {r["location"]: r["on_hand"] for r in rows} == {"A-01-01-1": 6, "A-01-02-2": 4}
    assert await house.drift() == []


async def test_a_low_pick_face_is_filled_from_storage(house: House) -> None:
    face, item = house.made.places["A-01-02-1"].location_id, house.made.items["SKU-2"]
    async with house.api.open_unit(SITE) as uow:
        await uow.raw.execute(
            "INSERT INTO pick_face (site_id, location_id, item_id, min_quantity, max_quantity)"
            " VALUES ($1, $2, $3, 5, 20)",
            SITE,
            face,
            item,
        )
        move = a_move(house.made, 30, target="A-01-02-2", sku="SKU-2", key="reserve")
        await post_moves(uow, [move], now=now_us(), ids=new_id)
    async with house.api.open_unit(SITE) as uow:
        assert await plan_replenishment(uow, now=now_us(), ids=new_id) == 1
    async with house.api.open_unit(SITE) as uow:
        assert await plan_replenishment(uow, now=now_us(), ids=new_id) == 0
        task = await next_task(
            uow, kind="replenishment", worker="bob", now=now_us(), lease_us=60_000_000
        )
        assert task is not None
        await confirm_task(
            uow,
            task_id=task.task_id,
            location=None,
            quantity=None,
            now=now_us(),
            ids=new_id,
            actor="bob",
        )

    rows = (await house.get("/v1/stock", sku="SKU-2"))["items"]
    assert {r["location"]: (r["on_hand"], r["reserved"]) for r in rows} == {
        "A-01-02-1": (20, 0),
        "A-01-02-2": (10, 0),
    }
    assert await house.drift() == []


async def test_an_unknown_unit_has_no_journey(house: House) -> None:
    for path in (f"/v1/journey/{unit_key(1)}", f"/v1/units/{unit_key(1)}", "/v1/units/nonsense"):
        answer = await house.client.get(path)
        assert answer.status_code in (404, 422)
        assert answer.json()["code"] in ("not-found", "validation")
