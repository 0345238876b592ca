"""The demo site served with one of everything that a path can name, made through the API itself."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from contracts.gs1.encode import encode_sgtin_96
from contracts.gs1.keys import grai_from, grai_key
from core.api.webhooks import SENDER
from core.application.ports.tracking import DeadLetter, HeldTag
from core.domain.addresses import Reach
from core.domain.judgement import Notice
from core.integrations.http import GuardedSender
from runtime.clock import new_id, now_us
from simulators.catalog import OWNER, OWNER_PREFIX
from simulators.layout import layout_document, stock_csv
from simulators.site import build_site
from simulators.truck import build_truck
from tests.apis import SITE, Api, open_api
from tests.hooks import Names

HOOK = "shop.example.com"
TOTES = [grai_key(grai_from(OWNER_PREFIX, 2, str(n))) for n in range(1, 6)]
SKU = "A-100"
# An SKU that no other owner of the tests has.
ONLY_HERE = "A-101"
# A tag of the owner's A-100 that was never commissioned.
STRANGE = encode_sgtin_96("09521101001006", "900001", prefix_length=7)


@dataclass
class Seeded:
    """A served site, a manager's client of its owner, and ids by the name of a path parameter."""

    api: Api
    client: httpx.AsyncClient
    ids: dict[str, str] = field(default_factory=dict)
    sent: int = 0

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The JSON of a call that must succeed."""
        self.sent += 1
        answer = await self.client.request(
            method,
            path,
            json=body,
            headers={"Idempotency-Key": f"seed-{self.sent}", **headers},
        )
        assert answer.status_code < 300, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    async def post(self, path: str, body: Any = None) -> Any:
        """POST that must succeed."""
        return await self.call("POST", path, body)

    def path(self, template: str) -> str:
        """A path template with this site's ids in it."""
        return re.sub(r"\{(\w+)(:path)?\}", lambda found: self.ids[found[1]], template)


@asynccontextmanager
async def seeded(database_url: str) -> AsyncIterator[Seeded]:
    """The demo site with stock, orders in every stage, a truck at a door, and things gone wrong."""
    names = Names({HOOK: ["93.184.216.34"]})
    sender = GuardedSender(reach=Reach(), resolve=names, now_us=now_us)
    async with (
        open_api(database_url, extras={SENDER: sender}) as api,
        await api.client("manager", owners=(OWNER,)) as client,
    ):
        made = Seeded(api, client)
        await _goods(made)
        await _orders(made)
        await _doors(made)
        await _platform(made)
        await _inventory(made)
        yield made


async def _goods(made: Seeded) -> None:
    site = build_site()
    await made.post("/v1/imports/layout", layout_document(site))
    answer = await made.client.post(
        "/v1/imports/stock", content=stock_csv(site), headers={"content-type": "text/csv"}
    )
    assert answer.status_code == 200, answer.text
    for key in TOTES:
        await made.post("/v1/totes", {"key": key})
    made.ids |= {"code": site.stock[0].location, "portal": "dock-1", "channel": "web"}


async def place(made: Seeded, name: str, quantity: int = 1) -> str:
    """Place an order; its id."""
    order = await made.post(
        "/v1/orders",
        {
            "external_order_id": name,
            "channel": "web",
            "lines": [{"sku": SKU, "quantity": quantity}],
        },
    )
    return str(order["id"])


async def _orders(made: Seeded) -> None:
    packed, picking, waiting = [await place(made, f"SEED-{n}") for n in range(3)]
    await made.post("/v1/releases", {"order_ids": [packed]})
    work = await made.post("/v1/pick-tasks/next", {"worker": "ann", "tote": TOTES[0]})
    for task in work["tasks"]:
        await made.post(
            f"/v1/pick-tasks/{task['id']}/confirm",
            {"quantity": task["quantity"], "tote": TOTES[0]},
        )
    carton = (
        await made.post(f"/v1/orders/{packed}/pack", {"tote": TOTES[0], "station": "PACK-1"})
    )["carton"]
    await made.post("/v1/stage", {"handling_unit": carton["key"], "location": "STAGE-OUT-1"})
    shipment = await made.post("/v1/shipments", {"order_ids": [packed]})
    await made.post("/v1/releases", {"order_ids": [picking]})
    task = (await made.call("GET", f"/v1/pick-tasks?order={picking}"))["items"][0]
    made.ids |= {
        "order_id": waiting,
        "staged_order": packed,
        "picking_order": picking,
        "shipment_id": shipment["id"],
        "pick_task_id": task["id"],
        "name": carton["key"],
        "carton_id": carton["id"],
    }


