"""Inbound work over HTTP on the real application: layout, ASN, visit, tasks, imports, devices."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.gs1.keys import gtin_from, sgtin_key, sscc_from
from simulators.layout import layout_document, stock_csv
from simulators.site import build_site
from simulators.truck import build_truck
from tests.apis import Api, open_api

EXAMPLES = os.environ.get("DOCKLEDGER_EXAMPLES", "")


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    async with open_api(database_url) as made:
        yield made


@pytest.fixture
async def manager(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    async with await api.client("manager", owners=("acme",)) as client:
        answer = await client.post("/v1/imports/layout", json=layout_document(build_site()))
        assert answer.status_code == 200, answer.text
        yield client


def the_layout() -> dict[str, Any]:
    return dict(layout_document(build_site()))


async def post(client: httpx.AsyncClient, path: str, body: Any = None, code: int = 200) -> Any:
    answer = await client.post(path, json={} if body is None else body)
    assert answer.status_code == code, answer.text
    return answer.json()


async def get(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def csv(client: httpx.AsyncClient, kind: str, data: bytes) -> httpx.Response:
    return await client.post(
        f"/v1/imports/{kind}", content=data, headers={"content-type": "text/csv"}
    )


async def test_the_demo_layout_and_its_stock_import_twice_without_a_change(
    manager: httpx.AsyncClient,
) -> None:
    data = stock_csv(build_site()).encode()

    first = (await csv(manager, "stock", data)).json()["imported"]
    again = (await csv(manager, "stock", data)).json()["imported"]
    layout = await post(manager, "/v1/imports/layout", layout_document(build_site()))

    assert first["moves"] == first["rows"] > 100
    assert again == {"rows": first["rows"], "moves": 0}
    assert layout["imported"]["locations"] == len(the_layout()["locations"])
    portals = (await get(manager, "/v1/portals"))["items"]
    assert [p["portal"] for p in portals] == ["dock-1", "dock-2"]
    assert {m["mode"] for m in portals[0]["modes"]} == {"book"}
    assert portals[0]["light"] == "amber"


async def test_a_truck_is_announced_scanned_in_put_away_and_closed(
    manager: httpx.AsyncClient,
) -> None:
    truck = build_truck(build_site(), pallets=1, cartons=6, missing=0, foreign=0)
    asn = await post(manager, "/v1/asns", truck.notice(), 201)
    assert await post(manager, "/v1/asns", truck.notice(), 200) == asn
    visit = await post(manager, "/v1/visits", {"portal": "dock-1", "asn_ids": [asn["id"]]}, 201)
    assert (visit["remainder"]["expected"], visit["remainder"]["received"]) == (6, 0)
    pallet = truck.pallets[0].sscc.key

    scanned = await post(
        manager, f"/v1/visits/{visit['id']}/scan", {"code": pallet, "direction": "in"}
    )
    assert scanned["verdict"] == "matched"
    now = await get(manager, f"/v1/visits/{visit['id']}")
    assert now["remainder"]["received"] == 6
    evidence = {unit["pass_id"] for unit in now["remainder"]["units"]}
    assert evidence == {scanned["pass_id"]}
    seen = await get(manager, f"/v1/passes/{scanned['pass_id']}")
    assert (seen["state"], seen["booking"], seen["verdict"]) == ("in", "booked", "matched")
    task = await post(manager, "/v1/tasks/next", {"kind": "putaway", "worker": "ann"})
    assert (task["state"], task["from"], task["handling_unit_key"]) == (
        "assigned", "STAGE-IN", pallet,
    )  # fmt: skip
    done = await post(manager, f"/v1/tasks/{task['id']}/confirm")
    assert (done["state"], done["to"]) == ("done", task["to"])
    closed = await post(manager, f"/v1/visits/{visit['id']}/close")
    assert (closed["received"], closed["short"], closed["over"]) == (6, 0, 0)
    assert (await get(manager, f"/v1/asns/{asn['id']}"))["state"] == "closed"
    again = await manager.post("/v1/tasks/next", json={"kind": "putaway", "worker": "ann"})
    assert again.status_code == 204


async def test_a_receipt_by_hand_needs_a_key_and_counts_over_the_line(
    manager: httpx.AsyncClient,
) -> None:
    sku = the_layout()["items"][0]["sku"]
    body = {"external_asn_id": "A-1", "lines": [{"sku": sku, "quantity": 10}]}
    asn = await post(manager, "/v1/asns", body, 201)
    path = f"/v1/asns/{asn['id']}/receive"
    wanted = {"lines": [{"sku": sku, "quantity": 12}]}
    missing = await manager.post(path, json=wanted)
    assert missing.json()["code"] == "idempotency-key-missing"

    first = await manager.post(path, json=wanted, headers={"Idempotency-Key": "k1"})
    again = await manager.post(path, json=wanted, headers={"Idempotency-Key": "k1"})

    assert first.json()["lines"][0]["received"] == 12
    assert again.headers["Idempotent-Replayed"] == "true"
    tasks = (await get(manager, "/v1/tasks?kind=putaway"))["items"]
    assert [(t["sku"], t["quantity"]) for t in tasks] == [(sku, 12)]
    other = {**body, "lines": [{"sku": sku, "quantity": 11}]}
    assert (await post(manager, "/v1/asns", other, 409))["code"] == "asn-exists"


async def test_a_mode_steps_up_one_at_a_time_and_down_at_will(manager: httpx.AsyncClient) -> None:
    path = "/v1/portals/dock-1/mode"
    down = await manager.put(path, json={"direction": "in", "mode": "observe"})
    assert down.json()["before"] == "book"

    leap = await manager.put(path, json={"direction": "in", "mode": "book"})

    assert (leap.status_code, leap.json()["code"]) == (409, "state-conflict")
    step = await manager.put(path, json={"direction": "in", "mode": "propose"})
    assert step.json()["before"] == "observe"
    report = await get(manager, "/v1/portals/dock-1/report")
    assert [d["may_step_up"] for d in report["directions"]] == [False, False]
    unknown = await manager.put("/v1/portals/dock-9/mode", json={"direction": "in", "mode": "book"})
    assert unknown.status_code == 404


async def test_a_tag_twice_or_of_an_unknown_item_is_refused_where_it_stands(
    manager: httpx.AsyncClient,
) -> None:
    sku = the_layout()["items"][0]["sku"]
    key = sgtin_key(gtin_from("4012345", 1), "1")
    twice = {"external_asn_id": "A-1", "epcs": [{"epc": key, "sku": sku}, {"epc": key, "sku": sku}]}
    wrong = {"external_asn_id": "A-1", "epcs": [{"epc": key, "sku": "NONE"}]}
    bad = {
        "external_asn_id": "A-1",
        "handling_units": [{"key": sscc_from("4012345", 1)[:-1] + "x", "contents": []}],
    }

    first = await post(manager, "/v1/asns", twice, 422)
    assert [(e["pointer"], e["code"]) for e in first["errors"]] == [("/epcs/1/epc", "duplicate")]
    second = await post(manager, "/v1/asns", wrong, 422)
    assert (second["code"], second["errors"][0]["pointer"]) == ("sku-unknown", "/epcs/0/sku")
    third = await post(manager, "/v1/asns", bad, 422)
    assert third["errors"][0]["pointer"] == "/handling_units/0/key"
    assert (await get(manager, "/v1/asns"))["items"] == []


async def test_lists_of_devices_letters_holds_and_exceptions_answer(
    manager: httpx.AsyncClient,
) -> None:
    devices = (await get(manager, "/v1/devices"))["items"]
    assert {d["device"] for d in devices} == {"dock-1-r", "dock-2-r", "conv-1-r", "stage-r"}
    assert [a["agent"] for a in (await get(manager, "/v1/agents"))["items"]] == [
        "dock-1", "dock-2", "floor-1",
    ]  # fmt: skip
    for path in ("dead-letters", "holds", "exceptions?open=true", "passes", "visits", "tasks"):
        assert (await get(manager, f"/v1/{path}"))["items"] == []


def csv_cases() -> list[dict[str, Any]]:
    if not EXAMPLES:
        return []
    lines = (Path(EXAMPLES) / "bad-inputs.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    return [case for case in cases if case["iface"] == "csv" and "input" in case]


@pytest.mark.skipif(not EXAMPLES, reason="DOCKLEDGER_EXAMPLES is not set")
@pytest.mark.parametrize("case", csv_cases(), ids=lambda case: case["id"])
async def test_a_bad_csv_gets_its_code_and_imports_nothing(
    manager: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    answer = await csv(manager, "items", case["input"].encode())

    assert answer.status_code == case["expect"], answer.text
    if case["code"] is not None:
        assert answer.json()["code"] == case["code"]
    else:
        again = await csv(manager, "items", case["input"].encode())
        assert again.json() == answer.json()


async def test_bytes_of_another_encoding_are_refused(manager: httpx.AsyncClient) -> None:
    data = "sku,name,gtin,uom,min,max\nSKU-1,Bläu,0614141123452,EA,5,50\n".encode("latin-1")
    answer = await csv(manager, "items", data)
    assert (answer.status_code, answer.json()["code"]) == (400, "csv-encoding")


async def test_a_count_below_what_is_reserved_is_refused(
    api: Api, manager: httpx.AsyncClient
) -> None:
    site = build_site()
    line = site.stock[0]
    assert (await csv(manager, "stock", stock_csv(site).encode())).status_code == 200
    async with api.open_unit("demo") as unit:
        await unit.raw.execute(
            "UPDATE quant SET reserved = 2 FROM location l, item i"
            " WHERE l.location_id = quant.location_id AND l.code = $1"
            " AND i.item_id = quant.item_id AND i.sku = $2",
            line.location,
            line.sku,
        )

    low = await csv(
        manager, "stock", f"location,sku,quantity\n{line.location},{line.sku},1\n".encode()
    )

    assert (low.status_code, low.json()["code"]) == (409, "below-reserved")
    assert (low.json()["errors"][0]["row"], low.json()["errors"][0]["column"]) == (1, "quantity")
