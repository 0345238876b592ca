"""The guarded sender against a real TLS receiver: where it goes, what it refuses, what it tells."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from core.domain.addresses import Address, Reach
from core.domain.errors import Refused
from core.domain.webhooks import Attempt
from core.integrations.http import GuardedSender
from tests.builders import NOW
from tests.hooks import Answer, Names, Receiver, authority, drip, plain, receiving

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
NAME = "hooks.example.com"


@pytest.fixture(scope="module")
def cert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority(tmp_path_factory.mktemp("hooks"), NAME, "127.0.0.1")


@pytest.fixture
async def receiver(cert: Path) -> AsyncIterator[Receiver]:
    async with receiving(cert) as found:
        yield found


def _sender(cert: Path, names: Names, *, port: int, own: bool = True) -> GuardedSender:
    return GuardedSender(
        reach=Reach((LOOPBACK,) if own else (), frozenset({port})),
        resolve=names,
        now_us=lambda: NOW,
        trust=ssl.create_default_context(cafile=str(cert)),
    )


async def _send(
    sender: GuardedSender, port: int, *, host: str = NAME, timeout_s: float = 5.0
) -> Attempt:
    try:
        return await sender.send(
            f"https://{host}:{port}/in?a=1",
            body=b'{"a":1}',
            headers={"webhook-id": "1"},
            timeout_s=timeout_s,
        )
    finally:
        await sender.close()


async def test_a_call_goes_to_the_checked_address_under_the_name_of_the_url(
    cert: Path, receiver: Receiver
) -> None:
    names = Names({NAME: ["127.0.0.1"]})

    attempt = await _send(_sender(cert, names, port=receiver.port), receiver.port)

    assert attempt == Attempt(None, 204)
    (heard,) = receiver.heard
    assert heard.line == "POST /in?a=1 HTTP/1.1"
    assert heard.headers["host"] == f"{NAME}:{receiver.port}"
    assert heard.headers["webhook-id"] == "1"
    assert heard.headers["content-type"] == "application/json"
    assert heard.body == b'{"a":1}'


async def test_a_name_that_turned_to_loopback_is_blocked_when_sent(
    cert: Path, receiver: Receiver
) -> None:
    names = Names({NAME: ["93.184.216.34"]})
    sender = _sender(cert, names, port=receiver.port, own=False)
    await sender.check(f"https://{NAME}:{receiver.port}/")
    names.known[NAME] = ["127.0.0.1"]

    attempt = await _send(sender, receiver.port)

    assert attempt == Attempt("ssrf-blocked")
    assert receiver.connections == 0


@pytest.mark.parametrize(
    "addresses",
    [
        "93.184.216.34 10.0.0.1",
        *("100.64.0.1", "224.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::ffff:127.0.0.1"),
        *("fe80::1", "169.254.169.254", ""),
    ],
)
async def test_a_name_with_any_address_that_is_not_public_is_forbidden(
    cert: Path, addresses: str
) -> None:
    sender = _sender(cert, Names({NAME: addresses.split()}), port=443, own=False)

    with pytest.raises(Refused) as refusal:
        await sender.check(f"https://{NAME}/")

    await sender.close()
    assert refusal.value.code == "webhook-url-forbidden"


async def test_a_redirect_is_not_followed(cert: Path, receiver: Receiver) -> None:
    receiver.answer = plain(302, headers=["location: http://127.0.0.1/"])
    sender = _sender(cert, Names({NAME: ["127.0.0.1"]}), port=receiver.port)

    attempt = await _send(sender, receiver.port)

    assert attempt == Attempt("redirect-refused", 302)
    assert receiver.connections == 1


@pytest.mark.parametrize(
    ("answer", "attempt"),
    [
        (plain(200, body=b"x" * 65_536), Attempt(None, 200)),
        (plain(200, body=b"x" * 65_537), Attempt("response-too-large", 200)),
        (plain(410), Attempt("gone", 410)),
        (plain(500), Attempt("status", 500)),
        (plain(429, headers=["retry-after: 120"]), Attempt("status", 429, 120_000_000)),
        (
            plain(503, headers=["retry-after: Wed, 18 Nov 2026 11:07:40 GMT"]),
            Attempt("status", 503, 60_000_000),
        ),
        (plain(503, headers=["retry-after: soon"]), Attempt("status", 503)),
    ],
)
async def test_an_answer_is_judged_by_status_and_size(
    cert: Path, receiver: Receiver, answer: Answer, attempt: Attempt
) -> None:
    receiver.answer = answer
    sender = _sender(cert, Names({NAME: ["127.0.0.1"]}), port=receiver.port)

    assert await _send(sender, receiver.port) == attempt


async def test_a_dripping_receiver_is_cut_off_at_its_time(cert: Path, receiver: Receiver) -> None:
    receiver.answer = drip
    sender = _sender(cert, Names({NAME: ["127.0.0.1"]}), port=receiver.port)

    began = time.monotonic()
    attempt = await _send(sender, receiver.port, timeout_s=0.3)

    assert attempt == Attempt("timeout")
    assert time.monotonic() - began < 1.5


async def test_a_certificate_for_another_name_is_no_certificate(
    cert: Path, receiver: Receiver
) -> None:
    other = "other.example.com"
    sender = _sender(cert, Names({other: ["127.0.0.1"]}), port=receiver.port)

    assert await _send(sender, receiver.port, host=other) == Attempt("tls")
    assert receiver.heard == []


async def test_an_unknown_authority_is_refused(
    cert: Path, receiver: Receiver, tmp_path: Path
) -> None:
    elsewhere = authority(tmp_path, NAME)
    sender = _sender(elsewhere, Names({NAME: ["127.0.0.1"]}), port=receiver.port)

    assert await _send(sender, receiver.port) == Attempt("tls")


async def test_a_closed_port_is_unreachable(cert: Path) -> None:
    async with receiving(cert) as gone:
        port = gone.port

    sender = _sender(cert, Names({NAME: ["127.0.0.1"]}), port=port)

    assert await _send(sender, port) == Attempt("unreachable")


async def test_the_next_address_is_tried_when_the_first_does_not_answer(
    cert: Path, receiver: Receiver
) -> None:
    names = Names({NAME: ["127.0.0.2", "127.0.0.1"]})

    attempt = await _send(_sender(cert, names, port=receiver.port), receiver.port)

    assert attempt == Attempt(None, 204)


async def test_an_address_of_an_own_network_may_be_named_directly(
    cert: Path, receiver: Receiver
) -> None:
    sender = _sender(cert, Names(), port=receiver.port)

    assert await _send(sender, receiver.port, host="127.0.0.1") == Attempt(None, 204)


async def test_a_name_that_cannot_be_looked_up_in_time_is_forbidden(cert: Path) -> None:
    async def hangs(host: str, port: int) -> Sequence[Address]:
        await asyncio.Event().wait()
        return []

    sender = GuardedSender(reach=Reach(), resolve=hangs, now_us=lambda: NOW)
    began = time.monotonic()
    with pytest.raises(Refused) as refusal:
        await sender.check(f"https://{NAME}/")

    await sender.close()
    assert refusal.value.code == "webhook-url-forbidden"
    assert time.monotonic() - began < 0.5


async def test_another_address_than_the_own_networks_stays_forbidden(cert: Path) -> None:
    sender = _sender(cert, Names(), port=443)

    with pytest.raises(Refused) as refusal:
        await sender.check("https://10.0.0.1/")

    await sender.close()
    assert refusal.value.code == "webhook-url-forbidden"