async def _doors(made: Seeded) -> None:
    truck = build_truck(build_site(), pallets=2, cartons=8, missing=0, foreign=0)
    asn = await made.post("/v1/asns", truck.notice())
    visit = await made.post("/v1/visits", {"portal": "dock-1", "asn_ids": [asn["id"]]})
    scanned = await made.post(
        f"/v1/visits/{visit['id']}/scan",
        {"code": truck.pallets[0].sscc.key, "direction": "in"},
    )
    tasks = (await made.call("GET", "/v1/tasks?state=open"))["items"]
    known = await made.call("GET", f"/v1/asns/{asn['id']}")
    made.ids |= {
        "asn_id": asn["id"],
        "visit_id": visit["id"],
        "pass_id": scanned["pass_id"],
        "task_id": tasks[0]["id"],
        "key": next(u["key"] for u in known["units"] if u["state"] == "received"),
        "pallet": truck.pallets[1].sscc.key,
    }


async def _platform(made: Seeded) -> None:
    hook = await made.post(
        "/v1/webhooks", {"url": f"https://{HOOK}/in", "events": ["order.shipped"]}
    )
    key = await made.post(
        "/v1/keys", {"name": "spare", "role": "auditor", "sites": [SITE], "owners": [OWNER]}
    )
    exception, now, payload = new_id(), now_us(), b'{"epc": "zz"}'
    letter = DeadLetter(
        topic=f"wh/v1/{SITE}/agents/dock-1/reads",
        code="E_EPC_HEX",
        pointer="/reads/0/epc",
        payload=payload,
        digest=hashlib.sha256(payload).digest(),
        received_at=now,
        agent="dock-1",
        boot=1,
        seq=7,
        index=0,
    )
    notice = Notice("wrong_door", "warning", "seed", "A carton at another door.", owner_id=OWNER)
    strange = HeldTag(
        epc=STRANGE,
        code="Q_EPC_UNKNOWN",
        agent="dock-1",
        device="dock-1-r",
        antenna=1,
        first_seen_at=now,
        last_seen_at=now,
        count=3,
    )
    async with made.api.open_unit(SITE) as unit:
        await unit.tracking.keep([letter])
        await unit.tracking.hold([strange])
        await unit.floor.raise_notice(
            notice, exception_id=exception, portal="dock-1", pass_id=None, visit_id=None, now=now
        )
    letters = await made.call("GET", "/v1/dead-letters")
    made.ids |= {
        "webhook_id": hook["id"],
        "key_id": key["id"],
        "exception_id": str(exception),
        "epc": STRANGE,
        "dead_letter_id": str(letters["items"][0]["id"]),
    }


async def _inventory(made: Seeded) -> None:
    rows = (await made.call("GET", f"/v1/stock?sku={SKU}"))["items"]
    shelf = next(row["location"] for row in rows if row["handling_unit"] is None)
    found = {"sku": SKU, "location": shelf, "delta": 1, "reason": "found"}
    correction = await made.post("/v1/adjustments", found)
    opened = await made.post("/v1/counts", {"locations": [made.ids["code"]]})
    (count_id,) = opened["opened"]
    await made.post(f"/v1/counts/{count_id}/cancel", {})
    async with made.api.open_unit(SITE) as unit:
        lot = await unit.raw.fetchval(
            "INSERT INTO lot (item_id, code) SELECT item_id, 'SEED' FROM item"
            " WHERE owner_id = $1 AND sku = $2 RETURNING lot_id",
            OWNER,
            SKU,
        )
    made.ids |= {
        "sku": ONLY_HERE,
        "adjustment_id": correction["id"],
        "count_id": count_id,
        "lot_id": str(lot),
        "agent": "dock-1",
    }
