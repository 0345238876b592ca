"""Every webhook row of the shared bad inputs gives its code: endpoint, delivery, inbound."""

from __future__ import annotations

import ipaddress
import json
import ssl
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.api.fields import instant_text
from core.application.relay import relay
from core.application.webhooks import WebhookSink, add_endpoint
from core.db.uow import PgUnitOfWorkFactory, build_engine
from core.domain.addresses import Reach
from core.domain.webhooks import SECOND_US
from core.integrations.http import GuardedSender
from core.integrations.webhooks import WebhookPump
from runtime.clock import new_id, now_us
from tests.apis import SITE, Api, open_api
from tests.builders import NOW, a_warehouse
from tests.hooks import Names, Receiver, authority, plain, receiving
from tests.services import require_examples

NAME = "hooks.example.com"
PUBLIC = "93.184.216.34"


@cache
def _cases() -> dict[str, dict[str, Any]]:
    path = require_examples() / "bad-inputs.jsonl"
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return {row["id"]: row for row in rows if row["iface"] == "webhook"}


def _sender(names: Names, *, reach: Reach | None = None, cert: Path | None = None) -> GuardedSender:
    trust = ssl.create_default_context(cafile=str(cert)) if cert else None
    return GuardedSender(reach=reach or Reach(), resolve=names, now_us=now_us, trust=trust)


async def _endpoints(api: Api) -> int:
    async with api.open_unit(SITE) as uow:
        return len(await uow.webhooks.endpoints(None))


async def test_each_bad_endpoint_is_refused_with_its_code(database_url: str) -> None:
    cases = [case for case in _cases().values() if "input" in case]
    names = Names({NAME: [PUBLIC]})
    async with open_api(database_url, extras={"webhook_sender": _sender(names)}) as api:
        client = await api.client("integrator", owners=("acme",))
        for case in cases:
            answer = await client.post(
                "/v1/webhooks",
                content=case["input"].encode(),
                headers={"content-type": "application/json"},
            )
            assert (case["id"], answer.status_code) == (case["id"], case["expect"])
            told = answer.json()
            assert (case["id"], told["code"]) == (case["id"], case["code"])
            if "field_code" in case:
                found = [(e["pointer"], e["code"]) for e in told["errors"]]
                assert found == [(case["pointer"], case["field_code"])]
            assert "127.0.0.1" not in answer.text

        assert len(cases) == 8
        assert await _endpoints(api) == 0


async def test_a_name_with_one_private_address_is_refused(database_url: str) -> None:
    case = _cases()["webhook-071"]
    names = Names({NAME: [PUBLIC, "10.0.0.1"]})
    async with open_api(database_url, extras={"webhook_sender": _sender(names)}) as api:
        client = await api.client("integrator", owners=("acme",))
        body = {"url": f"https://{NAME}/a", "events": ["order.shipped"]}

        answer = await client.post("/v1/webhooks", json=body)

        assert (answer.status_code, answer.json()["code"]) == (case["expect"], case["code"])
        assert await _endpoints(api) == 0


class Delivery:
    """One event on its way to one endpoint, with a clock that tests turn."""

    def __init__(self, factory: PgUnitOfWorkFactory, sender: GuardedSender) -> None:
        self.open_unit = factory
        self.now = NOW
        self.pump = WebhookPump(
            site=SITE, open_unit=factory, sender=sender, clock=lambda: self.now, ids=new_id
        )

    async def start(self, port: int) -> None:
        """Make the endpoint and the event, and relay it."""
        async with self.open_unit(SITE) as uow:
            endpoint = await add_endpoint(
                uow,
                owner="acme",
                url=f"https://{NAME}:{port}/",
                events=["order.shipped"],
                timeout_s=5,
                now=self.now,
                ids=new_id,
                token=lambda n: bytes(n),
            )
            self.endpoint_id = endpoint.endpoint_id
            await uow.emit(
                "order.shipped", aggregate="order:1", owner="acme", payload={}, occurred_at=NOW
            )
        sink = WebhookSink(new_id, lambda us: instant_text(us) or "")
        async with self.open_unit(SITE) as uow:
            await relay(uow, sink, now=self.now, limit=10)

    async def attempt(self) -> tuple[str, str | None]:
        """Try what is due; (state, last outcome)."""
        await self.pump.step(self.now)
        await self.pump.settle()
        async with self.open_unit(SITE) as uow:
            (row,) = await uow.webhooks.deliveries(
                self.endpoint_id, state=None, after=None, limit=2
            )
        return row["state"], row["last_outcome"]


