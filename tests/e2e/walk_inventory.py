"""The walk's way through items, locations, lots, counts, corrections and agents' configuration."""

from __future__ import annotations

from typing import Any

from runtime.clock import new_id
from simulators.catalog import OWNER
from tests.apis import SITE
from tests.seeded import SKU

WHY = {"reason": "a walk"}
CONFIG = '[[edge.device]]\nname = "{0}"\ndriver = "llrp"\nhost = "10.0.0.1"\n'


async def walk_inventory(walk: Any) -> None:
    """Every operation of these areas, once."""
    await _master(walk)
    await _lots(walk)
    await _counts(walk)
    await _corrections(walk)
    await _configuration(walk)


async def _by_lead(walk: Any, path: str, body: Any) -> Any:
    """What a first person did, so that the walk is the second."""
    async with await walk.site.api.client("lead", owners=(OWNER,)) as lead:
        answer = await lead.post(path, json=body, headers={"Idempotency-Key": str(new_id())})
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


async def _master(walk: Any) -> None:
    await walk("GET /v1/items", query="?text=a-1")
    await walk("GET /v1/items/{sku}", sku=SKU)
    body = {"weight_g": 850, "standard_cost": 1490, "currency": "EUR"}
    await walk("PATCH /v1/items/{sku}", body, headers={"If-Match": "*"})
    assert len((await walk("GET /v1/locations", query="?limit=5"))["items"]) == 5
    await walk("GET /v1/locations/{code}")
    await walk("POST /v1/locations/{code}/lock", WHY)
    await walk("POST /v1/locations/{code}/unlock", {})


async def _lots(walk: Any) -> None:
    async with walk.site.api.open_unit(SITE) as unit:
        lot = await unit.raw.fetchval(
            "INSERT INTO lot (item_id, code) SELECT item_id, 'L1' FROM item"
            " WHERE owner_id = $1 AND sku = $2 RETURNING lot_id",
            OWNER,
            SKU,
        )
    assert (await walk("GET /v1/lots", query="?lot=L1"))["items"][0]["id"] == lot
    await walk("GET /v1/lots/{lot_id}", lot_id=str(lot))
    await walk("GET /v1/lots/{lot_id}/trace")
    await walk("POST /v1/lots/{lot_id}/recall", WHY)
    await walk("POST /v1/lots/{lot_id}/release", WHY)


async def _counts(walk: Any) -> None:
    shelf = walk.site.ids["code"]
    (opened,) = (await walk("POST /v1/counts", {"locations": [shelf]}))["opened"]
    taken = await walk("POST /v1/counts/next", {"worker": "ann"})
    nothing = {"worker": "ann", "lines": []}
    done = await walk("POST /v1/counts/{count_id}/submit", nothing, count_id=opened)
    assert (taken["location"], done["result"]) == (shelf, "recount")
    await _by_lead(walk, "/v1/counts/next", {"worker": "bob"})
    path = f"/v1/counts/{opened}"
    assert (await _by_lead(walk, f"{path}/submit", {"worker": "bob"}))["result"] == "approval"
    await walk("GET /v1/counts", query="?state=counted")
    assert (await walk("GET /v1/counts/{count_id}"))["lines"]
    await walk("POST /v1/counts/{count_id}/recount")
    await _by_lead(walk, "/v1/counts/next", {"worker": "cid"})
    await _by_lead(walk, f"{path}/submit", {"worker": "cid"})
    assert (await walk("POST /v1/counts/{count_id}/reconcile"))["state"] == "reconciled"
    (due,) = (await walk("POST /v1/counts/plan", {"limit": 1}))["opened"]
    await walk("POST /v1/counts/{count_id}/cancel", count_id=due)
    assert await walk("POST /v1/counts/next", {"worker": "ann"}) is None


async def _corrections(walk: Any) -> None:
    rule = {"id": SITE, "name": "Demo warehouse", "adjustments": {"limit_units": 1}}
    await walk("POST /v1/imports/layout", {"site": rule})
    stock = (await walk("GET /v1/stock", query=f"?sku={SKU}"))["items"]
    shelf = next(row for row in stock if row["available"] >= 2 and row["handling_unit"] is None)
    body = {"sku": SKU, "location": shelf["location"], "delta": 2, "reason": "found"}
    made = [(await _by_lead(walk, "/v1/adjustments", body))["id"] for _ in range(2)]
    await walk("GET /v1/adjustments", query="?state=proposed")
    await walk("GET /v1/adjustments/{adjustment_id}", adjustment_id=made[0])
    await walk("POST /v1/adjustments/{adjustment_id}/approve")
    await walk("POST /v1/adjustments/{adjustment_id}/refuse", WHY, adjustment_id=made[1])
    change = {"sku": SKU, "location": shelf["location"], "quantity": 1, "reason": "quality"}
    await walk(
        "POST /v1/status-changes", {**change, "from_status": "available", "to_status": "quality"}
    )


async def _configuration(walk: Any) -> None:
    async with walk.site.api.open_unit(SITE) as unit:
        row = await unit.raw.fetchrow(
            "SELECT agent, min(device) AS device FROM device WHERE site_id = $1 GROUP BY agent"
            " HAVING count(*) = 1 ORDER BY agent LIMIT 1",
            SITE,
        )
    document = {"document": CONFIG.format(row["device"])}
    await walk("GET /v1/agents/{agent}/config", agent=row["agent"])
    await walk("PUT /v1/agents/{agent}/config", document, headers={"If-Match": "*"})
    other = {"document": CONFIG.format(row["device"]).replace("0.1", "0.2")}
    await walk("PUT /v1/agents/{agent}/config", other, headers={"If-Match": "*"})
    assert len((await walk("GET /v1/agents/{agent}/config/history"))["items"]) == 2
    await walk("POST /v1/agents/{agent}/config/rollback", {}, headers={"If-Match": "*"})
