"""Generated requests on every operation: no fault of the server, every refusal a known problem.

DOCKLEDGER_SOAK=1 sends 200 to each operation instead of a few.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import load_all_checks
from schemathesis.core import NOT_SET
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode

from core.api.errors import PROBLEM, STATUS
from core.api.examples import BODIES
from core.application.verify import verify
from runtime.clock import now_us
from runtime.roles.api import server_of
from tests.apis import SITE
from tests.seeded import SKU, TOTES, seeded
from tests.sockets import serving

SOAK = os.environ.get("DOCKLEDGER_SOAK") == "1"
EXAMPLES = 200 if SOAK else 4
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
ENDLESS = "/v1/map/stream"
# Members and parameters whose generated value is now and then replaced by one that the site knows.
KNOWN: dict[str, Any] = {
    "sku": SKU, "item": SKU, "owner": "acme", "site": SITE, "portal": "dock-1", "channel": "web",
    "location": "A-01-01-2", "to": "A-01-02-2", "from": "A-01-01-2", "station": "PACK-1",
    "tote": TOTES[3], "key": TOTES[4], "q": SKU, "limit": 3,
}  # fmt: skip
QUERY = {**KNOWN, "limit": "3"}


@dataclass
class Target:
    """A served site: where, with which key, what it knows, and what its ledger check finds."""

    url: str
    key: str
    ids: dict[str, str]
    drift: Callable[[], list[str]]


@pytest.fixture
def target(database_url: str) -> Iterator[Target]:
    """The site on its own thread and loop, since generated tests are not async."""
    ready: Future[tuple[Target, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        async with seeded(database_url) as site:
            key = await site.api.key("manager", owners=("acme",))

            async def check() -> list[str]:
                async with site.api.open_unit(SITE) as unit:
                    return [found.invariant for found in await verify(unit, clock=now_us)]

            def drift() -> list[str]:
                return asyncio.run_coroutine_threadsafe(check(), loop).result(60)

            async with serving(server_of(site.api.app)) as port:
                made = Target(f"http://127.0.0.1:{port}", key, site.ids, drift)
                ready.set_result((made, loop, stop))
                await stop.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except Exception as error:
            if ready.done():
                raise
            ready.set_exception(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    made, loop, stop = ready.result(60)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)


@dataclass
class Heard:
    """What all answers came to."""

    answers: Counter[int] = field(default_factory=Counter)
    good: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0
    sent: int = 0
    session: requests.Session = field(default_factory=requests.Session)


def test_generated_requests_end_in_documented_answers(target: Target) -> None:
    load_all_checks()
    document = schemathesis.openapi.from_url(f"{target.url}/v1/openapi.json")
    results: list[Any] = list(document.get_all_operations())
    operations = [found.ok() for found in results]
    heard = Heard()
    for operation in sorted(operations, key=lambda one: one.method.upper() == "DELETE"):
        if operation.path != ENDLESS:
            _fuzz(operation, target, heard)

    never = sorted({o.label for o in operations} - heard.good - {f"GET {ENDLESS}"})
    sys.stdout.write(
        f"\n{heard.sent} requests, slowest {heard.slowest:.3f} s, {dict(heard.answers)}"
        f"\nnever 2xx here: {', '.join(never) or 'none'}\n"
    )
    assert not heard.faults, "\n".join(heard.faults[:40])
    assert heard.sent >= len(operations) * EXAMPLES // 2
    assert len(heard.good) >= 60
    assert target.drift() == []


def _fuzz(operation: Any, target: Target, heard: Heard) -> None:
    """Well-formed and malformed requests, some steered to what the site knows; example first."""
    takes = operation.body or operation.path_parameters or operation.query
    strategy = operation.as_strategy()
    if takes:
        strategy |= operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    @settings(
        max_examples=EXAMPLES if takes else 1,
        deadline=None,
        database=None,
        derandomize=not SOAK,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy, seed=st.integers(0, 1 << 16))
    def ask(case: Any, seed: int) -> None:
        _steer(case, random.Random(seed), target)
        _send(case, target, heard)

    example = operation.Case(body=BODIES.get((operation.method.upper(), operation.path), NOT_SET))
    example.path_parameters = {}
    _steer(example, None, target)
    example.media_type = "application/json"
    _send(example, target, heard)
    ask()


def _steer(case: Any, rng: random.Random | None, target: Target) -> None:
    """Put known ids and words in place of some of the generated ones; of all without `rng`."""

    def now() -> bool:
        return rng is None or rng.random() < 0.6

    names = re.findall(r"\{(\w+)\}", case.path)
    ids = dict(target.ids)
    if case.path.startswith("/v1/pick-tasks/"):
        ids["task_id"] = ids["pick_task_id"]
    for name in names:
        if rng is None or now():
            case.path_parameters[name] = ids[name]
    if isinstance(case.query, dict):
        for name in case.query:
            if name in QUERY and now():
                case.query[name] = QUERY[name]
    if isinstance(case.body, dict | list):
        case.body = _known(case.body, now)


def _known(value: Any, now: Callable[[], bool]) -> Any:
    if isinstance(value, list):
        return [_known(entry, now) for entry in value]
    if not isinstance(value, dict):
        return value
    return {
        name: KNOWN[name] if name in KNOWN and now() else _known(entry, now)
        for name, entry in value.items()
    }


def _send(case: Any, target: Target, heard: Heard) -> None:
    heard.sent += 1
    headers = {
        "Authorization": f"Bearer {target.key}",
        "Idempotency-Key": f"fuzz-{heard.sent}",
        "If-Match": "*",
    }
    case.headers = {}
    began = time.monotonic()
    asked = case.as_transport_kwargs(base_url=target.url)
    asked["headers"].update(headers)
    answer = heard.session.request(**asked, timeout=20, allow_redirects=False)
    heard.slowest = max(heard.slowest, time.monotonic() - began)
    heard.answers[answer.status_code] += 1
    if answer.status_code < 300:
        heard.good.add(case.operation.label)
    checks = schemathesis.checks.CHECKS.get_by_names(list(CHECKS))
    try:
        case.validate_response(answer, checks=checks)
    except FailureGroup as group:
        heard.faults += [f"{case.operation.label}: {f}"[:600] for f in group.exceptions]
    if answer.status_code >= 400:
        _problem(case, answer, heard)


def _problem(case: Any, answer: Any, heard: Heard) -> None:
    kind = answer.headers.get("content-type")
    told = json.loads(answer.content or b"{}") if kind == PROBLEM else {}
    code = str(told.get("code"))
    if STATUS.get(code) != answer.status_code or len(answer.content) > 64 * 1024:
        heard.faults.append(f"{case.operation.label}: {answer.status_code} {kind} {code}")
