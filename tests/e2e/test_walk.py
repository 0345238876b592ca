"""A walk through every operation of the interface: each succeeds and answers as documented."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from contracts.gs1.keys import sscc_from, sscc_key
from core.api.examples import CSV_BODIES
from core.api.fields import instant_text
from core.api.roles import TABLE
from core.application.ports.tags import Suspicion
from core.application.ports.tracking import DeadLetter
from core.application.suspicions import suspect_copies
from runtime.clock import new_id, now_us
from simulators.layout import layout_document
from simulators.site import build_site
from simulators.truck import build_truck
from tests.apis import SITE
from tests.e2e.walk_inventory import walk_inventory
from tests.seeded import SKU, TOTES, Seeded, place, seeded

ITEM = "01/09521101001006"
SPARE = sscc_key(sscc_from("9521101", 1_900_000_001))
# Needs a pass that a reader left undecided or proposed; tests of passes and the gateway go there.
BY_READERS = {
    "POST /v1/passes/{pass_id}/settle",
    "POST /v1/passes/{pass_id}/confirm",
    "POST /v1/passes/{pass_id}/dismiss",
    "POST /v1/shipments/{shipment_id}/resume",
}
# Counts the whole building: asked with a key of all owners in its own tests. A stream never ends,
# an export is a file.
ELSEWHERE = {
    "GET /v1/kpis", "GET /v1/kpis/{name}", "GET /v1/map/stream", "GET /v1/openapi.json",
    "GET /v1/exports/items",
}  # fmt: skip


@dataclass
class Walk:
    """Calls by path template; each must succeed and have the shape that the document gives."""

    site: Seeded
    document: dict[str, Any]
    done: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    sent: int = 0

    async def __call__(
        self,
        operation: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        query: str = "",
        **ids: str,
    ) -> Any:
        """The JSON of the answer."""
        method, _, template = operation.partition(" ")
        self.site.ids |= ids
        self.sent += 1
        content = body.encode() if isinstance(body, str) else None
        answer = await self.site.client.request(
            method,
            self.site.path(template) + query,
            json=None if content is not None else body,
            content=content,
            headers={"Idempotency-Key": f"walk-{self.sent}", **(headers or {})},
        )
        assert answer.status_code < 300, f"{operation}: {answer.status_code} {answer.text}"
        self._check(method.lower(), template.replace(":path", ""), answer.status_code, answer.text)
        self.done.add(operation)
        return answer.json() if answer.content else None

    def _check(self, method: str, path: str, status: int, text: str) -> None:
        told = self.document["paths"][path][method]["responses"][str(status)]
        if "content" not in told:
            assert text == "", f"{method} {path}"
            return
        schema = told["content"]["application/json"]["schema"]
        checker = Draft202012Validator(
            {**schema, "components": self.document["components"]}, format_checker=FormatChecker()
        )
        for error in checker.iter_errors(json.loads(text)):
            self.faults.append(f"{method} {path} {error.json_path}: {error.message[:200]}")


async def test_every_operation_succeeds_and_answers_as_documented(database_url: str) -> None:
    async with seeded(database_url) as site:
        document = (await site.client.get("/v1/openapi.json")).json()
        walk = Walk(site, document)
        site.ids["unit"] = site.ids["key"]
        await _orders(walk)
        await _picking(walk)
        await _shipping(walk)
        await _inbound(walk)
        await _doors(walk)
        await _work(walk)
        await _stock(walk)
        await _tags(walk)
        await walk_inventory(walk)
        await _platform(walk)
        await _imports(walk)

    assert not walk.faults, "\n".join(walk.faults)
    known = {f"{method} {path}" for method, path in TABLE}
    assert walk.done <= known
    assert known - walk.done == BY_READERS | ELSEWHERE


async def _orders(walk: Walk) -> None:
    line = {"sku": SKU, "quantity": 1}
    order = {"external_order_id": "W-1", "channel": "web", "lines": [line]}
    made = await walk("POST /v1/orders", order)
    assert await walk("POST /v1/orders", order, headers={"Idempotency-Key": "again"}) == made
    bulk = [{**order, "external_order_id": f"W-2{n}"} for n in range(2)]
    await walk("POST /v1/orders/bulk", {"policy": "reject_all", "orders": bulk})
    assert len((await walk("GET /v1/orders", query="?status=promised"))["items"]) >= 3
    one = {"order_id": made["id"]}
    await walk("GET /v1/orders/{order_id}", **one)
    await walk("PATCH /v1/orders/{order_id}", {"priority": "high"}, headers={"If-Match": "*"})
    await walk("POST /v1/orders/{order_id}/hold")
    await walk("POST /v1/orders/{order_id}/unhold")
    await walk("POST /v1/orders/{order_id}/cancel")
    await walk("GET /v1/availability", query=f"?sku={SKU}")


async def _picking(walk: Walk) -> None:
    worker = {"worker": "bea", "tote": TOTES[1]}
    asked = await place(walk.site, "W-3")
    await walk("POST /v1/releases", {"order_ids": [asked]})
    assert len((await walk("GET /v1/pick-tasks", query=f"?order={asked}"))["items"]) == 1
    await walk("POST /v1/orders/{order_id}/dissolve", order_id=asked)
    await walk("POST /v1/releases", {"order_ids": [asked]})
    await walk("POST /v1/orders/{order_id}/cancel")
    await walk("POST /v1/orders/{order_id}/cancel/decision", {"decision": "accept"})

    await walk("POST /v1/totes", {"key": TOTES[1]})
    task = (await walk("POST /v1/pick-tasks/next", worker))["tasks"][0]
    await walk("POST /v1/pick-tasks/{task_id}/handback", task_id=task["id"])
    task = (await walk("POST /v1/pick-tasks/next", worker))["tasks"][0]
    done = {"quantity": task["quantity"], "tote": TOTES[1]}
    await walk("POST /v1/pick-tasks/{task_id}/confirm", done, task_id=task["id"])
    assert await walk("POST /v1/pick-tasks/next", {"worker": "cid"}) is None
    pack = {"tote": TOTES[1], "station": "PACK-1"}
    packed = await walk("POST /v1/orders/{order_id}/pack", pack, order_id=task["order_id"])
    walk.site.ids["walk_carton"] = packed["carton"]["key"]

    short = await place(walk.site, "W-4", 2)
    await walk("POST /v1/releases", {"order_ids": [short]})
    task = (await walk("POST /v1/pick-tasks/next", {"worker": "dan", "tote": TOTES[2]}))["tasks"][0]
    await walk(
        "POST /v1/pick-tasks/{task_id}/short",
        {"picked": 0, "reason": "missing"},
        task_id=task["id"],
    )


async def _shipping(walk: Walk) -> None:
    ids = walk.site.ids
    carton = ids["walk_carton"]
    await walk("POST /v1/stage", {"handling_unit": carton, "location": "STAGE-OUT-1"})
    made = await walk("POST /v1/shipments", {"handling_units": [carton], "portal": "dock-2"})
    await walk("GET /v1/shipments", shipment_id=made["id"])
    await walk("GET /v1/shipments/{shipment_id}")
    await walk("POST /v1/shipments/{shipment_id}/palletize", {"handling_units": [carton]})
    await walk("POST /v1/shipments/{shipment_id}/cancel")
    await walk("GET /v1/handling-units/{name:path}", name=carton)
    await walk("GET /v1/handling-units/{name:path}", name=ids["carton_id"])
    steps = (await walk("GET /v1/journey/{key:path}", key=carton))["steps"]
    assert len(steps) >= 2


async def _inbound(walk: Walk) -> None:
    line = {"sku": SKU, "quantity": 3}
    first = await walk("POST /v1/asns", {"external_asn_id": "W-A", "lines": [line]})
    await walk("POST /v1/asns", {"external_asn_id": "W-A", "lines": [line]})
    await walk("POST /v1/asns/{asn_id}/cancel", asn_id=first["id"])
    other = await walk("POST /v1/asns", {"external_asn_id": "W-B", "lines": [line]})
    await walk("POST /v1/asns/{asn_id}/receive", {"lines": [line]}, asn_id=other["id"])
    await walk("GET /v1/asns/{asn_id}")
    await walk("GET /v1/asns", query="?limit=2")


async def _doors(walk: Walk) -> None:
    portal, ids = {"direction": "in", "mode": "propose"}, walk.site.ids
    seen = await walk("GET /v1/passes/{pass_id}")
    assert seen["tags"]
    await walk("GET /v1/passes", query=f"?visit={ids['visit_id']}")
    await walk("GET /v1/visits/{visit_id}")
    await walk("POST /v1/visits/{visit_id}/scan", {"code": ids["pallet"], "direction": "in"})
    await walk("POST /v1/passes/{pass_id}/reverse")
    await walk("POST /v1/visits/{visit_id}/close", {"force": True})
    await walk("POST /v1/visits", {"portal": "dock-2", "truck": "BN-AB 1"})
    assert len((await walk("GET /v1/visits"))["items"]) == 2
    await walk("GET /v1/portals")
    await walk("PUT /v1/portals/{portal}/mode", portal)
    await walk("GET /v1/portals/{portal}/report")


async def _work(walk: Walk) -> None:
    tasks = (await walk("GET /v1/tasks", query="?state=open"))["items"]
    wanted = {"kind": "putaway", "worker": "eva"}
    assert len(tasks) >= 2
    mine = await walk("POST /v1/tasks/next", wanted)
    await walk("POST /v1/tasks/{task_id}/handback", task_id=mine["id"])
    mine = await walk("POST /v1/tasks/next", wanted)
    await walk("POST /v1/tasks/{task_id}/confirm", {}, task_id=mine["id"])
    await walk("GET /v1/tasks/{task_id}")
    rest = next(t for t in (await walk("GET /v1/tasks", query="?state=open"))["items"])
    await walk("POST /v1/tasks/{task_id}/cancel", {"reason": "not needed"}, task_id=rest["id"])
    assert await walk("POST /v1/tasks/next", {"kind": "count", "worker": "eva"}) is None
    await walk("GET /v1/exceptions", query="?open=true")
    await walk("GET /v1/exceptions/{exception_id}")
    await walk("POST /v1/exceptions/{exception_id}/acknowledge")
    await walk("POST /v1/exceptions/{exception_id}/resolve")


async def _stock(walk: Walk) -> None:
    row = next(
        row
        for row in (await walk("GET /v1/stock", query=f"?sku={SKU}"))["items"]
        if row["available"] >= 2 and row["handling_unit"] is None
    )
    await walk(
        "POST /v1/moves", {"sku": SKU, "quantity": 1, "from": row["location"], "to": "A-01-02-2"}
    )
    await walk(
        "POST /v1/adjustments",
        {"sku": SKU, "location": row["location"], "delta": -1, "reason": "damage"},
    )
    assert (await walk("GET /v1/moves", query=f"?item={SKU}&limit=5"))["next_cursor"]
    await walk("GET /v1/units/{key:path}", key=walk.site.ids["unit"])
    await walk("GET /v1/map/snapshot")
    await walk("GET /v1/map/places/{code}")
    assert (await walk("GET /v1/map/search", query="?q=W-3"))["items"]
    moment = instant_text(now_us())
    assert (await walk("GET /v1/map/at", query=f"?at={moment}"))["sections"]["stock"]
    asked = f"?epc={walk.site.ids['unit']}&since={moment}"
    assert (await walk("GET /v1/observations", query=asked))["items"] == []


async def _tags(walk: Walk) -> None:
    why, shelf = {"reason": "a walk"}, walk.site.ids["code"]
    assert len((await walk("GET /v1/inbox"))["items"]) == 1
    await walk("POST /v1/inbox/{epc}/ignore", why)
    await walk("POST /v1/inbox/{epc}/watch", why)
    bound = await walk("POST /v1/inbox/{epc}/bind", {**why, "sku": SKU})
    assert (bound["carried_by"]["state"], bound["owner"]) == ("announced", "acme")
    made = await walk("POST /v1/tags", {**why, "epc": f"{ITEM}/21/7001", "sku": SKU})
    new = await walk(
        "POST /v1/tags/{key:path}/retag", {**why, "epc": f"{ITEM}/21/7002"}, key=made["key"]
    )
    assert [event["what"] for event in new["history"]] == ["bound", "retagged", "bound"]
    pallet = {**why, "epc": SPARE, "kind": "pallet", "location": shelf}
    made = await walk("POST /v1/tags", pallet)
    await walk("POST /v1/tags/{key:path}/kill", why, key=made["key"])
    assert (await walk("GET /v1/tags/{key:path}"))["state"] == "retired"
    async with walk.site.api.open_unit(SITE) as unit:
        doubt = Suspicion(new["key"], "travel", {"from": "dock-1", "to": "dock-2"})
        await suspect_copies(unit, [doubt], {}, now=now_us(), ids=new_id)
    settled = {**why, "verdict": "genuine"}
    done = await walk("POST /v1/tags/{key:path}/settle", settled, key=new["key"])
    assert [one["verdict"] for one in done["suspicions"]] == ["genuine"]


async def _platform(walk: Walk) -> None:
    await walk("GET /healthz")
    await walk("GET /readyz")
    await walk("GET /v1/me")
    scope = {"sites": [SITE], "owners": ["acme"]}
    key = await walk("POST /v1/keys", {"name": "w", "role": "picker", **scope})
    await walk("GET /v1/keys")
    await walk("DELETE /v1/keys/{key_id}", key_id=key["id"])
    hook = {"url": "https://shop.example.com/w", "events": ["order.shipped"]}
    made = await walk("POST /v1/webhooks", hook)
    await walk("GET /v1/webhooks", webhook_id=made["id"])
    await walk("GET /v1/webhooks/{webhook_id}")
    await walk("GET /v1/webhooks/{webhook_id}/deliveries")
    await walk("POST /v1/webhooks/{webhook_id}/rotate")
    async with walk.site.api.open_unit(SITE) as unit:
        await unit.raw.execute("UPDATE webhook_endpoint SET state = 'disabled'")
    await walk("POST /v1/webhooks/{webhook_id}/enable")
    await walk("POST /v1/webhooks/{webhook_id}/replay", {"since": "2026-03-02T09:15:00Z"})
    await walk("DELETE /v1/webhooks/{webhook_id}")
    secret = (await walk("POST /v1/inbound-secrets", {"channel": "web"}))["secret"]
    order = {"external_order_id": "W-5", "channel": "web", "lines": [{"sku": SKU, "quantity": 1}]}
    body, moment = json.dumps(order), str(now_us() // 1_000_000)
    mac = hmac.new(
        base64.b64decode(secret.removeprefix("whsec_")),
        f"evt-1.{moment}.{body}".encode(),
        hashlib.sha256,
    ).digest()
    signed = {
        "webhook-id": "evt-1",
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
        "content-type": "application/json",
    }
    await walk("POST /v1/inbound/{channel}", body, headers=signed)
    await _letters(walk)
    await walk("GET /v1/holds")
    await walk("GET /v1/devices")
    await walk("GET /v1/agents")


async def _letters(walk: Walk) -> None:
    truck = build_truck(build_site(), pallets=1, cartons=1, missing=0, foreign=0)
    reading = {
        "epc": truck.pallets[0].sscc.hex, "device": "stage-r", "antenna": 1, "rssi_dbm": -50,
        "occurred_at": now_us(),
    }  # fmt: skip
    payload = json.dumps(reading).encode()
    letter = DeadLetter(
        topic=f"wh/v1/{SITE}/agents/floor-1/reads", code="E_DEVICE_UNKNOWN",
        pointer="/reads/0/device", payload=payload, digest=hashlib.sha256(payload).digest(),
        received_at=now_us(), agent="floor-1", boot=1, seq=8, index=0,
    )  # fmt: skip
    async with walk.site.api.open_unit(SITE) as unit:
        await unit.tracking.keep([letter])
    rows = (await walk("GET /v1/dead-letters"))["items"]
    good, bad = str(rows[0]["id"]), str(rows[1]["id"])
    why = {"reason": "the reader was registered"}
    await walk("GET /v1/dead-letters/{dead_letter_id}", dead_letter_id=good)
    await walk("POST /v1/dead-letters/{dead_letter_id}/redrive", why)
    await walk("POST /v1/dead-letters/{dead_letter_id}/discard", why, dead_letter_id=bad)


async def _imports(walk: Walk) -> None:
    plain = {"content-type": "text/csv"}
    await walk("POST /v1/imports/layout", dict(layout_document(build_site())))
    await walk("POST /v1/imports/items", CSV_BODIES[("POST", "/v1/imports/items")], headers=plain)
    await walk(
        "POST /v1/imports/stock",
        CSV_BODIES[("POST", "/v1/imports/stock")].replace(SKU, "A-900"),
        headers=plain,
    )
