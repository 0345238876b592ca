"""Two owners in one building: whatever one of them has, the other's key does not find."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from core.api.examples import BODIES
from core.api.fields import instant_text
from core.api.roles import TABLE
from runtime.clock import now_us
from simulators.catalog import OWNER
from tests.apis import SITE
from tests.seeded import Seeded, place, seeded

OTHER = "globex"
# Things of the building, not of an owner: doors, trucks, readers, pages' own.
BUILDING = (
    "/v1/portals/", "/v1/passes/", "/v1/visits/", "/v1/dead-letters/", "/v1/map/places/",
    "/v1/inbound/", "/v1/kpis/", "/v1/inbox/", "/v1/agents/", "/v1/counts/", "/v1/locations/",
)  # fmt: skip
SHARED_LISTS = {
    "/v1/visits",
    "/v1/passes",
    "/v1/dead-letters",
    "/v1/inbox",
    "/v1/portals",
    "/v1/openapi.json",
}
STREAM = "/v1/map/stream"


@dataclass
class Two:
    """The seeded site of one owner, and the other owner's keys."""

    site: Seeded
    manager: httpx.AsyncClient
    seller: httpx.AsyncClient

    async def acme(self) -> tuple[Any, ...]:
        """The first owner's book; a stranger's call must leave it alone."""
        async with self.site.api.open_unit(SITE) as unit:
            row = await unit.raw.fetchrow(
                "SELECT (SELECT count(*) FROM move) AS m, (SELECT sum(version) FROM fulfilment),"
                " (SELECT string_agg(state, ',' ORDER BY asn_id) FROM asn) AS a,"
                " (SELECT string_agg(state, ',' ORDER BY shipment_id) FROM shipment) AS s,"
                " (SELECT string_agg(state, ',' ORDER BY task_id) FROM task) AS t,"
                " (SELECT string_agg(state, ',' ORDER BY task_id) FROM pick_task) AS p,"
                " (SELECT count(*) FROM exception WHERE acknowledged_at IS NULL) AS e,"
                " (SELECT count(*) FROM webhook_endpoint) AS w,"
                " (SELECT count(*) FROM api_key WHERE revoked_at IS NULL) AS k"
            )
        return tuple(row or ())

    def secrets(self) -> set[str]:
        """Ids and keys that only the first owner's documents have."""
        names = (
            "order_id", "staged_order", "picking_order", "shipment_id", "pick_task_id", "name",
            "carton_id", "asn_id", "task_id", "key", "pallet", "webhook_id", "exception_id",
        )  # fmt: skip
        return {self.site.ids[name] for name in names}


@pytest.fixture
async def two(database_url: str) -> AsyncIterator[Two]:
    async with seeded(database_url) as site:
        async with await site.api.client("manager") as every:
            made = await every.post(
                "/v1/imports/layout",
                json={
                    "site": {"id": SITE, "name": "Demo"},
                    "owners": [{"owner": OTHER, "name": "Globex"}],
                    "items": [{"owner": OTHER, "sku": "A-100", "name": "Another lamp"}],
                },
            )
            assert made.status_code == 200, made.text
        async with (
            await site.api.client("manager", owners=(OTHER,)) as manager,
            await site.api.client("owner", owners=(OTHER,)) as seller,
        ):
            yield Two(site, manager, seller)


def _ids(site: Seeded, path: str) -> str:
    """The path with the first owner's ids; pick tasks and floor tasks share a parameter's name."""
    if path.startswith("/v1/pick-tasks/"):
        path = path.replace("{task_id}", "{pick_task_id}")
    return site.path(path)


def _asked(site: Seeded, path: str) -> dict[str, str]:
    """What a list cannot be asked without."""
    moment = instant_text(now_us()) or ""
    return {
        "/v1/map/search": {"q": site.ids["name"]},
        "/v1/map/at": {"at": moment},
        "/v1/observations": {"epc": site.ids["key"], "since": moment},
    }.get(path, {})


async def test_no_operation_finds_what_belongs_to_another_owner(two: Two) -> None:
    asked: list[str] = []
    before = await two.acme()
    for method, path in sorted(TABLE):
        if "{" not in path or path.startswith(BUILDING) or not path.startswith("/v1"):
            continue
        answer = await two.manager.request(
            method,
            _ids(two.site, path),
            json=BODIES.get((method, path)),
            headers={"Idempotency-Key": f"other-{len(asked)}", "If-Match": "*"},
        )
        asked.append(path)
        found = (answer.status_code, answer.json().get("code"))
        empty = answer.status_code == 200 and answer.json().get("steps") == []
        assert empty or found == (404, "not-found"), f"{method} {path}: {answer.text}"

    assert len(asked) >= 35
    assert await two.acme() == before


async def test_no_list_shows_what_belongs_to_another_owner(two: Two) -> None:
    asked: list[str] = []
    secrets = two.secrets()
    for method, path in sorted(TABLE):
        if method != "GET" or "{" in path or not path.startswith("/v1") or path == STREAM:
            continue
        for client in (two.manager, two.seller):
            query = _asked(two.site, path)
            answer = await client.get(path, params=query)
            if answer.status_code == 403:
                continue
            if path == "/v1/observations":
                assert answer.status_code == 404
                continue
            asked.append(path)
            assert answer.status_code == 200, f"{path}: {answer.text}"
            if path not in SHARED_LISTS:
                shown = {word for word in secrets if f'"{word}"' in answer.text}
                assert shown == set(), path
                assert f'"{OWNER}"' not in answer.text, path
    assert len(set(asked)) >= 18


