"""The configuration of an agent over HTTP: versions, dry run, refusals, rollback, history."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from core.application.ports.tracking import AgentStatusRow, ConfigReport
from tests.apis import SITE, Api, open_api
from tests.builders import a_warehouse

PATH = "/v1/agents/dock-1/config"
ONE = '[[edge.device]]\nname = "r1"\ndriver = "llrp"\nhost = "10.0.0.1"\n'
TWO = ONE.replace("10.0.0.1", "10.0.0.2")


@dataclass
class Office:
    """A site with one agent and one device, and the manager's client."""

    api: Api
    client: httpx.AsyncClient

    async def put(self, document: str, based_on: str = "*", **query: str) -> httpx.Response:
        return await self.client.put(
            PATH, json={"document": document}, headers={"If-Match": based_on}, params=query
        )

    async def get(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.client.get(PATH)).json()
        return found

    async def agent_says(self, version: int, offered: int, state: str, error: str = "") -> None:
        status = AgentStatusRow(
            agent="dock-1",
            state="online",
            boot=1,
            seq=0,
            sent_at=offered,
            received_at=offered,
            config=ConfigReport(version, offered, state, error or None),
        )
        async with self.api.open_unit(SITE) as uow:
            await uow.tracking.agent_status([status], now=offered)


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    async with open_api(database_url) as api:
        async with api.open_unit(SITE) as uow:
            await a_warehouse(uow)
            for statement in (
                "INSERT INTO agent (site_id, agent, registered_at) VALUES ($1, 'dock-1', 1)",
                "INSERT INTO device (site_id, agent, device) VALUES ($1, 'dock-1', 'r1')",
            ):
                await uow.raw.execute(statement, SITE)
        async with await api.client("manager") as client:
            yield Office(api, client)


async def test_versions_grow_and_say_what_became_of_them(office: Office) -> None:
    first = await office.client.get(PATH)
    assert (first.headers["etag"], first.json()["state"]) == ('"0"', "local")

    one = await office.put(ONE, '"0"')
    assert (one.status_code, one.headers["etag"], one.json()["state"]) == (200, '"1"', "offered")
    again = await office.put(ONE, '"1"')
    assert again.headers["etag"] == '"1"'
    await office.agent_says(1, 1, "applied")
    assert (await office.get())["state"] == "applied"
    two = await office.put(TWO, '"1"')
    assert two.headers["etag"] == '"2"'
    await office.agent_says(1, 2, "fallback", "config-not-live: r1 is stale")

    now = await office.get()
    assert (now["version"], now["document"], now["author"]) == (2, TWO, "manager:*")
    assert (now["state"], now["error"]) == ("fallback", "config-not-live: r1 is stale")
    retried = await office.put(TWO, '"2"')
    assert retried.headers["etag"] == '"3"'
    page = (await office.client.get(f"{PATH}/history", params={"limit": "2"})).json()
    assert [(row["version"], row["state"]) for row in page["items"]] == [
        (3, "offered"),
        (2, "fallback"),
    ]
    rest = await office.client.get(f"{PATH}/history", params={"cursor": page["next_cursor"]})
    assert [(row["version"], row["state"]) for row in rest.json()["items"]] == [(1, "applied")]
    old = await office.client.get(PATH, params={"version": "1"})
    assert old.json()["document"] == ONE

    stale = await office.put(ONE, '"2"')
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition-failed")
    blind = await office.client.put(PATH, json={"document": ONE})
    assert (blind.status_code, blind.json()["code"]) == (428, "precondition-required")
    assert (await office.get())["version"] == 3


REFUSED = (
    ("x = [", "config-syntax"),
    ('[mqtt]\nhost = "b"\n', "config-local-only"),
    (ONE + 'password = "x"\n', "config-secret-inline"),
    (ONE.replace("r1", "r9"), "config-device-unknown"),
)


async def test_a_bad_document_is_never_stored_and_a_good_one_not_by_a_dry_run(
    office: Office,
) -> None:
    for document, code in REFUSED:
        for query in ({}, {"dry_run": "true"}):
            refused = await office.put(document, **query)
            assert (refused.status_code, refused.json()["code"]) == (422, "config-refused")
            (error,) = refused.json()["errors"]
            assert (error["pointer"], error["code"]) == ("/document", code)
    tried = await office.put(ONE, dry_run="true")
    said = tried.json()
    assert (tried.status_code, said["state"], said["version"]) == (200, "checked", 1)
    assert (await office.get())["version"] == 0
    odd = await office.put(ONE, dry_run="perhaps")
    assert (odd.status_code, odd.json()["code"]) == (422, "validation")

    elsewhere = "/v1/agents/dock-9/config"
    for path in (elsewhere, f"{elsewhere}/history"):
        assert (await office.client.get(path)).status_code == 404
    answer = await office.client.put(elsewhere, json={"document": ""}, headers={"If-Match": "*"})
    assert answer.status_code == 404


async def test_a_rollback_is_the_last_document_that_ran_as_a_new_version(office: Office) -> None:
    none = await office.client.post(f"{PATH}/rollback", json={})
    assert (none.status_code, none.json()["code"]) == (409, "config-none")
    await office.put(ONE)
    await office.agent_says(1, 1, "applied")
    await office.put(TWO)

    back = await office.client.post(f"{PATH}/rollback", json={})
    assert (back.headers["etag"], back.json()["document"]) == ('"3"', ONE)
    local = await office.client.post(f"{PATH}/rollback", json={"version": 0})
    assert (local.headers["etag"], local.json()["document"]) == ('"4"', "")
    named = await office.client.post(f"{PATH}/rollback", json={"version": 2})
    assert named.json()["document"] == TWO
    gone = await office.client.post(f"{PATH}/rollback", json={"version": 77})
    assert (gone.status_code, gone.json()["code"]) == (404, "not-found")
