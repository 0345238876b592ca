"""The OpenAPI document is served, whole, and true of every answer that the site gives."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from core.api.checks import NEEDS_ETAG, NEEDS_KEY
from core.api.errors import STATUS
from core.api.examples import BODIES, CSV_BODIES
from core.api.roles import ANYONE, TABLE
from tests.apis import Api, open_api

METHODS = ("get", "put", "post", "patch", "delete")
ROOT = Path(__file__).parents[2]
REFUSAL = re.compile(r"[a-z]+(-[a-z]+)*")


@pytest.fixture
async def document(database_url: str) -> dict[str, Any]:
    async with open_api(database_url) as api:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(api.app), base_url="http://127.0.0.1"
        ) as client:
            answer = await client.get("/v1/openapi.json")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        found: dict[str, Any] = answer.json()
        return {**found, "x-app": _routes(api)}


def _routes(api: Api) -> dict[tuple[str, str], APIRoute]:
    return {
        (method, route.path): route
        for route in api.app.router.routes
        if isinstance(route, APIRoute) and route.include_in_schema
        for method in route.methods or ()
    }


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of everything in the document."""
    return [
        (method.upper(), path, item[method])
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]


async def test_every_operation_says_what_it_takes_and_gives(document: dict[str, Any]) -> None:
    routes = document.pop("x-app")
    assert document["info"]["title"] == "Dockledger"
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert document["security"] == [{"bearer": []}]
    found = operations(document)
    assert {(m, p) for m, p, _ in found} == {(m, p.replace(":path", "")) for m, p in routes}
    for method, path, operation in found:
        name = f"{method} {path}"
        assert operation["summary"], name
        assert operation["description"], name
        assert len(operation["tags"]) == 1, name
        responses = operation["responses"]
        assert responses["4XX"] == {"$ref": "#/components/responses/Problem"}, name
        assert responses["503"] == {"$ref": "#/components/responses/Unavailable"}, name
        good = {status: answer for status, answer in responses.items() if status[0] == "2"}
        assert good, name
        for status, answer in good.items():
            assert ("content" in answer) == (status != "204"), name
        assert set(responses) == {*good, "4XX", "503"}, name
        if "requestBody" in operation:
            for media, content in operation["requestBody"]["content"].items():
                assert content["schema"], name
                assert media == "multipart/form-data" or content["example"], name
        else:
            assert method in ("GET", "DELETE") or _bare(routes, method, path), name


def _bare(routes: dict[tuple[str, str], APIRoute], method: str, path: str) -> bool:
    """A change that takes no body at all."""
    return routes[(method, path)].body_field is None


async def test_keys_roles_and_headers_stand_where_they_are_asked_for(
    document: dict[str, Any],
) -> None:
    document.pop("x-app")
    asked = []
    for method, path, operation in operations(document):
        template = next(t for m, t in TABLE if m == method and t.replace(":path", "") == path)
        roles = TABLE[(method, template)]
        if roles == ANYONE:
            assert operation["security"] == []
        else:
            assert operation["x-roles"] == sorted(roles)
            assert "security" not in operation
        heads = [p["name"] for p in operation.get("parameters", []) if p["in"] == "header"]
        if "Idempotency-Key" in heads:
            asked.append((method, template))
        versioned = method == "PATCH" or (method, template) in NEEDS_ETAG
        assert ("If-Match" in heads) == versioned
    assert set(asked) == NEEDS_KEY


async def test_each_example_is_of_the_type_that_the_route_takes(document: dict[str, Any]) -> None:
    routes = document.pop("x-app")
    taking = {
        (m, p)
        for m, p, operation in operations(document)
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    }
    assert taking == {(method, path.replace(":path}", "}")) for method, path in BODIES}
    for name, example in BODIES.items():
        body = routes[name].body_field
        if body is not None:
            TypeAdapter(body.field_info.annotation).validate_python(example)
    assert set(CSV_BODIES) == {("POST", "/v1/imports/items"), ("POST", "/v1/imports/stock")}


async def test_the_document_is_valid_and_every_reference_leads_somewhere(
    document: dict[str, Any],
) -> None:
    document.pop("x-app")
    text = json.dumps(document)
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', text)):
        place: Any = document
        for part in reference.split("/"):
            place = place[part]
        assert place
    assert "HTTPValidationError" not in text
    for name, schema in document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert name == "Problem" or f'"#/components/schemas/{name}"' in text, f"{name} is not used"


def test_every_code_that_the_core_refuses_with_is_listed() -> None:
    used: dict[str, str] = {}
    for path in (ROOT / "core").rglob("*.py"):
        if path.parent.name in ("planning", "plans"):
            continue  # Reached by the command line alone: its codes stand in docs/planning.md.
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            first = node.args[0]
            if name in ("Refused", "CsvRefused", "problem") and isinstance(first, ast.Constant):
                used[str(first.value)] = path.name
    assert len(used) > 40
    assert {code: where for code, where in used.items() if code not in STATUS} == {}
    assert all(REFUSAL.fullmatch(code) for code in STATUS)


async def test_the_description_lists_every_code_with_its_status(document: dict[str, Any]) -> None:
    listed = re.findall(r"^\* (\d{3}) `([a-z-]+)`$", document["info"]["description"], re.M)
    assert {code: int(status) for status, code in listed} == STATUS
    assert document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == sorted(
        STATUS
    )
