"""Corrections: posted at once up to the site's limits, above them by a second person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from core.application.ledger import post_moves
from core.application.verify import verify
from runtime.clock import new_id, now_us
from tests.apis import Api, open_api
from tests.builders import OWNER, SITE, a_move, a_warehouse

RULE = {"limit_units": 10, "limit_value": 5000, "currency": "EUR"}


@dataclass
class House:
    """100 of SKU-1 in a bin; a lead and a manager."""

    api: Api
    lead: httpx.AsyncClient
    manager: httpx.AsyncClient

    async def post(self, path: str, body: Any, *, by: str = "lead") -> tuple[int, Any]:
        """POST with a key of its own."""
        client = self.lead if by == "lead" else self.manager
        headers = {"Idempotency-Key": str(new_id())}
        answer = await client.post(path, json=body, headers=headers)
        return answer.status_code, answer.json()

    async def correct(self, delta: int) -> tuple[int, Any]:
        """A correction by the lead."""
        body = {"sku": "SKU-1", "location": "A-01-01-1", "delta": delta, "reason": "damage"}
        return await self.post("/v1/adjustments", body)

    async def on_hand(self) -> int:
        """What the book holds in the bin."""
        rows = (await self.lead.get("/v1/stock")).json()["items"]
        return sum(row["on_hand"] for row in rows)


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with open_api(database_url) as api:
        async with api.open_unit(SITE) as uow:
            made = await a_warehouse(uow, "SKU-1")
            await post_moves(uow, [a_move(made, 100)], now=now_us(), ids=new_id)
        async with (
            await api.client("lead", owners=(OWNER,)) as lead,
            await api.client("manager", owners=(OWNER,)) as manager,
        ):
            house = House(api, lead, manager)
            site = {"id": SITE, "name": "Demo", "adjustments": RULE}
            status, _ = await house.post("/v1/imports/layout", {"site": site}, by="manager")
            assert status == 200
            yield house


async def test_up_to_the_limit_one_person_is_enough(house: House) -> None:
    status, done = await house.correct(-10)

    assert (status, done["state"], await house.on_hand()) == (201, "posted", 90)
    kept = (await house.lead.get(f"/v1/adjustments/{done['id']}")).json()
    assert (kept["state"], kept["proposed_by"]) == ("posted", f"lead:{OWNER}")


async def test_above_it_somebody_else_posts_what_still_holds(house: House) -> None:
    status, made = await house.correct(-11)
    assert (status, made["state"], await house.on_hand()) == (201, "proposed", 100)
    path = f"/v1/adjustments/{made['id']}"

    status, own = await house.post(f"{path}/approve", {})
    assert (status, own["code"]) == (409, "second-person")
    waiting = (await house.lead.get("/v1/adjustments", params={"state": "proposed"})).json()
    assert [row["id"] for row in waiting["items"]] == [made["id"]]
    status, posted = await house.post(f"{path}/approve", {}, by="manager")
    assert (status, posted["state"], posted["decided_by"]) == (200, "posted", f"manager:{OWNER}")
    assert await house.on_hand() == 89
    status, again = await house.post(f"{path}/approve", {}, by="manager")
    assert (status, again["code"], await house.on_hand()) == (409, "state-conflict", 89)

    status, none = await house.correct(-90)
    assert (status, none["code"]) == (409, "insufficient-stock")
    async with house.api.open_unit(SITE) as uow:
        assert await verify(uow, clock=now_us) == []


async def test_what_is_refused_stays_unposted_and_its_reason_is_kept(house: House) -> None:
    _, made = await house.correct(50)
    status, refused = await house.post(f"/v1/adjustments/{made['id']}/refuse", {"reason": "found"})

    assert (status, refused["state"], refused["note"]) == (200, "refused", "found")
    assert await house.on_hand() == 100
    async with await house.api.client("lead", owners=("other",)) as other:
        assert (await other.get(f"/v1/adjustments/{made['id']}")).status_code == 404
        assert (await other.get("/v1/adjustments")).json()["items"] == []


async def test_the_value_limit_counts_the_items_cost(house: House) -> None:
    etag = (await house.manager.get("/v1/items/SKU-1")).headers["ETag"]
    body = {"standard_cost": 1000, "currency": "EUR"}
    await house.manager.patch("/v1/items/SKU-1", json=body, headers={"If-Match": etag})

    assert (await house.correct(-5))[1]["state"] == "posted"
    assert (await house.correct(-6))[1]["state"] == "proposed"
    bare = {"id": SITE, "name": "Demo", "adjustments": {"limit_value": 1}}
    assert (await house.post("/v1/imports/layout", {"site": bare}, by="manager"))[0] == 422
