"""Roles against operations, generated from the table: a role outside a row is refused first."""

from __future__ import annotations

import re

import httpx
import pytest

from core.api.roles import ANYONE, TABLE
from runtime.roles.api import routers
from tests.apis import Api, open_api

ROLES = ("picker", "lead", "manager", "owner", "integrator", "device", "auditor")
NO_ROLE = "The role of this key may not do this."
UNKNOWN = "019a8b0d-6f2e-7c11-a5f0-c2d4e6b81234"
CHANGES = ("POST", "PUT", "PATCH", "DELETE")
# What may never be given away, whatever the table says later.
NEVER = {
    ("picker", "POST /v1/imports/layout"),
    ("picker", "POST /v1/imports/items"),
    ("picker", "POST /v1/imports/stock"),
    ("picker", "POST /v1/adjustments"),
    ("picker", "POST /v1/orders"),
    ("picker", "POST /v1/passes/{pass_id}/settle"),
    ("picker", "PUT /v1/portals/{portal}/mode"),
    ("picker", "POST /v1/inbox/{epc}/bind"),
    ("picker", "POST /v1/tags/{key:path}/kill"),
    ("picker", "POST /v1/tags/{key:path}/settle"),
    ("owner", "GET /v1/inbox"),
    ("owner", "POST /v1/tags"),
    ("integrator", "POST /v1/tags"),
    ("picker", "POST /v1/keys"),
    ("lead", "POST /v1/keys"),
    ("lead", "PUT /v1/portals/{portal}/mode"),
    ("lead", "PUT /v1/agents/{agent}/config"),
    ("picker", "PUT /v1/agents/{agent}/config"),
    ("integrator", "PUT /v1/agents/{agent}/config"),
    ("owner", "GET /v1/agents/{agent}/config"),
    ("owner", "POST /v1/passes/{pass_id}/settle"),
    ("owner", "POST /v1/passes/{pass_id}/confirm"),
    ("owner", "POST /v1/adjustments"),
    ("owner", "GET /v1/visits"),
    ("owner", "GET /v1/dead-letters"),
    ("owner", "GET /v1/map/snapshot"),
    ("owner", "POST /v1/keys"),
    ("integrator", "POST /v1/keys"),
    ("integrator", "POST /v1/passes/{pass_id}/settle"),
    ("integrator", "POST /v1/inbound-secrets"),
}


def _address(path: str) -> str:
    return re.sub(r"\{\w+(:path)?\}", UNKNOWN, path)


def _operations() -> list[tuple[str, str]]:
    routers()
    return sorted(name for name, roles in TABLE.items() if roles != ANYONE)


async def _ask(client: httpx.AsyncClient, method: str, path: str) -> httpx.Response:
    """A call that is wrong in every way behind the role: media type, body, key, id."""
    return await client.request(
        method,
        _address(path) + "?colour=red",
        content=b"\x1f{",
        headers={"Accept": "application/xml", "Content-Type": "text/plain"},
    )


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_gets_403_first_of_all_where_the_table_has_no_row(
    database_url: str, role: str
) -> None:
    async with open_api(database_url) as api:
        refused = 0
        async with await api.client(role) as client:
            before = await _rows(api)
            for method, path in _operations():
                answer = await _ask(client, method, path)
                problem = answer.json()
                if role in TABLE[(method, path)]:
                    assert problem["detail"] != NO_ROLE, f"{method} {path}"
                    assert answer.status_code in (404, 406, 422), f"{method} {path}: {answer.text}"
                else:
                    refused += 1
                    found = (answer.status_code, problem["code"], problem["detail"])
                    assert found == (403, "forbidden", NO_ROLE), f"{method} {path}"
        assert await _rows(api) == before
    assert (refused == 0) == (role == "manager")


async def _rows(api: Api) -> int:
    async with api.open_unit("demo") as unit:
        count = "SELECT (SELECT count(*) FROM api_key) + (SELECT count(*) FROM outbox)"
        return int(await unit.raw.fetchval(count))


def test_what_no_table_may_give_away() -> None:
    given = {
        (role, f"{method} {path}") for method, path in _operations() for role in TABLE[method, path]
    }
    listed = {f"{method} {path}" for method, path in _operations()}
    assert {operation for _, operation in NEVER} <= listed
    assert given & NEVER == set()


def test_an_auditor_only_reads_and_a_device_reads_itself() -> None:
    for method, path in _operations():
        if method in CHANGES:
            assert "auditor" not in TABLE[(method, path)], f"{method} {path}"
    assert [name for name in _operations() if "device" in TABLE[name]] == [("GET", "/v1/me")]


def test_a_manager_may_do_everything_and_every_role_is_known() -> None:
    for name in _operations():
        assert "manager" in TABLE[name], name
        assert TABLE[name] <= set(ROLES), name


async def test_an_operation_without_a_row_stops_the_start(database_url: str) -> None:
    name = ("GET", "/v1/me")
    row = TABLE.pop(name)
    try:
        with pytest.raises(LookupError, match="/v1/me"):
            async with open_api(database_url):
                pytest.fail("The application was built without a row.")
    finally:
        TABLE[name] = row