async def test_filters_do_not_reach_into_another_owner(two: Two) -> None:
    ids = two.site.ids
    for path in (
        f"/v1/pick-tasks?order={ids['picking_order']}",
        f"/v1/moves?order={ids['staged_order']}",
        f"/v1/moves?pass={ids['pass_id']}",
        f"/v1/moves?epc={ids['key']}",
        f"/v1/stock?location={ids['code']}",
        "/v1/orders?external_order_id=SEED-0",
        f"/v1/map/search?q={ids['staged_order']}",
        "/v1/map/search?q=SEED-0",
    ):
        answer = await two.manager.get(path)
        assert (answer.status_code, answer.json()["items"]) == (200, []), path
    for path in ("/v1/orders", "/v1/stock", "/v1/availability", "/v1/asns", "/v1/webhooks"):
        answer = await two.manager.get(f"{path}?owner={OWNER}")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path


async def test_work_is_handed_out_and_released_only_of_the_key_s_owners(two: Two) -> None:
    before = await two.acme()
    released = await two.manager.post("/v1/releases", json={"limit": 100})
    named = await two.manager.post("/v1/releases", json={"order_ids": [two.site.ids["order_id"]]})
    picks = await two.manager.post("/v1/pick-tasks/next", json={"worker": "eve"})
    tasks = await two.manager.post("/v1/tasks/next", json={"kind": "putaway", "worker": "eve"})

    assert (released.status_code, released.json()) == (200, {"released": [], "short": []})
    assert (named.status_code, named.json()["code"]) == (404, "not-found")
    assert (picks.status_code, tasks.status_code) == (204, 204)
    assert await two.acme() == before
    own = await two.site.post("/v1/releases", {"limit": 100})
    assert own["released"] == [two.site.ids["order_id"]]
    assert (await two.site.post("/v1/tasks/next", {"kind": "putaway", "worker": "bob"}))["id"]


async def test_a_body_that_names_another_owner_s_things_is_refused(two: Two) -> None:
    ids, before = two.site.ids, await two.acme()
    line = {"sku": "A-100", "quantity": 1}
    bodies: list[tuple[str, Any, str]] = [
        ("/v1/orders", {"external_order_id": "X", "channel": "web", "lines": [line],
                        "owner": OWNER}, "forbidden"),
        ("/v1/asns", {"external_asn_id": "X", "lines": [line], "owner": OWNER}, "forbidden"),
        ("/v1/adjustments", {"sku": "A-100", "location": ids["code"], "delta": 1,
                             "reason": "found", "owner": OWNER}, "forbidden"),
        ("/v1/adjustments", {"sku": "A-100", "location": ids["code"], "delta": -1,
                             "reason": "loss"}, "insufficient-stock"),
        ("/v1/shipments", {"order_ids": [ids["staged_order"]]}, "not-found"),
        ("/v1/stage", {"handling_unit": ids["name"], "location": "STAGE-OUT-2"}, "not-found"),
        ("/v1/moves", {"handling_unit": ids["name"], "to": "A-01-01-2"}, "not-found"),
        ("/v1/moves", {"epc": ids["key"], "to": "A-01-01-2"}, "not-found"),
        ("/v1/keys", {"name": "k", "role": "manager", "sites": [SITE], "owners": ["*"]},
         "forbidden"),
        ("/v1/keys", {"name": "k", "role": "owner", "sites": [SITE], "owners": [OWNER]},
         "forbidden"),
        ("/v1/keys", {"name": "k", "role": "owner", "sites": ["*"], "owners": [OTHER]},
         "forbidden"),
        ("/v1/imports/layout", {"site": {"id": SITE, "name": "D"}, "items": [
            {"owner": OWNER, "sku": "A-100", "name": "Taken over"}]}, "forbidden"),
    ]  # fmt: skip
    for number, (path, body, code) in enumerate(bodies):
        answer = await two.manager.post(
            path, json=body, headers={"Idempotency-Key": f"body-{number}"}
        )
        assert answer.status_code >= 400, f"{path} {json.dumps(body)}: {answer.text}"
        assert answer.json()["code"] == code, f"{path} {json.dumps(body)}: {answer.text}"
    assert await two.acme() == before


async def test_the_same_words_mean_two_orders_of_two_owners(two: Two) -> None:
    first = await place(two.site, "SAME")
    second = await two.manager.post(
        "/v1/orders",
        json={
            "external_order_id": "SAME",
            "channel": "web",
            "lines": [{"sku": "A-100", "quantity": 1}],
        },
        headers={"Idempotency-Key": "seed-1"},
    )
    assert second.status_code == 201
    assert second.json()["id"] != first
    assert (second.json()["status"], second.json()["owner"]) == ("backordered", OTHER)
    keys = (await two.manager.get("/v1/keys")).json()["items"]
    assert {tuple(key["owners"]) for key in keys} == {(OTHER,)}
