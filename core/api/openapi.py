"""The OpenAPI document, completed: key, roles, headers, problems, examples. Routes say the rest."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from core.api import checks
from core.api.errors import MAX_ERRORS, PROBLEM, STATUS
from core.api.examples import BODIES, CSV_BODIES
from core.api.results import ALSO, SCHEMAS, result_of
from core.api.roles import ANYONE, TABLE
from core.api.validation import OURS

Document = dict[str, Any]
METHODS = ("get", "put", "post", "delete", "patch")
OPEN = ("/healthz", "/readyz", "/v1/inbound/{channel}")

FIELD_ERROR: Document = {
    "type": "object",
    "description": "One wrong field, parameter or cell.",
    "required": ["pointer", "code", "detail"],
    "properties": {
        "pointer": {
            "type": "string",
            "description": "JSON pointer of a field, `?name` of a query parameter.",
        },
        "code": {"type": "string", "description": f"One of: {', '.join(sorted(OURS))}; or E_…"},
        "detail": {"type": "string"},
        "row": {"type": "integer", "description": "CSV: 1 is the first row after the header."},
        "column": {"type": ["string", "null"]},
    },
}
PROBLEM_SCHEMA: Document = {
    "type": "object",
    "description": "RFC 9457. `code` is stable: never renamed, never reused.",
    "required": ["type", "title", "status", "detail", "instance", "code", "trace"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri"},
        "code": {"type": "string", "enum": sorted(STATUS)},
        "trace": {"type": "string"},
        "errors": {
            "type": "array",
            "maxItems": MAX_ERRORS,
            "items": {"$ref": "#/components/schemas/FieldError"},
        },
        "lines": {"type": "array", "items": {"type": "object"}},
    },
    "example": {
        "type": "urn:dockledger:problem:not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is no such order here. Check the id, the site and the owner.",
        "instance": "urn:dockledger:trace:019a8b0d6f2e7c11a5f0c2d4e6b81234",
        "code": "not-found",
        "trace": "019a8b0d6f2e7c11a5f0c2d4e6b81234",
    },
}
RETRY: Document = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
RESPONSES: Document = {
    "Problem": {
        "description": "Refused; nothing was changed.",
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    },
    "Unavailable": {
        "description": "The database is away or busy: send the same request again.",
        "headers": {"Retry-After": RETRY},
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    },
}
IDEMPOTENCY: Document = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Of your own making, kept 24 h: the same call again gets the same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "example": "so-1001",
}
IF_MATCH: Document = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag you read, or `*`.",
    "schema": {"type": "string"},
    "example": '"1"',
}
SIGNED = [
    {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
]


_TAGGED = {
    *((method, "/v1/orders/{order_id}") for method in ("GET", "PATCH")),
    *((method, "/v1/agents/{agent}/config") for method in ("GET", "PUT")),
    *((method, "/v1/items/{sku}") for method in ("GET", "PATCH")),
    ("POST", "/v1/agents/{agent}/config/rollback"),
}


def document_of(app: FastAPI) -> Document:
    """What the framework knows of the routes, and what this module adds."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=f"{app.description}\n\n{codes_text()}",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        routes=app.routes,
    )
    parts = document.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas |= {"Problem": PROBLEM_SCHEMA, "FieldError": FIELD_ERROR, **SCHEMAS}
    parts["responses"] = RESPONSES
    parts["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, `dlk_…`."}
    }
    document["security"] = [{"bearer": []}]
    paths = {_plain(r.path): r.path for r in app.routes if isinstance(r, APIRoute)}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                _operation(item[method], method.upper(), paths[path])
    return document


def codes_text() -> str:
    """Every problem code with its status, for the description."""
    rows = [f"* {status} `{code}`" for code, status in sorted(STATUS.items(), key=_by_status)]
    return "## Problem codes\n\n" + "\n".join(rows)


def _by_status(row: tuple[str, int]) -> tuple[int, str]:
    return row[1], row[0]


def _plain(path: str) -> str:
    """A path template as OpenAPI writes it."""
    return path.replace(":path}", "}")


def _operation(operation: Document, method: str, path: str) -> None:
    name = (method, path)
    responses: Document = operation["responses"]
    responses.pop("422", None)
    for status in list(responses):
        responses[status] = _success(name, status, responses[status])
    for status in ALSO.get(name, ()):
        responses[status] = _success(name, status, {"description": "See the text."})
    responses["4XX"] = {"$ref": "#/components/responses/Problem"}
    responses["503"] = {"$ref": "#/components/responses/Unavailable"}
    roles = TABLE.get(name, frozenset())
    if path in OPEN:
        operation["security"] = []
    elif roles != ANYONE:
        operation["x-roles"] = sorted(roles)
    extra = [IDEMPOTENCY] if name in checks.NEEDS_KEY else []
    extra += [IF_MATCH] if method == "PATCH" or name in checks.NEEDS_ETAG else []
    extra += SIGNED if path == "/v1/inbound/{channel}" else []
    if extra:
        operation["parameters"] = [*operation.get("parameters", []), *extra]
    _body(operation, name)


def _success(name: tuple[str, str], status: str, found: Document) -> Document:
    """A 2xx answer with its shape."""
    answer = {"description": found["description"]}
    if status == "204":
        return {"description": "Nothing to say."}
    if name == ("GET", "/v1/map/stream"):
        return {**answer, "content": {"text/event-stream": {"schema": {"type": "string"}}}}
    if name == ("GET", "/v1/exports/items"):
        return {**answer, "content": {"text/csv": {"schema": {"type": "string"}}}}
    schema = {"$ref": f"#/components/schemas/{result_of(name)}"}
    if name in _TAGGED:
        answer["headers"] = {"ETag": {"schema": {"type": "string"}}}
    return {**answer, "content": {"application/json": {"schema": schema}}}


def _body(operation: Document, name: tuple[str, str]) -> None:
    if name in CSV_BODIES:
        file = {
            "type": "object",
            "required": ["file"],
            "properties": {"file": {"type": "string", "contentMediaType": "text/csv"}},
        }
        operation["requestBody"] = {
            "required": True,
            "content": {
                "text/csv": {"schema": {"type": "string"}, "example": CSV_BODIES[name]},
                "multipart/form-data": {"schema": file},
            },
        }
    elif "requestBody" in operation:
        operation["requestBody"]["content"]["application/json"]["example"] = BODIES.get(name)
