"""Orders over a real socket: retries are safe, races are fair, a change needs its version."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from core.application.ledger import post_moves
from core.application.verify import verify
from runtime.clock import new_id, now_us
from tests.apis import Api, open_api
from tests.builders import SITE, Warehouse, a_move, a_warehouse
from tests.sockets import Cut, json_of, listening, request_bytes, send, status_of

CUTS: tuple[Cut, ...] = ("while sending", "before the answer")


@dataclass
class Shop:
    """A served application with stock, and a seller's client."""

    api: Api
    house: Warehouse
    port: int
    key: str
    client: httpx.AsyncClient
    sent: int = 0

    async def place(self, body: Any, *, key: str | None = None) -> httpx.Response:
        """POST an order under a key of its own, or under `key`."""
        self.sent += 1
        headers = {"Idempotency-Key": key or f"k-{self.sent}"}
        return await self.client.post("/v1/orders", json=body, headers=headers)

    async def drift(self) -> list[str]:
        """What the ledger check finds."""
        async with self.api.open_unit(SITE) as uow:
            return [found.invariant for found in await verify(uow, clock=now_us)]


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_api(database_url) as api:
        async with api.open_unit(SITE) as uow:
            house = await a_warehouse(uow, "SKU-1", "SKU-2")
            await post_moves(uow, [a_move(house, 50)], now=now_us(), ids=new_id)
        key = await api.key("integrator", owners=("acme",))
        async with (
            listening(api) as port,
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}",
                headers={"Authorization": f"Bearer {key}"},
                limits=httpx.Limits(max_connections=64),
                timeout=60,
            ) as client,
        ):
            yield Shop(api, house, port, key, client)


def an_order(name: str = "SO-1001", *quantities: int, **more: Any) -> dict[str, Any]:
    """An order of SKU-1, one line for each quantity."""
    lines = [{"sku": "SKU-1", "quantity": q} for q in quantities or (2,)]
    return {"external_order_id": name, "channel": "web", "lines": lines, **more}


async def test_an_order_is_answered_with_its_promise(shop: Shop) -> None:
    answer = await shop.place(an_order("SO-1", 2, 3, ship_to={"city": "Bonn", "country": "DE"}))

    order = answer.json()
    assert answer.status_code == 201
    assert (order["status"], order["ship_to"]["city"]) == ("promised", "Bonn")
    assert [(n["external_line_id"], n["promised"]) for n in order["lines"]] == [("1", 2), ("2", 3)]
    listed = (await shop.client.get("/v1/orders", params={"external_order_id": "SO-1"})).json()
    assert listed["items"] == [order]
    assert (await shop.client.get(f"/v1/orders/{order['id']}")).json() == order


async def test_two_hundred_posts_at_once_sell_fifty_units(shop: Shop) -> None:
    requests = [
        request_bytes(
            "/v1/orders",
            an_order(f"SO-{n}", *((1, 1) if n % 4 == 0 else (1,))),
            {"Authorization": f"Bearer {shop.key}", "Idempotency-Key": f"race-{n}"},
        )
        for n in range(200)
    ]

    answers = await asyncio.gather(*(send(shop.port, request) for request in requests))

    assert Counter(status_of(a) for a in answers) == {201: 200}
    orders = [json_of(answer) for answer in answers]
    promised = sum(line["promised"] for order in orders for line in order["lines"])
    assert promised == 50
    words = Counter(order["status"] for order in orders)
    assert words["promised"] + words["partially_promised"] <= 50
    assert words["backordered"] >= 150
    assert await shop.drift() == []


@pytest.mark.slow
async def test_a_thousand_orders_survive_cut_connections(shop: Shop) -> None:
    rng = random.Random(20_260)
    gate = asyncio.Semaphore(32)

    async def place(number: int) -> list[int]:
        request = request_bytes(
            "/v1/orders",
            an_order(f"SO-{number}", 1),
            {"Authorization": f"Bearer {shop.key}", "Idempotency-Key": f"cut-{number}"},
        )
        cut: Cut = rng.choice(CUTS) if rng.random() < 0.3 else "never"
        found = []
        async with gate:
            for attempt in range(3):
                answer = await send(shop.port, request, cut=cut if attempt == 0 else "never")
                while status_of(answer) == 409 and json_of(answer)["code"].endswith("progress"):
                    answer = await send(shop.port, request)
                found.append(status_of(answer))
        return found

    statuses = await asyncio.gather(*(place(number) for number in range(1000)))

    cut = sum(1 for first, *_ in statuses if first == 0)
    assert 250 <= cut <= 350
    assert {status for one in statuses for status in one} <= {0, 200, 201}
    async with shop.api.open_unit(SITE) as uow:
        counted = await uow.raw.fetchrow(
            "SELECT (SELECT count(*) FROM customer_order) AS orders,"
            " (SELECT count(*) FROM fulfilment) AS fulfilments,"
            " (SELECT sum(quantity) FROM promise WHERE state = 'open') AS promised"
        )
    assert counted is not None
    assert tuple(counted) == (1000, 1000, 50)
    assert await shop.drift() == []


