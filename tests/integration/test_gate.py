"""The gate answers in its fixed order, with stable codes, and never with a 500."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from core.api.gate import GateLimits
from tests.apis import open_api


async def _problem(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


async def test_a_request_is_refused_at_the_first_check_that_fails(database_url: str) -> None:
    async with open_api(database_url) as api, await api.client("manager") as http:
        bare = httpx.AsyncClient(
            transport=httpx.ASGITransport(api.app), base_url="http://127.0.0.1"
        )
        async with bare:
            assert await _problem(await bare.get("/v1/keys")) == (401, "unauthenticated")
            assert await _problem(await bare.get("/v1/nothing")) == (404, "not-found")
            assert (await bare.get("/healthz")).json() == {"status": "ok"}
            evil = await bare.get("/v1/keys", headers={"Host": "evil.example"})
            assert await _problem(evil) == (400, "bad-host")
        put = await http.put("/v1/keys", json={})
        assert await _problem(put) == (405, "method-not-allowed")
        assert put.headers["allow"] == "GET, POST"
        assert await _problem(await http.get("/v1/keys?x=" + "a" * 9000)) == (414, "uri-too-long")
        assert await _problem(await http.get("/v1/keys?x=1")) == (422, "validation")
        assert await _problem(await http.get("/v1/keys", headers={"Accept": "text/html"})) == (
            406,
            "not-acceptable",
        )


@pytest.mark.parametrize(
    ("headers", "content", "expected"),
    [
        ({"Content-Type": "text/plain"}, b"{}", (415, "unsupported-media-type")),
        (
            {"Content-Type": "application/json; charset=utf-16"},
            b"{}",
            (415, "unsupported-media-type"),
        ),
        ({"Content-Encoding": "gzip"}, b"{}", (415, "unsupported-encoding")),
        ({}, b'{"a":1}x', (400, "json-malformed")),
        ({}, b'{"a":1,"\\u0061":2}', (400, "json-duplicate-key")),
        ({}, b"[" * 5000, (400, "json-malformed")),
        ({}, b'{"a":"\\ud800"}', (400, "json-malformed")),
        ({}, b'{"a":NaN}', (400, "json-malformed")),
        ({}, b" " * 1_100_000, (413, "body-too-large")),
        ({}, b"", (422, "validation")),
        ({}, b"null", (422, "validation")),
        ({}, b'{"name":"x","role":"boss","sites":["demo"],"owners":["*"]}', (422, "validation")),
    ],
)
async def test_a_body_that_is_wrong_gets_its_code(
    database_url: str, headers: dict[str, str], content: bytes, expected: tuple[int, str]
) -> None:
    async with open_api(database_url) as api, await api.client("manager") as http:
        sent = {"Content-Type": "application/json"} | headers
        answer = await http.post("/v1/keys", content=content, headers=sent)
        listed: dict[str, Any] = (await http.get("/v1/keys")).json()

        assert await _problem(answer) == expected
        assert [key["role"] for key in listed["items"]] == ["manager"]


async def test_a_key_is_shown_once_and_a_revoked_one_fails_at_once(database_url: str) -> None:
    async with open_api(database_url) as api, await api.client("manager") as http:
        body = {"name": "shop", "role": "integrator", "sites": ["demo"], "owners": ["acme"]}
        made = (await http.post("/v1/keys", json=body)).json()
        shop = {"Authorization": f"Bearer {made['key']}"}
        assert (await http.get("/v1/me", headers=shop)).json()["owners"] == ["acme"]
        assert await _problem(await http.get("/v1/keys", headers=shop)) == (403, "forbidden")
        assert made["key"] not in (await http.get("/v1/keys")).text

        gone = await http.delete(f"/v1/keys/{made['id']}")

        assert gone.status_code == 204
        assert await _problem(await http.get("/v1/me", headers=shop)) == (401, "unauthenticated")


async def test_too_many_requests_with_one_key_are_slowed_down(database_url: str) -> None:
    limits = GateLimits(requests_per_minute=3)
    async with open_api(database_url, limits=limits) as api, await api.client("manager") as http:
        answers = [(await http.get("/v1/me")).status_code for _ in range(4)]
        assert answers == [200, 200, 200, 429]
