"""Webhook routes: the secret is shown once, owners are apart, orders may come in by signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from core.application.verify import verify
from core.domain.addresses import Reach
from core.integrations.http import GuardedSender
from runtime.clock import now_us
from tests.apis import SITE, Api, open_api
from tests.builders import a_warehouse, stock_up
from tests.hooks import Names

HOOK = {"url": "https://hooks.example.com/a", "events": ["order.shipped", "stock.low"]}
ORDER = {"external_order_id": "H-1", "channel": "web", "lines": [{"sku": "SKU-1", "quantity": 2}]}


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    names = Names({"hooks.example.com": ["93.184.216.34"]})
    sender = GuardedSender(reach=Reach(), resolve=names, now_us=now_us)
    async with open_api(database_url, extras={"webhook_sender": sender}) as found:
        async with found.open_unit(SITE) as uow:
            await stock_up(uow, await a_warehouse(uow), 10)
        yield found
    await sender.close()


async def test_the_secret_is_shown_when_made_and_when_rotated_and_never_read(api: Api) -> None:
    client = await api.client("integrator", owners=("acme",))

    made = await client.post("/v1/webhooks", json=HOOK)
    one = await client.get(f"/v1/webhooks/{made.json()['id']}")
    listed = await client.get("/v1/webhooks")
    rotated = await client.post(f"/v1/webhooks/{made.json()['id']}/rotate")

    assert made.status_code == 201
    secrets = [made.json().pop("secret"), rotated.json()["secret"]]
    assert all(s.startswith("whsec_") and len(base64.b64decode(s[6:])) == 32 for s in secrets)
    assert secrets[0] != secrets[1]
    assert (one.json()["owner"], one.json()["timeout_s"]) == ("acme", 5)
    assert listed.json()["items"] == [one.json()]
    assert "secret" not in one.json()


async def test_another_owner_sees_and_changes_nothing(api: Api) -> None:
    client = await api.client("integrator", owners=("acme",))
    made = (await client.post("/v1/webhooks", json=HOOK)).json()["id"]
    other = await api.client("integrator", owners=("other",))

    answers = [
        await other.get(f"/v1/webhooks/{made}"),
        await other.get(f"/v1/webhooks/{made}/deliveries"),
        await other.post(f"/v1/webhooks/{made}/rotate"),
        await other.post(f"/v1/webhooks/{made}/enable"),
        await other.post(f"/v1/webhooks/{made}/replay", json={"since": "2026-01-01T00:00:00Z"}),
        await other.delete(f"/v1/webhooks/{made}"),
    ]

    assert [a.status_code for a in answers] == [404] * 6
    assert (await other.get("/v1/webhooks")).json()["items"] == []
    assert (await client.get(f"/v1/webhooks/{made}")).status_code == 200
    assert (await client.delete(f"/v1/webhooks/{made}")).status_code == 204
    assert (await client.get(f"/v1/webhooks/{made}")).status_code == 404


async def test_an_owner_has_at_most_a_hundred(api: Api) -> None:
    client = await api.client("integrator", owners=("acme",))
    for _ in range(100):
        assert (await client.post("/v1/webhooks", json=HOOK)).status_code == 201

    answer = await client.post("/v1/webhooks", json=HOOK)
    page = await client.get("/v1/webhooks?limit=60")
    rest = await client.get(f"/v1/webhooks?limit=60&cursor={page.json()['next_cursor']}")

    assert (answer.status_code, answer.json()["code"]) == (409, "quota")
    ids = [row["id"] for row in (*page.json()["items"], *rest.json()["items"])]
    assert len(set(ids)) == 100
    assert rest.json()["next_cursor"] is None


async def test_an_active_webhook_cannot_be_enabled(api: Api) -> None:
    client = await api.client("manager")
    made = await client.post("/v1/webhooks?owner=acme", json=HOOK)

    answer = await client.post(f"/v1/webhooks/{made.json()['id']}/enable")

    assert (answer.status_code, answer.json()["code"]) == (409, "state-conflict")


def _signed(secret: str, body: bytes, *, webhook_id: str = "evt-1") -> dict[str, str]:
    at = now_us() // 1_000_000
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{webhook_id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


async def _call(
    api: Api, secret: str, document: object, *, webhook_id: str = "evt-1", sent: bytes | None = None
) -> httpx.Response:
    body = json.dumps(document).encode()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(api.app), base_url="http://127.0.0.1"
    ) as client:
        headers = _signed(secret, body, webhook_id=webhook_id)
        return await client.post("/v1/inbound/web", content=sent or body, headers=headers)


async def _secret(api: Api) -> str:
    manager = await api.client("manager")
    made = await manager.post("/v1/inbound-secrets?owner=acme", json={"channel": "web"})
    assert made.status_code == 201
    return str(made.json()["secret"])


async def test_a_signed_order_counts_once(api: Api) -> None:
    secret = await _secret(api)

    first = await _call(api, secret, ORDER)
    again = await _call(api, secret, ORDER)
    renamed = await _call(api, secret, ORDER, webhook_id="evt-2")

    assert (first.status_code, first.json()["status"]) == (201, "promised")
    assert (again.status_code, again.json()) == (200, {"status": "duplicate"})
    assert (renamed.status_code, renamed.json()["id"]) == (200, first.json()["id"])
    async with api.open_unit(SITE) as uow:
        assert await verify(uow, clock=now_us) == []


async def test_a_changed_body_a_wrong_secret_and_an_unknown_channel_are_refused(api: Api) -> None:
    secret = await _secret(api)
    other = "whsec_" + base64.b64encode(bytes(32)).decode()
    changed = json.dumps({**ORDER, "external_order_id": "H-2"}).encode()

    answers = [await _call(api, secret, ORDER, sent=changed), await _call(api, other, ORDER)]

    assert [(a.status_code, a.json()["code"]) for a in answers] == [(401, "signature")] * 2
    manager = await api.client("manager")
    assert (await manager.get("/v1/orders")).json()["items"] == []


async def test_after_a_rotation_both_secrets_are_taken(api: Api) -> None:
    old, new = await _secret(api), await _secret(api)

    first = await _call(api, old, ORDER)
    second = await _call(api, new, {**ORDER, "external_order_id": "H-2"}, webhook_id="evt-2")

    assert (first.status_code, second.status_code) == (201, 201)


async def test_a_refused_order_leaves_its_id_free_for_the_corrected_one(api: Api) -> None:
    secret = await _secret(api)
    unknown = {**ORDER, "lines": [{"sku": "NONE", "quantity": 1}]}

    refused = await _call(api, secret, unknown)
    elsewhere = await _call(api, secret, {**ORDER, "channel": "shop"})
    taken = await _call(api, secret, ORDER)

    assert (refused.status_code, refused.json()["code"]) == (422, "sku-unknown")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (403, "forbidden")
    assert taken.status_code == 201


async def test_eleven_signatures_are_too_many(api: Api) -> None:
    body = json.dumps(ORDER).encode()
    headers = _signed(await _secret(api), body)
    headers["webhook-signature"] = " ".join([headers["webhook-signature"]] * 11)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(api.app), base_url="http://127.0.0.1"
    ) as client:
        answer = await client.post("/v1/inbound/web", content=body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad-request")
