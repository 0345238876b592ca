"""Lots: statuses where goods lie, recall by one command, the trace from supplier to customer."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.application.ledger import post_moves
from core.application.verify import verify
from core.application.work import promise_step
from runtime.clock import new_id, now_us
from tests.apis import Api, open_api
from tests.builders import OWNER, SITE, Warehouse, a_move, a_warehouse
from tests.floor import tote_key, unit_key
from tests.shells import shell_of

TAG = unit_key(1)


@dataclass
class House:
    """An application with 10 + 1 of one lot, 5 of another and a manager's client."""

    api: Api
    made: Warehouse
    client: httpx.AsyncClient
    lots: dict[str, int]
    sent: int = 0

    async def post(self, path: str, body: Any, status: int = 0) -> Any:
        """POST with a key of its own; the JSON of the answer."""
        self.sent += 1
        headers = {"Idempotency-Key": f"k{self.sent}"}
        answer = await self.client.post(path, json=body, headers=headers)
        assert answer.status_code == status if status else answer.status_code < 400, answer.text
        return answer.json()

    async def get(self, path: str, **parameters: Any) -> Any:
        """The JSON of an answer that is no error."""
        answer = await self.client.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def statuses(self) -> dict[tuple[str, str], int]:
        """On hand by place and status."""
        rows = (await self.get("/v1/stock", sku="SKU-1"))["items"]
        found: Counter[tuple[str, str]] = Counter()
        for row in rows:
            found[row["location"], row["status"]] += row["on_hand"]
        return dict(found)

    async def receive(self, quantity: int, *, lot: str, key: str, epc: str | None = None) -> None:
        """Goods of a lot come in from the supplier."""
        move = replace(a_move(self.made, quantity, key=key, epc_key=epc), lot_id=self.lots[lot])
        async with self.api.open_unit(SITE) as uow:
            await post_moves(uow, [move], now=now_us(), ids=new_id)

    async def order(self, quantity: int) -> dict[str, Any]:
        """An order for SKU-1."""
        self.sent += 1
        lines = [{"sku": "SKU-1", "quantity": quantity}]
        body = {"external_order_id": f"SO-{self.sent}", "channel": "web", "lines": lines}
        found: dict[str, Any] = await self.post("/v1/orders", body)
        return found

    async def drift(self) -> list[str]:
        """What the ledger check finds."""
        async with self.api.open_unit(SITE) as uow:
            return [found.invariant for found in await verify(uow, clock=now_us)]


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with open_api(database_url) as api:
        async with api.open_unit(SITE) as uow:
            made = await a_warehouse(uow, "SKU-1")
            lots = {
                code: await uow.raw.fetchval(
                    "INSERT INTO lot (item_id, code) VALUES ($1, $2) RETURNING lot_id",
                    made.items["SKU-1"],
                    code,
                )
                for code in ("L1", "L2")
            }
            await uow.raw.execute(
                "INSERT INTO unit (site_id, epc_key, owner_id, item_id, lot_id, changed_at)"
                " VALUES ($1, $2, $3, $4, $5, 0)",
                SITE,
                TAG,
                OWNER,
                made.items["SKU-1"],
                lots["L1"],
            )
        async with await api.client("manager", owners=(OWNER,)) as client:
            house = House(api, made, client, lots)
            await house.receive(10, lot="L1", key="a")
            await house.receive(1, lot="L1", key="b", epc=TAG)
            await house.receive(5, lot="L2", key="c")
            yield house


async def test_goods_change_their_status_where_they_lie_and_their_order_is_planned_again(
    house: House,
) -> None:
    order = await house.order(16)
    await house.post("/v1/releases", {"order_ids": [order["id"]]})
    change = {"sku": "SKU-1", "location": "A-01-01-1", "lot": "L2", "quantity": 5}

    await house.post(
        "/v1/status-changes",
        {**change, "from_status": "available", "to_status": "quality", "reason": "quality"},
    )

    here = {("A-01-01-1", "available"): 11, ("A-01-01-1", "quality"): 5}
    assert await house.statuses() == here
    seen = await house.get(f"/v1/orders/{order['id']}")
    assert sum(seen["lines"][0][k] for k in ("promised", "reserved")) == 11
    assert await house.drift() == []


async def test_a_change_names_its_goods_and_never_guesses_a_tag(house: House) -> None:
    change = {"sku": "SKU-1", "location": "A-01-01-1", "from_status": "available"}
    hold = {**change, "to_status": "hold", "reason": "customer"}

    refused = await house.post("/v1/status-changes", {**hold, "lot": "L1", "quantity": 12}, 409)
    assert refused["code"] == "insufficient-stock"
    wrong = await house.post(
        "/v1/status-changes", {**hold, "lot": "L2", "quantity": 1, "epcs": [TAG]}, 422
    )
    assert wrong["errors"][0]["pointer"] == "/epcs"
    same = await house.post(
        "/v1/status-changes", {**hold, "quantity": 1, "to_status": "available"}, 422
    )
    assert same["errors"][0]["pointer"] == "/to_status"
    none = await house.post("/v1/status-changes", {**hold, "lot": "L9", "quantity": 1}, 404)
    assert none["code"] == "not-found"
    assert await house.statuses() == {("A-01-01-1", "available"): 16}

    await house.post("/v1/status-changes", {**hold, "quantity": 1, "epcs": [TAG]})
    assert (await house.get(f"/v1/units/{TAG}"))["status"] == "hold"
    assert await house.drift() == []


