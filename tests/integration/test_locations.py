"""Locations are listed and locked; a lot has one date of expiry, told by its ASN."""

from __future__ import annotations

from typing import Any

import httpx

from core.application.ledger import post_moves
from core.application.verify import verify
from runtime.clock import new_id, now_us
from tests.apis import open_api
from tests.builders import OWNER, PLACES, SITE, a_move, a_warehouse

LOCK = "/v1/locations/A-01-01-1/lock"


async def _post(client: httpx.AsyncClient, path: str, body: Any) -> tuple[int, Any]:
    answer = await client.post(path, json=body, headers={"Idempotency-Key": str(new_id())})
    return answer.status_code, answer.json()


async def test_a_locked_bin_takes_no_goods_and_gives_none_to_orders(database_url: str) -> None:
    async with open_api(database_url) as api:
        async with api.open_unit(SITE) as uow:
            made = await a_warehouse(uow, "SKU-1")
            moves = [a_move(made, 5), a_move(made, 2, target="A-01-02-2", key="b")]
            await post_moves(uow, moves, now=now_us(), ids=new_id)
        async with await api.client("lead", owners=(OWNER,)) as lead:
            status, locked = await _post(lead, LOCK, {"reason": "beam is bent"})
            assert (status, locked["locked"], locked["lock_reason"]) == (200, True, "beam is bent")
            assert (locked["locked_by"], locked["on_hand"]) == (f"lead:{OWNER}", 5)
            move = {"sku": "SKU-1", "quantity": 1, "from": "A-01-02-2", "to": "A-01-01-1"}
            status, problem = await _post(lead, "/v1/moves", move)
            assert (status, problem["code"]) == (409, "location-locked")
            out = {**move, "from": "A-01-01-1", "to": "A-01-02-2"}
            assert (await _post(lead, "/v1/moves", out))[0] == 201
            lines = [{"sku": "SKU-1", "quantity": 6}]
            body = {"external_order_id": "SO-1", "channel": "web", "lines": lines}
            async with await api.client("manager", owners=(OWNER,)) as manager:
                _, order = await _post(manager, "/v1/orders", body)
                _, released = await _post(manager, "/v1/releases", {"order_ids": [order["id"]]})
            assert [short["reservable"] for short in released["short"]] == [3]

            listed = (await lead.get("/v1/locations", params={"locked": "true"})).json()
            assert [row["code"] for row in listed["items"]] == ["A-01-01-1"]
            status, opened = await _post(lead, LOCK.replace("/lock", "/unlock"), {})
            assert (status, opened["locked"], opened["lock_reason"]) == (200, False, None)
            assert (await _post(lead, "/v1/moves", move))[0] == 201
            assert (await _post(lead, "/v1/locations/SUPPLIER/lock", {"reason": "x"}))[0] == 422
            assert (await _post(lead, "/v1/locations/NO/lock", {"reason": "x"}))[0] == 404
        async with api.open_unit(SITE) as uow:
            assert await verify(uow, clock=now_us) == []


async def test_locations_come_in_pages_by_kind_and_zone(database_url: str) -> None:
    async with open_api(database_url) as api:
        async with api.open_unit(SITE) as uow:
            await a_warehouse(uow, "SKU-1")
        async with await api.client("auditor") as client:
            seen: list[str] = []
            query: dict[str, str] = {"limit": "5"}
            while True:
                page = (await client.get("/v1/locations", params=query)).json()
                seen += [row["code"] for row in page["items"]]
                if page["next_cursor"] is None:
                    break
                query["cursor"] = page["next_cursor"]
            faces = (await client.get("/v1/locations", params={"kind": "pick_face"})).json()
            wrong = await client.get("/v1/locations", params={"kind": "shelf"})
            none = (await client.get("/v1/locations", params={"zone": "Z"})).json()

    assert seen == sorted(PLACES)
    assert [row["code"] for row in faces["items"]] == ["A-01-01-1", "A-01-02-1"]
    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (422, "choice")
    assert none["items"] == []


async def test_a_lot_gets_one_date_of_expiry_from_its_asn(database_url: str) -> None:
    async with open_api(database_url) as api:
        async with api.open_unit(SITE) as uow:
            await a_warehouse(uow, "SKU-1", tracking="lot")
        async with await api.client("manager", owners=(OWNER,)) as client:

            async def announce(number: int, **more: str) -> tuple[int, Any]:
                line = {"sku": "SKU-1", "quantity": 5, **more}
                body = {"external_asn_id": f"ASN-{number}", "lines": [line]}
                return await _post(client, "/v1/asns", body)

            day, other = "2027-03-01T00:00:00Z", "2027-04-01T00:00:00Z"
            assert (await announce(1, lot="L1", expires_at=day))[0] == 201
            assert (await announce(2, lot="L1"))[0] == 201
            assert (await announce(3, lot="L1", expires_at=day))[0] == 201
            status, problem = await announce(4, lot="L1", expires_at=other)
            assert (status, problem["code"]) == (422, "lot-expiry")
            assert problem["errors"][0]["pointer"] == "/lines/0/expires_at"
            assert (await announce(5, expires_at=day))[0] == 422
            (lot,) = (await client.get("/v1/lots")).json()["items"]

    assert (lot["lot"], lot["expires_at"]) == ("L1", "2027-03-01T00:00:00.000000Z")
