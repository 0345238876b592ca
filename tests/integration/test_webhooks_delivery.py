"""From an event to a signed call: fan-out by owner, order per aggregate, schedule, replay."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from core.api.fields import instant_text
from core.application.relay import relay
from core.application.verify import verify
from core.application.webhooks import (
    WebhookSink,
    add_endpoint,
    enable_endpoint,
    replay_endpoint,
    rotate_secret,
)
from core.db.uow import PgUnitOfWorkFactory, build_engine
from core.domain.addresses import Target
from core.domain.webhooks import EVENTS, Attempt
from core.integrations.webhooks import WebhookPump
from tests.builders import NOW, SITE, numbered

SECOND, HOUR = 1_000_000, 3_600_000_000
SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()


@dataclass
class Sent:
    """One call as the fake sender saw it."""

    url: str
    body: bytes
    headers: dict[str, str]
    at: int


@dataclass
class Rig:
    """A database, a clock that tests turn, and a sender that answers by script."""

    open_unit: PgUnitOfWorkFactory
    now: int = NOW
    answers: dict[str, list[Attempt]] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ids = numbered()
        self.sink = WebhookSink(self.ids, lambda us: instant_text(us) or "")
        self.pump = WebhookPump(
            site=SITE, open_unit=self.open_unit, sender=self, clock=lambda: self.now, ids=self.ids
        )

    async def check(self, url: str) -> Target:
        """Every URL is good here."""
        return Target(url, 443, "/")

    async def send(
        self, url: str, *, body: bytes, headers: dict[str, str], timeout_s: float
    ) -> Attempt:
        """Note the call, give the next answer of the URL (the last one for ever)."""
        self.sent.append(Sent(url, body, headers, self.now))
        script = self.answers.get(url, [Attempt(None, 200)])
        return script.pop(0) if len(script) > 1 else script[0]

    async def endpoint(
        self, url: str = "https://a.example.com/", *, owner: str = "acme", token: int = 0
    ) -> UUID:
        """An endpoint for every event."""
        async with self.open_unit(SITE) as uow:
            made = await add_endpoint(
                uow,
                owner=owner,
                url=url,
                events=EVENTS,
                timeout_s=5,
                now=self.now,
                ids=self.ids,
                token=lambda n: bytes([token]) * n,
            )
        return made.endpoint_id

    async def tell(
        self, aggregate: str = "order:1", *, owner: str | None = "acme", sequence: int = 1
    ) -> None:
        """An event of an order."""
        async with self.open_unit(SITE) as uow:
            await uow.emit(
                "order.shipped",
                aggregate=aggregate,
                owner=owner,
                payload={"status": "shipped"},
                occurred_at=self.now,
                sequence=sequence,
            )

    async def turn(self) -> None:
        """Relay once, then try what is due."""
        async with self.open_unit(SITE) as uow:
            await relay(uow, self.sink, now=self.now, limit=100)
        await self.pump.step(self.now)
        await self.pump.settle()

    async def deliveries(self, endpoint: UUID) -> list[tuple[str, int, str | None]]:
        """(state, attempts, last outcome), oldest first."""
        async with self.open_unit(SITE) as uow:
            rows = await uow.webhooks.deliveries(endpoint, state=None, after=None, limit=500)
        return [(r["state"], r["attempts"], r["last_outcome"]) for r in reversed(rows)]

    async def alarms(self) -> list[tuple[str, str]]:
        """Open exceptions."""
        async with self.open_unit(SITE) as uow:
            rows = await uow.raw.fetch(
                "SELECT kind, subject FROM exception WHERE resolved_at IS NULL ORDER BY kind"
            )
        return [(row["kind"], row["subject"]) for row in rows]


@pytest.fixture
async def rig(database_url: str) -> AsyncIterator[Rig]:
    engine = build_engine(database_url)
    yield Rig(PgUnitOfWorkFactory(engine))
    await engine.dispose()


async def test_an_event_is_sent_once_signed_over_id_time_and_body(rig: Rig) -> None:
    endpoint = await rig.endpoint()
    await rig.tell()

    await rig.turn()
    await rig.turn()

    (sent,) = rig.sent
    assert json.loads(sent.body) == {
        "type": "order.shipped",
        "timestamp": "2026-11-18T11:06:40.000000Z",
        "site": "demo",
        "owner": "acme",
        "aggregate": "order:1",
        "sequence": 1,
        "data": {"status": "shipped"},
    }
    told = f"{sent.headers['webhook-id']}.{NOW // SECOND}.".encode() + sent.body
    mac = base64.b64encode(hmac.new(bytes(32), told, hashlib.sha256).digest()).decode()
    assert sent.headers["webhook-signature"] == f"v1,{mac}"
    assert sent.headers["webhook-timestamp"] == str(NOW // SECOND)
    assert await rig.deliveries(endpoint) == [("delivered", 1, "200")]


async def test_each_owner_hears_its_own_events_and_the_site_hears_all(rig: Rig) -> None:
    await rig.endpoint("https://acme.example.com/", owner="acme")
    await rig.endpoint("https://other.example.com/", owner="other")
    await rig.endpoint("https://site.example.com/", owner="*")
    await rig.tell("order:1", owner="acme")
    await rig.tell("device:1", owner=None)

    await rig.turn()

    heard = sorted((s.url.split("/")[2], json.loads(s.body)["aggregate"]) for s in rig.sent)
    assert heard == [
        ("acme.example.com", "order:1"),
        ("site.example.com", "device:1"),
        ("site.example.com", "order:1"),
    ]


async def test_a_later_event_waits_for_the_earlier_one_of_its_order_alone(rig: Rig) -> None:
    url = "https://a.example.com/"
    await rig.endpoint(url)
    rig.answers[url] = [Attempt("status", 500), Attempt(None, 200)]
    await rig.tell("order:1", sequence=1)
    await rig.tell("order:1", sequence=2)
    await rig.tell("order:2", sequence=1)

    await rig.turn()
    first = [(json.loads(s.body)["aggregate"], json.loads(s.body)["sequence"]) for s in rig.sent]
    rig.now += 5 * SECOND
    await rig.turn()

    assert first == [("order:1", 1), ("order:2", 1)]
    after = [(json.loads(s.body)["aggregate"], json.loads(s.body)["sequence"]) for s in rig.sent]
    assert after[2:] == [("order:1", 1), ("order:1", 2)]
    assert rig.sent[0].headers["webhook-id"] == rig.sent[2].headers["webhook-id"]


async def test_ten_tries_over_76_hours_then_it_is_dead_and_a_replay_revives_it(rig: Rig) -> None:
    url = "https://a.example.com/"
    endpoint = await rig.endpoint(url)
    rig.answers[url] = [Attempt("status", 500)]
    await rig.tell()
    await rig.turn()
    while rig.now < NOW + 77 * HOUR:
        rig.now += 60 * SECOND if rig.now < NOW + HOUR else HOUR // 2
        await rig.turn()

    assert len(rig.sent) == 10
    assert await rig.deliveries(endpoint) == [("dead", 10, "retries-exhausted")]
    assert await rig.alarms() == [("webhook.dead", str(endpoint))]

    rig.answers[url] = [Attempt(None, 200)]
    async with rig.open_unit(SITE) as uow:
        assert await replay_endpoint(uow, endpoint, owners=None, since=NOW, now=rig.now) == 1
    await rig.turn()
    assert await rig.deliveries(endpoint) == [("delivered", 1, "200")]
    assert await rig.alarms() == []


async def test_the_waits_are_those_of_the_schedule(rig: Rig) -> None:
    url = "https://a.example.com/"
    await rig.endpoint(url)
    rig.answers[url] = [Attempt("timeout")]
    await rig.tell()
    waits = [0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]

    for wait in waits:
        rig.now += wait * SECOND - 1
        await rig.turn()
        rig.now += 1
        await rig.turn()

    tried = [s.at for s in rig.sent]
    assert [b - a for a, b in itertools.pairwise(tried)] == [w * SECOND for w in waits[1:]]


async def test_retry_after_is_honoured_up_to_a_day(rig: Rig) -> None:
    url = "https://a.example.com/"
    endpoint = await rig.endpoint(url)
    rig.answers[url] = [
        Attempt("status", 503, 3600 * SECOND),
        Attempt("status", 503, 30 * 24 * HOUR),
    ]
    await rig.tell()
    await rig.turn()
    rig.now += HOUR - 1
    await rig.turn()
    assert len(rig.sent) == 1
    rig.now += 1
    await rig.turn()
    rig.now += 24 * HOUR - 1
    await rig.turn()
    assert len(rig.sent) == 2
    rig.now += 1
    await rig.turn()

    assert len(rig.sent) == 3
    assert await rig.deliveries(endpoint) == [("due", 3, "status-503")]


async def test_gone_disables_the_endpoint_and_what_waits_comes_when_it_is_enabled(
    rig: Rig,
) -> None:
    url = "https://a.example.com/"
    endpoint = await rig.endpoint(url)
    rig.answers[url] = [Attempt("gone", 410), Attempt(None, 200)]
    await rig.tell("order:1")
    await rig.turn()
    await rig.tell("order:2")
    rig.now += 48 * HOUR
    await rig.turn()

    assert len(rig.sent) == 1
    async with rig.open_unit(SITE) as uow:
        disabled = await uow.webhooks.endpoint(endpoint, None)
    assert (disabled.state, disabled.state_reason) == ("disabled", "gone")
    assert await rig.alarms() == [("webhook.disabled", str(endpoint))]

    async with rig.open_unit(SITE) as uow:
        await enable_endpoint(uow, endpoint, owners=None, now=rig.now)
    await rig.turn()
    assert await rig.deliveries(endpoint) == [("delivered", 2, "200")]
    assert await rig.alarms() == []


async def test_for_a_day_after_a_rotation_both_secrets_sign(rig: Rig) -> None:
    endpoint = await rig.endpoint(token=1)
    async with rig.open_unit(SITE) as uow:
        await rotate_secret(uow, endpoint, owners=None, now=NOW, token=lambda n: bytes([2]) * n)
    await rig.tell("order:1")
    await rig.turn()
    rig.now += 24 * HOUR + 1
    await rig.tell("order:2")
    await rig.turn()

    signatures = [s.headers["webhook-signature"].split(" ") for s in rig.sent]
    assert [len(found) for found in signatures] == [2, 1]
    for sent, key in ((rig.sent[0], 2), (rig.sent[1], 2)):
        told = f"{sent.headers['webhook-id']}.{sent.at // SECOND}.".encode() + sent.body
        mac = hmac.new(bytes([key]) * 32, told, hashlib.sha256).digest()
        assert f"v1,{base64.b64encode(mac).decode()}" in sent.headers["webhook-signature"]


async def test_a_delivery_whose_worker_died_is_tried_again_after_its_lease(rig: Rig) -> None:
    endpoint = await rig.endpoint()
    await rig.tell()
    async with rig.open_unit(SITE) as uow:
        await relay(uow, rig.sink, now=rig.now, limit=100)
    async with rig.open_unit(SITE) as uow:
        lost = await uow.webhooks.claim(endpoint, now=rig.now, lease_us=60 * SECOND)

    await rig.turn()
    assert lost is not None
    assert rig.sent == []
    rig.now += 60 * SECOND
    await rig.turn()
    assert await rig.deliveries(endpoint) == [("delivered", 1, "200")]


async def test_the_ledger_check_names_an_event_that_passed_without_its_delivery(
    rig: Rig,
) -> None:
    endpoint = await rig.endpoint()
    rig.now += 120 * SECOND
    await rig.tell()
    await rig.turn()
    async with rig.open_unit(SITE) as uow:
        assert await verify(uow, clock=lambda: rig.now) == []
        await uow.raw.execute("DELETE FROM webhook_delivery")
    async with rig.open_unit(SITE) as uow:
        (found,) = await verify(uow, clock=lambda: rig.now)

    assert found.invariant == "I7-delivery"
    assert str(endpoint) in found.subject
