"""Every published example of a bad order ends with the code it states, over a real socket."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.application.ledger import post_moves
from runtime.clock import new_id, now_us
from tests.apis import Api, open_api
from tests.builders import SITE, a_move, a_warehouse
from tests.sockets import json_of, listening, request_bytes, send, status_of

ORDER = {
    "external_order_id": "SO-1001",
    "channel": "web",
    "lines": [{"external_line_id": "1", "sku": "SKU-1", "quantity": 2}],
}


def _examples() -> list[Any]:
    folder = os.environ.get("DOCKLEDGER_EXAMPLES")
    if not folder:
        return []
    lines = (Path(folder) / "bad-inputs.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [pytest.param(r, id=r["id"]) for r in rows if r["iface"] == "order_api"]


@dataclass
class Door:
    """The served application and a seller's key."""

    api: Api
    port: int
    key: str
    sent: int = 0

    def headers(self, **more: str) -> dict[str, str]:
        """The headers of one call."""
        self.sent += 1
        return {"Authorization": f"Bearer {self.key}", "Idempotency-Key": f"k{self.sent}", **more}

    async def post(self, body: Any, **more: str) -> bytes:
        """POST an order."""
        headers = self.headers(**{name.replace("_", "-"): value for name, value in more.items()})
        return await send(self.port, request_bytes("/v1/orders", body, headers))

    async def call(self, method: str, path: str, body: Any = b"", **more: str) -> bytes:
        """Any other call."""
        headers = self.headers(**{name.replace("_", "-"): value for name, value in more.items()})
        return await send(self.port, request_bytes(path, body, headers, method=method))

    async def endless(self) -> bytes:
        """A chunked body that never ends."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = "".join(f"{k}: {v}\r\n" for k, v in self.headers().items())
        writer.write(
            f"POST /v1/orders HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
        try:
            for _ in range(17):
                writer.write(chunk)
                await writer.drain()
            return await asyncio.wait_for(reader.read(65536), 10)
        finally:
            writer.transport.abort()


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    async with open_api(database_url) as api:
        async with api.open_unit(SITE) as uow:
            house = await a_warehouse(uow, "SKU-1")
            await post_moves(uow, [a_move(house, 50)], now=now_us(), ids=new_id)
        key = await api.key("integrator", owners=("acme",))
        async with listening(api) as port:
            yield Door(api, port, key)


async def _answer(door: Door, row: dict[str, Any]) -> bytes:
    if "input" in row:
        return await door.post(row["input"].encode())
    other = {**ORDER, "lines": [{"external_line_id": "1", "sku": "SKU-1", "quantity": 3}]}
    match row["id"]:
        case "order_api-068":
            return await door.endless()
        case "order_api-074":
            return await door.post(ORDER, Content_Type="application/json; charset=utf-16")
        case "order_api-086":
            return await door.call("GET", "/v1/orders/1_0")
        case "order_api-096":
            return await door.call("GET", "/v1/orders?cursor=AAAA")
        case "order_api-102":
            await door.post(ORDER, Idempotency_Key="one")
            return await door.post(other, Idempotency_Key="one")
        case "order_api-105":
            await door.post(ORDER)
            return await door.post(other)
        case "order_api-113":
            order = json_of(await door.post(ORDER))
            change = {"priority": "high"}
            return await door.call("PATCH", f"/v1/orders/{order['id']}", change, If_Match='"77"')
    raise LookupError(f"no way to make {row['id']}: {row['name']}")


@pytest.mark.skipif(not _examples(), reason="DOCKLEDGER_EXAMPLES names no folder of examples")
@pytest.mark.parametrize("row", _examples())
async def test_a_bad_order_ends_with_its_code(door: Door, row: dict[str, Any]) -> None:
    answer = await _answer(door, row)

    problem = json_of(answer)
    assert (status_of(answer), problem["code"]) == (row["expect"], row["code"])
    if "pointer" in row:
        assert (row["pointer"], row["field_code"]) in [
            (e["pointer"], e["code"]) for e in problem["errors"]
        ]
    async with door.api.open_unit(SITE) as uow:
        committed = await uow.raw.fetchval("SELECT committed FROM availability")
    made_first = row["id"] in ("order_api-102", "order_api-105", "order_api-113")
    assert committed == (2 if made_first else 0)


async def test_a_good_order_passes_the_same_door(door: Door) -> None:
    assert status_of(await door.post(ORDER)) == 201