async def test_a_hundred_equal_calls_make_one_order_and_equal_answers(shop: Shop) -> None:
    answers = await asyncio.gather(*(shop.place(an_order(), key="same") for _ in range(100)))

    assert Counter(a.status_code for a in answers) == {201: 100}
    assert len({a.content for a in answers}) == 1
    replayed = [a for a in answers if a.headers.get("idempotent-replayed") == "true"]
    assert len(replayed) == 99
    listed = (await shop.client.get("/v1/orders")).json()
    assert len(listed["items"]) == 1


async def test_the_same_order_under_a_new_key_is_the_same_order(shop: Shop) -> None:
    first = await shop.place(an_order())
    again = await shop.place(an_order())
    other = await shop.place(an_order("SO-1001", 3))

    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert (other.status_code, other.json()["code"]) == (409, "order-exists")
    async with shop.api.open_unit(SITE) as uow:
        assert await uow.raw.fetchval("SELECT committed FROM availability") == 2


async def test_fill_or_kill_is_all_or_nothing_and_stands_as_cancelled(shop: Shop) -> None:
    answer = await shop.place(an_order("SO-9", 51, fill_policy="fill_or_kill"))

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "insufficient-stock")
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["lines"] == [
        {"external_line_id": "1", "sku": "SKU-1", "requested": 51, "available": 50}
    ]
    listed = (await shop.client.get("/v1/orders")).json()["items"]
    assert [(o["external_order_id"], o["status"]) for o in listed] == [("SO-9", "cancelled")]
    assert await shop.drift() == []


async def test_a_change_needs_the_version_it_was_read_from(shop: Shop) -> None:
    order = (await shop.place(an_order())).json()
    path = f"/v1/orders/{order['id']}"
    tag = (await shop.client.get(path)).headers["etag"]
    change = {"lines": [{"sku": "SKU-1", "quantity": 60}], "priority": "urgent"}

    bare = await shop.client.patch(path, json=change)
    changed = await shop.client.patch(path, json=change, headers={"If-Match": tag})
    stale = await shop.client.patch(path, json=change, headers={"If-Match": tag})

    assert (bare.status_code, bare.json()["code"]) == (428, "precondition-required")
    assert changed.status_code == 200
    assert changed.json()["status"] == "partially_promised"
    assert changed.json()["lines"][0]["promised"] == 50
    assert changed.headers["etag"] != tag
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition-failed")
    assert await shop.drift() == []


async def test_a_bulk_takes_what_is_valid_or_nothing(shop: Shop) -> None:
    orders = [an_order("B-1"), {"channel": "web"}, an_order("B-2", 1, 1), an_order("B-1", 9)]

    async def post(policy: str) -> list[dict[str, Any]]:
        answer = await shop.client.post(
            "/v1/orders/bulk",
            json={"policy": policy, "orders": orders},
            headers={"Idempotency-Key": policy},
        )
        assert answer.status_code == 200
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    strict = await post("reject_all")
    assert [r["status"] for r in strict] == [424, 422, 424, 424]
    assert (await shop.client.get("/v1/orders")).json()["items"] == []

    valid = await post("accept_valid")
    assert [r["status"] for r in valid] == [201, 422, 201, 409]
    assert valid[1]["errors"][0] == {
        "pointer": "/external_order_id",
        "code": "required",
        "detail": "This is required.",
    }
    assert len((await shop.client.get("/v1/orders")).json()["items"]) == 2
    assert await shop.drift() == []


async def test_another_owner_does_not_see_the_order(shop: Shop) -> None:
    order = (await shop.place(an_order())).json()
    stranger = await shop.api.key("integrator", owners=("other",))

    answer = await shop.client.get(
        f"/v1/orders/{order['id']}", headers={"Authorization": f"Bearer {stranger}"}
    )

    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


async def test_pages_follow_each_other_without_gap_or_repeat(shop: Shop) -> None:
    for number in range(7):
        await shop.place(an_order(f"P-{number}", 1))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        parameters = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page = (await shop.client.get("/v1/orders", params=parameters)).json()
        seen += [one["external_order_id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == [f"P-{number}" for number in reversed(range(7))]
