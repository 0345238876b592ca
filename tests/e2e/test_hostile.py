"""Hostile requests on many routes over a real socket: the stated code, soon, short, no effect."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from core.api.errors import PROBLEM, STATUS
from runtime.roles.api import server_of
from tests.e2e.hostile import CASES, NO_FILE, SECRET, Case, bad
from tests.seeded import Seeded, seeded
from tests.sockets import json_of, request_bytes, serving, status_of

# A refusal has no effect, so one that took too long may be asked for again: work that is slow by
# itself is slow each time, a busy machine is not.
FAST_S, TRIES, SMALL = 0.5, 3, 64 * 1024


@dataclass
class Door:
    """The served site and how to send to it."""

    site: Seeded
    port: int
    key: str
    sent: int = 0

    async def answer(self, case: Case) -> tuple[bytes, float]:
        """The whole answer and the seconds it took."""
        method, _, path = case.request.partition(" ")
        self.sent += 1
        fields = {"Idempotency-Key": f"h{self.sent}"}
        if case.keyed:
            fields["Authorization"] = f"Bearer {self.key}"
        raw = request_bytes(
            self.site.path(path) if _named(path) else path,
            case.body,
            {
                **fields,
                **{k: v for k, v in case.headers if k[0].isupper() and k not in _twice(case)},
            },
            method=method,
        )
        extra = [(k, v) for k, v in case.headers if k[0].islower() or k in _twice(case)]
        head, rest = raw.split(b"\r\n", 1)
        lines = b"".join(f"{k}: {v}\r\n".encode("latin-1") for k, v in extra)
        began = time.monotonic()
        got = await asyncio.wait_for(self._exchange(head + b"\r\n" + lines + rest), 30)
        return got, time.monotonic() - began

    async def _exchange(self, request: bytes) -> bytes:
        """What came back, also when the server hangs up before it has read everything."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        got = b""
        try:
            writer.write(request)
            while part := await reader.read(65536):
                got += part
        except ConnectionResetError:
            return got
        finally:
            writer.transport.abort()
        return got

    async def book(self) -> tuple[Any, ...]:
        """What no refusal may change."""
        async with self.site.api.open_unit("demo") as unit:
            row = await unit.raw.fetchrow(
                "SELECT (SELECT count(*) FROM move) AS moves, (SELECT count(*) FROM customer_order)"
                " AS orders, (SELECT sum(version) FROM fulfilment) AS versions,"
                " (SELECT count(*) FROM task) AS tasks, (SELECT count(*) FROM outbox) AS outbox,"
                " (SELECT count(*) FROM door_visit) AS visits, (SELECT count(*) FROM location),"
                " (SELECT string_agg(mode, ',') FROM portal_mode) AS modes,"
                " (SELECT count(*) FROM handling_unit) AS units"
            )
        return tuple(row or ())


def _named(path: str) -> bool:
    return "_id}" in path or "{portal}" in path


def _twice(case: Case) -> set[str]:
    """Headers that the case sends beside the usual one."""
    return {"Authorization"} if case.name == "two keys" else set()


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    async with seeded(database_url) as site:
        key = await site.api.key("manager", owners=("acme",))
        async with serving(server_of(site.api.app)) as port:
            yield Door(site, port, key)


async def test_every_hostile_request_gets_its_code_soon_short_and_without_effect(
    door: Door,
) -> None:
    assert len(CASES) >= 100
    assert len({case.name for case in CASES}) == len(CASES)
    before, failures = await door.book(), []
    for case in CASES:
        answer, seconds = await door.answer(case)
        for _ in range(TRIES - 1):
            if seconds > FAST_S:
                answer, seconds = await door.answer(case)
        failures += [f"{case.name}: {text}" for text in _faults(case, answer, seconds)]

    assert not failures, "\n".join(failures)
    assert await door.book() == before


def _faults(case: Case, answer: bytes, seconds: float) -> list[str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    if not answer:
        return ["no answer"]
    faults = [f"took {seconds:.2f} s"] if seconds > FAST_S else []
    faults += [f"{len(answer)} bytes"] if len(answer) > SMALL else []
    faults += ["echoed"] if SECRET.encode() in answer else []
    if case.code == NO_FILE:
        leaked = b"import " in body or b"root:" in body
        return [*faults, "leaked"] if leaked or status_of(answer) != 404 else faults
    if f"content-type: {PROBLEM}".encode() not in head.lower():
        return [*faults, f"no problem but {head[:200]!r} {body[:100]!r}"]
    problem = json_of(answer)
    if (problem["code"], status_of(answer)) != (case.code, STATUS[case.code]):
        return [*faults, f"{status_of(answer)} {problem['code']} {problem.get('errors')}"]
    if case.field is not None:
        found = [(error["pointer"], error["code"]) for error in problem["errors"]]
        faults += [] if case.field in found else [f"{found}"]
    return faults


async def test_head_answers_as_get_without_a_body(door: Door) -> None:
    answer, _ = await door.answer(bad("head", "HEAD /v1/orders", ""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert (status_of(answer), body) == (405, b"")
    assert b"allow: get, post" in head.lower()


async def test_a_header_without_end_is_cut_off(door: Door) -> None:
    case = bad("endless", "GET /v1/orders", "", headers={"X-A": "x" * 200_000})
    answer, seconds = min([await door.answer(case) for _ in range(TRIES)], key=lambda got: got[1])
    assert status_of(answer) in (431, 0)
    assert len(answer) < SMALL
    assert seconds < FAST_S