@pytest.fixture(scope="module")
def cert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority(tmp_path_factory.mktemp("hooks"), NAME)


async def _delivery(
    stack: AsyncExitStack, database_url: str, cert: Path, *, own: bool
) -> tuple[Delivery, Receiver, Names]:
    receiver = await stack.enter_async_context(receiving(cert))
    networks = (ipaddress.ip_network("127.0.0.0/8"),) if own else ()
    names = Names({NAME: ["127.0.0.1"]})
    sender = _sender(names, reach=Reach(networks, frozenset({receiver.port})), cert=cert)
    stack.push_async_callback(sender.close)
    engine = build_engine(database_url)
    stack.push_async_callback(engine.dispose)
    delivery = Delivery(PgUnitOfWorkFactory(engine), sender)
    await delivery.start(receiver.port)
    return delivery, receiver, names


async def test_a_rebound_name_is_blocked_at_connect(database_url: str, cert: Path) -> None:
    case = _cases()["webhook-072"]
    async with AsyncExitStack() as stack:
        delivery, receiver, _ = await _delivery(stack, database_url, cert, own=False)

        assert await delivery.attempt() == ("due", case["code"])
        assert receiver.connections == 0


async def test_a_redirect_fails_the_attempt(database_url: str, cert: Path) -> None:
    case = _cases()["webhook-073"]
    async with AsyncExitStack() as stack:
        delivery, receiver, _ = await _delivery(stack, database_url, cert, own=True)
        receiver.answer = plain(302, headers=["location: http://127.0.0.1/"])

        assert await delivery.attempt() == ("due", case["code"])
        assert receiver.connections == 1


async def test_gone_disables_the_endpoint(database_url: str, cert: Path) -> None:
    case = _cases()["webhook-076"]
    async with AsyncExitStack() as stack:
        delivery, receiver, _ = await _delivery(stack, database_url, cert, own=True)
        receiver.answer = plain(410)

        assert await delivery.attempt() == ("due", case["code"])
        async with delivery.open_unit(SITE) as uow:
            endpoint = await uow.webhooks.endpoint(delivery.endpoint_id, None)
        assert (endpoint.state, endpoint.state_reason) == ("disabled", case["code"])


async def test_76_hours_of_failure_end_as_a_dead_letter(database_url: str, cert: Path) -> None:
    case = _cases()["webhook-078"]
    async with AsyncExitStack() as stack:
        delivery, receiver, _ = await _delivery(stack, database_url, cert, own=True)
        receiver.answer = plain(500)
        state = await delivery.attempt()
        for _ in range(76 * 12):
            delivery.now += 300 * SECOND_US
            state = await delivery.attempt()

        assert state == ("dead", case["code"])
        assert len(receiver.heard) == 10


async def test_an_unsigned_or_late_call_is_refused(database_url: str) -> None:
    body = json.dumps(
        {"external_order_id": "H-1", "channel": "web", "lines": [{"sku": "SKU-1", "quantity": 1}]}
    )
    async with open_api(database_url) as api:
        async with api.open_unit(SITE) as uow:
            await a_warehouse(uow)
        manager = await api.client("manager", owners=("acme",))
        await manager.post("/v1/inbound-secrets", json={"channel": "web"})
        for name, age_s in (("webhook-084", 0), ("webhook-087", 301)):
            case = _cases()[name]
            headers = {
                "content-type": "application/json",
                "webhook-id": "evt-1",
                "webhook-timestamp": str(now_us() // SECOND_US - age_s),
            }
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(api.app), base_url="http://127.0.0.1"
            ) as client:
                answer = await client.post("/v1/inbound/web", content=body, headers=headers)

            assert (answer.status_code, answer.json()["code"]) == (case["expect"], case["code"])
        listed = await manager.get("/v1/orders")
        assert listed.json()["items"] == []


def test_every_webhook_row_is_asked_here() -> None:
    asked = {"webhook-071", "webhook-072", "webhook-073", "webhook-076", "webhook-078"}
    asked |= {"webhook-084", "webhook-087"}
    asked |= {name for name, case in _cases().items() if "input" in case}
    assert asked == set(_cases())
