"""Counts over HTTP: blind, right while goods move, a second person above the limit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.application.ledger import post_moves
from core.application.verify import verify
from runtime.clock import new_id, now_us
from tests.apis import Api, open_api
from tests.builders import OWNER, SITE, Warehouse, a_move, a_warehouse
from tests.floor import unit_key
from tests.shells import shell_of

BIN = "A-01-01-1"


@dataclass
class House:
    """30 loose of SKU-1 in a bin, and a client per role."""

    api: Api
    made: Warehouse
    lead: httpx.AsyncClient
    manager: httpx.AsyncClient
    sent: int = 0

    async def post(self, path: str, body: Any, *, status: int = 0, by: str = "lead") -> Any:
        """POST with a key of its own; the JSON of the answer."""
        self.sent += 1
        client = self.lead if by == "lead" else self.manager
        headers = {"Idempotency-Key": f"{by}{self.sent}"}
        answer = await client.post(path, json=body, headers=headers)
        assert answer.status_code == status if status else answer.status_code < 400, answer.text
        return answer.json() if answer.content else None

    async def count(self, worker: str, lines: list[Any], epcs: list[str] | None = None) -> Any:
        """Take the next bin and say what is in it."""
        taken = await self.post("/v1/counts/next", {"worker": worker})
        body = {"worker": worker, "lines": lines, "epcs": epcs or []}
        return await self.post(f"/v1/counts/{taken['id']}/submit", body)

    async def on_hand(self, code: str = BIN) -> int:
        """Base units at a place."""
        rows = (await self.lead.get("/v1/stock", params={"location": code})).json()["items"]
        return sum(row["on_hand"] for row in rows)

    async def move(self, quantity: int, *, key: str, **ends: Any) -> None:
        """Goods move in the book."""
        async with self.api.open_unit(SITE) as uow:
            move = a_move(self.made, quantity, key=key, **ends)
            await post_moves(uow, [move], now=now_us(), ids=new_id)

    async def drift(self) -> list[str]:
        """What the ledger check finds."""
        async with self.api.open_unit(SITE) as uow:
            return [found.invariant for found in await verify(uow, clock=now_us)]


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with open_api(database_url) as api:
        async with api.open_unit(SITE) as uow:
            made = await a_warehouse(uow, "SKU-1")
            await post_moves(uow, [a_move(made, 30)], now=now_us(), ids=new_id)
            for number in (1, 2, 3, 4):
                await uow.raw.execute(
                    "INSERT INTO unit (site_id, epc_key, owner_id, item_id, changed_at)"
                    " VALUES ($1, $2, $3, $4, 0)",
                    SITE,
                    unit_key(number),
                    OWNER,
                    made.items["SKU-1"],
                )
        async with (
            await api.client("lead", owners=(OWNER,)) as lead,
            await api.client("manager", owners=(OWNER,)) as manager,
        ):
            yield House(api, made, lead, manager)


async def test_a_small_difference_is_booked_at_once_as_a_move_of_the_count(house: House) -> None:
    (opened,) = (await house.post("/v1/counts", {"locations": [BIN]}))["opened"]
    assert (await house.post("/v1/counts", {"locations": [BIN]}))["opened"] == []

    done = await house.count("ann", [{"sku": "SKU-1", "quantity": 28}])

    assert done == {"id": opened, "result": "reconciled", "off": 2}
    assert await house.on_hand() == 28
    (move, *_) = (await house.lead.get("/v1/moves")).json()["items"]
    assert (move["cause"], move["cause_id"], move["quantity"]) == ("count", opened, 2)
    assert await house.drift() == []
    shown = (await house.lead.get(f"/v1/counts/{opened}")).json()
    assert [(r["expected"], r["counted"], r["finding"]) for r in shown["lines"]] == [
        (30, 28, "less")
    ]


async def test_over_the_limit_somebody_else_counts_and_a_second_person_books(house: House) -> None:
    (opened,) = (await house.post("/v1/counts", {"locations": [BIN]}))["opened"]
    lines = [{"sku": "SKU-1", "quantity": 12}]
    assert (await house.count("ann", lines))["result"] == "recount"
    assert await house.post("/v1/counts/next", {"worker": "ann"}) is None
    async with await house.api.client("picker", owners=(OWNER,)) as picker:
        blind = (await picker.get(f"/v1/counts/{opened}")).json()
    assert (blind["state"], blind["round"], blind["lines"]) == ("open", 2, [])

    assert await house.count("bob", lines) == {"id": opened, "result": "approval", "off": 18}
    assert await house.on_hand() == 30
    refused = await house.post(f"/v1/counts/{opened}/reconcile", {}, status=409)
    assert refused["code"] == "second-person"
    booked = await house.post(f"/v1/counts/{opened}/reconcile", {}, by="manager")
    assert (booked["state"], booked["counted_by"], await house.on_hand()) == (
        "reconciled",
        "bob",
        12,
    )
    assert await house.drift() == []
    late = await house.post(f"/v1/counts/{opened}/cancel", {}, status=409)
    assert late["code"] == "state-conflict"


async def test_goods_that_move_while_the_count_runs_make_no_difference(house: House) -> None:
    await house.post("/v1/counts", {"locations": [BIN]})
    taken = await house.post("/v1/counts/next", {"worker": "ann"})
    await house.move(5, key="out", origin=BIN, target="A-01-02-1")
    body = {"worker": "ann", "lines": [{"sku": "SKU-1", "quantity": 30}]}

    done = await house.post(f"/v1/counts/{taken['id']}/submit", body)

    assert (done["result"], done["off"], await house.on_hand()) == ("reconciled", 0, 25)
    await house.post("/v1/counts", {"locations": [BIN]})
    taken = await house.post("/v1/counts/next", {"worker": "ann"})
    await house.move(2, key="out2", origin=BIN, target="A-01-02-1")
    body["lines"] = [{"sku": "SKU-1", "quantity": 22}]
    again = await house.post(f"/v1/counts/{taken['id']}/submit", body)
    assert (again["result"], await house.on_hand()) == ("recount", 23)


async def test_tags_are_found_missing_elsewhere_and_back(house: House) -> None:
    for number, place in ((1, BIN), (2, BIN), (3, "A-01-02-1"), (4, BIN)):
        await house.move(1, key=f"t{number}", target=place, epc_key=unit_key(number))
    await house.move(1, key="lost", origin=BIN, target="MISSING", epc_key=unit_key(4))
    await house.post("/v1/counts", {"locations": [BIN], "reason": "sweep"})

    done = await house.count(
        "ann", [{"sku": "SKU-1", "quantity": 30}], [unit_key(n) for n in (1, 3, 4, 9)]
    )

    assert (done["result"], done["off"]) == ("reconciled", 3)
    shown = (await house.lead.get(f"/v1/counts/{done['id']}")).json()
    assert {row["epc"]: row["finding"] for row in shown["units"]} == {
        unit_key(2): "missing",
        unit_key(3): "elsewhere",
        unit_key(4): "back",
        unit_key(9): "unknown",
    }
    places = {}
    for number in (1, 2, 3, 4):
        unit = (await house.lead.get(f"/v1/units/{unit_key(number)}")).json()
        places[number] = (unit["state"], unit["location"])
    assert places == {
        1: ("present", BIN),
        2: ("missing", None),
        3: ("present", BIN),
        4: ("present", BIN),
    }
    assert await house.drift() == []


async def test_what_is_due_is_planned_once_and_a_wrong_body_changes_nothing(house: House) -> None:
    (opened,) = (await house.post("/v1/counts/plan", {"limit": 5}))["opened"]
    assert (await house.post("/v1/counts/plan", {"limit": 5}))["opened"] == []
    taken = await house.post("/v1/counts/next", {"worker": "ann"})
    assert taken == {"id": opened, "location": BIN, "round": 1}
    submit = f"/v1/counts/{opened}/submit"
    lines = [{"sku": "NO-SUCH", "quantity": 1}]
    wrong = await house.post(submit, {"worker": "ann", "lines": lines}, status=422)
    assert (wrong["code"], wrong["errors"][0]["pointer"]) == ("sku-unknown", "/lines/0/sku")
    lines = [{"sku": "SKU-1", "quantity": 1, "lot": "L9"}]
    wrong = await house.post(submit, {"worker": "ann", "lines": lines}, status=422)
    assert wrong["errors"][0]["pointer"] == "/lines/0/lot"
    virtual = await house.post("/v1/counts", {"locations": ["SUPPLIER"]}, status=422)
    assert virtual["code"] == "location-virtual"
    assert await house.on_hand() == 30
    gone = await house.post(f"/v1/counts/{opened}/cancel", {})
    assert gone["state"] == "cancelled"
    unknown = await house.post(f"/v1/counts/{new_id()}/recount", {}, status=404)
    assert unknown["code"] == "not-found"


async def test_a_bin_counted_lately_is_not_due(house: House) -> None:
    await house.post("/v1/counts", {"locations": [BIN]})
    await house.count("ann", [{"sku": "SKU-1", "quantity": 30}])

    assert (await house.post("/v1/counts/plan", {"limit": 5}))["opened"] == []
    async with house.api.open_unit(SITE) as uow:
        later = now_us() + 31 * 86_400_000_000
        assert len(await uow.counts.due(now=later, limit=5, zone=None)) == 1
        assert await uow.counts.due(now=later, limit=5, zone="Z") == []


async def test_the_layout_sets_the_limit(house: House) -> None:
    site = {"id": SITE, "name": "Demo", "counts": {"limit_units": 1}}
    await house.post("/v1/imports/layout", {"site": site}, by="manager")
    await house.post("/v1/counts", {"locations": [BIN]})

    assert (await house.count("ann", [{"sku": "SKU-1", "quantity": 28}]))["result"] == "recount"
    assert (await house.count("bob", [{"sku": "SKU-1", "quantity": 29}]))["result"] == "reconciled"
    assert await house.on_hand() == 29


async def test_counts_are_opened_and_booked_from_the_shell(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with shell_of(house.api, "manager", OWNER, tmp_path, capsys) as shell:
        assert await shell("count", "plan") == (0, "1 counts opened\n")
        assert await shell("count", "open", BIN) == (0, "0 counts opened\n")
        await house.count("ann", [{"sku": "SKU-1", "quantity": 12}])
        await house.count("bob", [{"sku": "SKU-1", "quantity": 12}])
        code, listed = await shell("count", "list", "--state", "counted")
        one = listed.split()[0]
        assert (code, listed.split()[1:]) == (0, [BIN, "plan", "counted", "bob"])
        assert "less" in (await shell("count", "show", one))[1]
        code, told = await shell("count", "reconcile", one)
        assert (code, told.splitlines()[0]) == (0, f"{BIN}  reconciled  round 2")
        assert (await shell("count", "cancel", one))[0] == 3
        assert (await shell("count", "list", "--state", "lost"))[0] == 2
    assert await house.on_hand() == 12
