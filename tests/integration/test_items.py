"""Items: every fact by file, interface and export; what was exported imports unchanged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.application.ledger import post_moves
from runtime.clock import new_id, now_us
from tests.apis import Api, open_api
from tests.builders import OWNER, SITE, Warehouse, a_move, a_warehouse
from tests.shells import shell_of

GTIN, CASE, PALLET = "09521101001006", "19521101001003", "29521101001000"
HEAD = "sku,name,gtin,uom,min,max"
WIDE = f"{HEAD},tracking,weight_g,hs_code,origin,standard_cost,currency,case_gtin,case_quantity"
LAMP = f"A-100,Desk lamp,{GTIN},EA,1,9,lot,850,940520,DE,1490,EUR,{CASE},12"


@dataclass
class Shop:
    """An application with two items without GTIN, and a manager's client."""

    api: Api
    made: Warehouse
    client: httpx.AsyncClient

    async def send(self, text: str, **query: str) -> httpx.Response:
        """Import a file."""
        headers = {"Content-Type": "text/csv"}
        return await self.client.post(
            "/v1/imports/items", params=query, content=text.encode(), headers=headers
        )

    async def item(self, sku: str) -> Any:
        """One item."""
        answer = await self.client.get(f"/v1/items/{sku}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def patch(self, sku: str, body: Any, etag: str | None = None) -> httpx.Response:
        """Change an item, as it is read now unless an ETag is given."""
        if etag is None:
            etag = (await self.client.get(f"/v1/items/{sku}")).headers["ETag"]
        return await self.client.patch(f"/v1/items/{sku}", json=body, headers={"If-Match": etag})


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_api(database_url) as api:
        async with api.open_unit(SITE) as uow:
            made = await a_warehouse(uow, "SKU-1", "SKU-2")
            await post_moves(uow, [a_move(made, 3)], now=now_us(), ids=new_id)
        async with await api.client("manager", owners=(OWNER,)) as client:
            yield Shop(api, made, client)


async def test_every_fact_comes_by_file_and_goes_out_by_file_unchanged(shop: Shop) -> None:
    assert (await shop.send(f"{WIDE}\n{LAMP}\n")).json() == {"imported": {"rows": 1}}

    lamp = await shop.item("A-100")
    facts = {name: lamp[name] for name in ("tracking", "weight_g", "standard_cost", "currency")}
    assert facts == {"tracking": "lot", "weight_g": 850, "standard_cost": 1490, "currency": "EUR"}
    assert (lamp["case_gtin"], lamp["case_quantity"], lamp["pallet_gtin"]) == (CASE, 12, None)
    first = await shop.client.get("/v1/exports/items")
    assert first.headers["content-type"].startswith("text/csv")
    assert first.text.splitlines()[0].startswith(f"{HEAD},tracking,active")
    assert len(first.text.splitlines()) == 1 + 3
    assert (await shop.send(first.text)).json() == {"imported": {"rows": 3}}
    assert (await shop.client.get("/v1/exports/items")).text == first.text


async def test_a_dry_run_says_what_would_be_and_keeps_nothing(shop: Shop) -> None:
    answer = await shop.send(f"{WIDE}\n{LAMP}\n", dry_run="true")

    assert answer.json() == {"imported": {"rows": 1}, "dry_run": True}
    assert (await shop.client.get("/v1/items/A-100")).status_code == 404
    assert (await shop.send(f"{HEAD}\nA-100,,,,,\n", dry_run="true")).status_code == 422
    assert (await shop.send(f"{WIDE}\n{LAMP}\n", dry_run="maybe")).status_code == 422


WRONG = (
    (("850", "heavy"), "weight_g", "integer"),
    (("850", "-1"), "weight_g", "range"),
    (("940520", "94-05"), "hs_code", "format"),
    (("DE", "de"), "origin", "format"),
    (("EUR", ""), "currency", "required"),
    ((f"{CASE},12", f"{CASE},1"), "case_quantity", "range"),
    ((f"{CASE},12", f"{CASE},"), "case_quantity", "required"),
    ((CASE, GTIN[:-1] + "7"), "case_gtin", "gtin-check"),
    ((",lot,", ",serials,"), "tracking", "choice"),
    ((f",{GTIN},", ",,"), "gtin", "required"),
)


async def test_a_wrong_cell_is_named_and_nothing_is_imported(shop: Shop) -> None:
    for change, column, code in WRONG:
        answer = await shop.send(f"{WIDE}\n{LAMP.replace(*change)}\n")

        problem = answer.json()
        found = [(error["row"], error["column"], error["code"]) for error in problem["errors"]]
        assert (answer.status_code, problem["code"], found) == (422, code, [(1, column, code)])
    assert (await shop.client.get("/v1/items/A-100")).status_code == 404


async def test_one_gtin_is_one_items_whatever_the_packaging(shop: Shop) -> None:
    await shop.send(f"{WIDE}\n{LAMP}\n")

    other = await shop.send(f"{HEAD}\nA-200,Other,{CASE},EA,1,9\n")
    assert other.json()["code"] == "gtin-duplicate"
    mine = await shop.patch("SKU-1", {"case_gtin": CASE, "case_quantity": 6})
    assert mine.json()["errors"][0] == {
        "pointer": "/case_gtin",
        "code": "gtin-duplicate",
        "detail": "Another item or packaging has this GTIN.",
    }


async def test_an_item_is_changed_as_it_was_read_and_never_half(shop: Shop) -> None:
    await shop.send(f"{WIDE}\n{LAMP}\n")
    before = await shop.client.get("/v1/items/A-100")

    done = await shop.patch("A-100", {"weight_g": 900, "price": 1990, "name": "Lamp", "max": 20})
    assert (done.status_code, done.json()["weight_g"], done.json()["name"]) == (200, 900, "Lamp")
    late = await shop.patch("A-100", {"weight_g": 1}, before.headers["ETag"])
    assert (late.status_code, late.json()["code"]) == (412, "precondition-failed")
    bare = await shop.patch("A-100", {"currency": None})
    assert bare.json()["errors"][0]["pointer"] == "/currency"
    low = await shop.patch("A-100", {"min": 30})
    assert low.json()["errors"][0]["pointer"] == "/min"
    gone = await shop.patch("A-100", {"case_quantity": None, "case_gtin": None, "origin": None})
    assert {gone.json()[n] for n in ("case_quantity", "case_gtin", "origin")} == {None}
    null = await shop.patch("A-100", {"tracking": None})
    assert null.status_code == 422
    missing = await shop.client.patch("/v1/items/A-100", json={"weight_g": 1})
    assert missing.json()["code"] == "precondition-required"
    assert (await shop.item("A-100"))["weight_g"] == 900


async def test_tracking_stays_while_there_is_stock(shop: Shop) -> None:
    refused = await shop.patch("SKU-1", {"tracking": "serial"})
    assert (refused.status_code, refused.json()["code"]) == (409, "tracking-in-use")
    file = await shop.send(f"{HEAD},tracking\nSKU-1,SKU-1,,EA,,,serial\nSKU-2,SKU-2,,EA,,,serial\n")
    assert [(e["row"], e["column"]) for e in file.json()["errors"]] == [(1, "tracking")]
    assert (await shop.patch("SKU-2", {"tracking": "serial"})).json()["tracking"] == "serial"


async def test_items_are_found_by_text_and_only_by_their_owner(shop: Shop) -> None:
    await shop.send(f"{WIDE}\n{LAMP}\n")

    found = (await shop.client.get("/v1/items", params={"text": "LAMP", "limit": "1"})).json()
    assert ([item["sku"] for item in found["items"]], found["next_cursor"]) == (["A-100"], None)
    pages, cursor = [], None
    while True:
        query = {"limit": "2"} | ({} if cursor is None else {"cursor": cursor})
        page = (await shop.client.get("/v1/items", params=query)).json()
        pages.append([item["sku"] for item in page["items"]])
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert pages == [["SKU-1", "SKU-2"], ["A-100"]]
    async with await shop.api.client("manager", owners=("other",)) as other:
        assert (await other.get("/v1/items")).json()["items"] == []
        assert (await other.get("/v1/items/A-100")).status_code == 404


async def test_items_go_out_and_come_back_by_the_shell(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "items.csv"
    file.write_text(f"{WIDE}\n{LAMP}\n", encoding="utf-8")
    async with shell_of(shop.api, "manager", OWNER, tmp_path, capsys) as shell:
        code, told = await shell("site", "import-items", str(file), "--dry-run")
        assert (code, told) == (0, "       1 rows\ndry run: nothing was kept\n")
        assert (await shell("site", "import-items", str(file)))[0] == 0
        code, out = await shell("site", "export-items")
        assert (code, out) == (0, (await shop.client.get("/v1/exports/items")).text)
        assert out.count("\n") == 4