async def test_a_recall_holds_the_lot_here_and_later_and_traces_its_orders(house: House) -> None:
    lot = house.lots["L1"]
    order = await house.order(3)
    await house.post("/v1/releases", {"order_ids": [order["id"]]})
    await house.post("/v1/totes", {"key": tote_key(1)})
    (task,) = (await house.post("/v1/pick-tasks/next", {"worker": "ann", "tote": tote_key(1)}))[
        "tasks"
    ]
    assert task["lot"] == "L1"
    picked = {"quantity": 3, "tote": tote_key(1)}
    await house.post(f"/v1/pick-tasks/{task['id']}/confirm", picked)

    done = await house.post(f"/v1/lots/{lot}/recall", {"reason": "supplier notice"})

    assert done["moved"] == 8
    assert done["in_orders"] == [{"order_number": order["order_number"], "quantity": 3}]
    assert done["lot"]["recall_reason"] == "supplier notice"
    alarms = (await house.get("/v1/exceptions"))["items"]
    assert sorted(a["kind"] for a in alarms if a["kind"].startswith("lot.")) == [
        "lot.in_order",
        "lot.recalled",
    ]
    await house.receive(4, lot="L1", key="late")
    async with house.api.open_unit(SITE) as uow:
        await promise_step(uow, now=now_us(), ids=new_id)
    here = await house.statuses()
    assert here[("A-01-01-1", "hold")] == 12
    assert here[("A-01-01-1", "available")] == 5
    trace = await house.get(f"/v1/lots/{lot}/trace")
    assert trace["complete"] is True
    assert sum(row["quantity"] for row in trace["received"]) == 15
    assert [(row["order_number"], row["quantity"]) for row in trace["in_orders"]] == [
        (order["order_number"], 3)
    ]
    assert sum(row["on_hand"] for row in trace["here"]) == 15
    assert trace["shipped"] == []
    assert await house.drift() == []

    again = await house.post(f"/v1/lots/{lot}/recall", {"reason": "twice"}, 409)
    assert again["code"] == "state-conflict"
    back = {"sku": "SKU-1", "location": "A-01-01-1", "from_status": "hold", "quantity": 12}
    locked = await house.post(
        "/v1/status-changes", {**back, "to_status": "available", "reason": "released"}, 409
    )
    assert locked["code"] == "lot-recalled"

    freed = await house.post(f"/v1/lots/{lot}/release", {"reason": "laboratory"})
    assert freed["moved"] == 12
    assert (freed["lot"]["recall_reason"], freed["lot"]["release_reason"]) == (None, "laboratory")
    assert (await house.statuses())[("A-01-01-1", "available")] == 17
    alarms = (await house.get("/v1/exceptions", open="true"))["items"]
    assert [a for a in alarms if a["kind"].startswith("lot.")] == []
    assert await house.drift() == []


async def test_the_trace_names_the_customers_who_have_some(house: House) -> None:
    order = await house.order(2)
    customer = house.made.at("CUSTOMER")
    sold = replace(
        a_move(house.made, 2, origin="A-01-01-1", target=customer, key="sold"),
        lot_id=house.lots["L2"],
        cause="order",
        cause_id=order["id"],
        biz_step="shipping",
    )
    async with house.api.open_unit(SITE) as uow:
        await post_moves(uow, [sold], now=now_us(), ids=new_id)

    trace = await house.get(f"/v1/lots/{house.lots['L2']}/trace")

    assert [(row["order_number"], row["quantity"]) for row in trace["shipped"]] == [
        (order["order_number"], 2)
    ]
    rows = (await house.get("/v1/lots", sku="SKU-1"))["items"]
    assert [(row["lot"], row["on_hand"]) for row in rows] == [("L1", 11), ("L2", 3)]


async def test_another_owners_lot_does_not_exist(house: House) -> None:
    lot = house.lots["L1"]
    async with await house.api.client("manager", owners=("other",)) as client:
        for path in (f"/v1/lots/{lot}", f"/v1/lots/{lot}/trace", "/v1/lots/x", "/v1/lots/999999"):
            assert (await client.get(path)).status_code == 404
        answer = await client.post(
            f"/v1/lots/{lot}/recall", json={"reason": "x"}, headers={"Idempotency-Key": "o1"}
        )
        assert answer.status_code == 404
        assert (await client.get("/v1/lots")).json()["items"] == []
    assert await house.statuses() == {("A-01-01-1", "available"): 16}


async def test_a_lot_is_recalled_and_traced_from_the_shell(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with shell_of(house.api, "lead", OWNER, tmp_path, capsys) as shell:
        lot = str(house.lots["L1"])
        code, listed = await shell("lot", "list", "--lot", "L1")
        assert (code, listed.split()[:3]) == (0, [lot, "SKU-1", "L1"])
        assert await shell("lot", "recall", lot, "--reason", "notice") == (0, "SKU-1 L1: 11 held\n")
        code, told = await shell("lot", "recall", lot, "--reason", "notice")
        assert (code, "state-conflict" in told) == (3, True)
        assert (await shell("lot", "release", lot, "--reason", "fine"))[1] == (
            "SKU-1 L1: 11 released\n"
        )
        assert (await shell("lot", "recall", lot, "--reason", "again"))[0] == 0
        code, trace = await shell("lot", "trace", lot)
        kinds = [line.split()[0] for line in trace.splitlines()]
        assert (code, sorted(set(kinds))) == (0, ["here", "received"])
        assert "hold" in trace
