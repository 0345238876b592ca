"""Hostile requests and the code that each must get: text, numbers, headers, paths, cursors."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from tests.seeded import SKU

ORDER = {"external_order_id": "H-1", "channel": "web", "lines": [{"sku": SKU, "quantity": 1}]}
ADJUST = {"sku": SKU, "location": "A-01-01-2", "delta": 1, "reason": "found"}
DEEP = b'{"notes":' + b"[" * 40 + b"]" * 40 + b"}"
HUGE = b'{"delta": 1' + b"0" * 60 + b"}"
SECRET = "zz-echo-zz"
NO_FILE = "no-file"


@dataclass(frozen=True)
class Case:
    """One request and the answer it must get."""

    name: str
    request: str
    code: str
    field: tuple[str, str] | None = None
    body: Any = b""
    headers: tuple[tuple[str, str], ...] = ()
    keyed: bool = True


def bad(name: str, request: str, code: str, **more: Any) -> Case:
    """A case; `headers` may be a mapping."""
    headers = more.pop("headers", {})
    pairs = tuple(headers.items() if isinstance(headers, dict) else headers)
    return Case(name, request, code, headers=pairs, **more)


def wrong(name: str, request: str, pointer: str, code: str, **more: Any) -> Case:
    """A case whose answer is `validation` with one field error."""
    return bad(name, request, "validation", field=(pointer, code), **more)


def cursor(*place: Any) -> str:
    """A page cursor of somebody else's making."""
    return base64.urlsafe_b64encode(json.dumps(["k1", *place]).encode()).decode()


def order(**changes: Any) -> Any:
    """The order with changes."""
    return {**ORDER, **changes}


UUID = "019a8b0d-6f2e-7c11-a5f0-c2d4e6b81234"
CASES = [
    # Paths: an id that is none does not exist.
    bad("2^63 as an order", "GET /v1/orders/9223372036854775808", "not-found"),
    bad("underscored id", "GET /v1/dead-letters/1_0", "not-found"),
    bad("signed id", "GET /v1/dead-letters/+1", "not-found"),
    bad("arabic digits as an id", "GET /v1/dead-letters/%D9%A1", "not-found"),
    bad("2^63 as a dead letter", "GET /v1/dead-letters/9223372036854775808", "not-found"),
    bad("NUL in an order id", "GET /v1/orders/%00", "not-found"),
    bad("NUL in a portal", "GET /v1/portals/dock-1%00/report", "not-found"),
    bad("NUL in a place", "GET /v1/map/places/%00", "not-found"),
    bad("a surrogate in a place", "GET /v1/map/places/%ED%A0%80", "not-found"),
    bad("NUL in a channel", "POST /v1/inbound/%00", "not-found", body=ORDER),
    bad("uuid in braces", f"GET /v1/visits/{{{UUID}}}", "not-found"),
    bad("a known uuid in braces", "GET /v1/handling-units/%7B{carton_id}%7D", "not-found"),
    bad("uuid without dashes", f"GET /v1/passes/{UUID.replace('-', '')}", "not-found"),
    bad("urn uuid as a unit", f"GET /v1/handling-units/urn:uuid:{UUID}", "not-found"),
    bad("unknown id", f"POST /v1/tasks/{UUID}/handback", "not-found"),
    bad("no such path", "GET /v1/%2e%2e/%2e%2e/etc/passwd", "not-found"),
    bad("trailing slash", "GET /v1/orders/", "not-found"),
    # Static files: nothing outside the folder, and no folder. The answer is the page of a 404.
    bad("parent of static", "GET /static/x/../../pages.py", NO_FILE),
    bad("encoded parent", "GET /static/x/%2e%2e%2f%2e%2e%2frender.py", NO_FILE),
    bad("doubly encoded parent", "GET /static/x/%252e%252e%252frender.py", NO_FILE),
    bad("absolute static file", "GET /static/x//etc/passwd", NO_FILE),
    bad("NUL in a static file", "GET /static/x/map%00.js", "not-found"),
    bad("backslash in a static file", "GET /static/x/..%5C..%5Crender.py", NO_FILE),
    bad("static folder", "GET /static/x/map", NO_FILE),
    # Queries.
    wrong("negative limit", "GET /v1/orders?limit=-1", "?limit", "type"),
    wrong("limit in words", "GET /v1/stock?limit=abc", "?limit", "type"),
    wrong("underscored limit", "GET /v1/moves?limit=1_0", "?limit", "type"),
    wrong("arabic limit", "GET /v1/asns?limit=%D9%A1", "?limit", "type"),
    wrong("limit zero", "GET /v1/tasks?limit=0", "?limit", "range"),
    wrong("limit 501", "GET /v1/exceptions?limit=501", "?limit", "range"),
    wrong("limit twice", "GET /v1/visits?limit=1&limit=2", "?limit", "duplicate"),
    wrong("unknown parameter", "GET /v1/passes?colour=red", "?colour", "unknown-field"),
    wrong("parameter in other case", "GET /v1/orders?Status=x", "?Status", "unknown-field"),
    wrong("parameter on a POST", "POST /v1/totes?x=1", "?x", "unknown-field", body={"key": "x"}),
    wrong("NUL in a query", "GET /v1/orders?status=%00", "?status", "charset"),
    wrong("NUL in a search", "GET /v1/map/search?q=a%00b", "?q", "charset"),
    wrong("NUL in an sku", "GET /v1/availability?sku=A&sku=%00", "?sku", "charset"),
    bad("query not UTF-8", "GET /v1/stock?sku=%FF", "bad-request"),
    bad("surrogate in a query", "GET /v1/stock?sku=%ED%A0%80", "bad-request"),
    wrong("no such day", "GET /v1/orders?updated_since=2026-02-30T00:00:00Z",
          "?updated_since", "format"),
    wrong("far year", "GET /v1/orders?updated_since=9999-12-31T23:59:59-23:59",
          "?updated_since", "range"),
    wrong("open in words", "GET /v1/exceptions?open=1", "?open", "choice"),
    wrong("endless search", f"GET /v1/map/search?q={'x' * 201}", "?q", "length"),
    wrong("no search", "GET /v1/map/search", "?q", "required"),
    # Page cursors.
    bad("cursor of noise", "GET /v1/orders?cursor=AAAA", "cursor-invalid"),
    bad("empty cursor", "GET /v1/orders?cursor=", "cursor-invalid"),
    bad("cursor not ASCII", "GET /v1/orders?cursor=%C3%A4", "cursor-invalid"),
    bad("cursor of another list", f"GET /v1/orders?cursor={cursor(7)}", "cursor-invalid"),
    bad("orders' cursor on stock", f"GET /v1/stock?cursor={cursor(7, UUID)}", "cursor-invalid"),
    bad("cursor past 2^63", f"GET /v1/dead-letters?cursor={cursor(1 << 63)}", "cursor-invalid"),
    bad("cursor past 2^63 in time", f"GET /v1/asns?cursor={cursor(1 << 63, UUID)}",
        "cursor-invalid"),
    bad("cursor with true", f"GET /v1/moves?cursor={cursor(True)}", "cursor-invalid"),
    bad("cursor with NUL", f"GET /v1/holds?cursor={cursor(chr(0))}", "cursor-invalid"),
    bad("cursor with a list", f"GET /v1/holds?cursor={cursor(['x'])}", "cursor-invalid"),
    bad("cursor without a uuid", f"GET /v1/tasks?cursor={cursor(1, 'x')}", "cursor-invalid"),
    bad("cursor without an id", f"GET /v1/pick-tasks?cursor={cursor('x')}", "cursor-invalid"),
    bad("cursor of webhooks", f"GET /v1/webhooks?cursor={cursor('x')}", "cursor-invalid"),
    # Methods and negotiation.
    bad("DELETE an order", f"DELETE /v1/orders/{UUID}", "method-not-allowed"),
    bad("PUT orders", "PUT /v1/orders", "method-not-allowed", body=ORDER),
    bad("OPTIONS", "OPTIONS /v1/orders", "method-not-allowed"),
    bad("TRACE", "TRACE /v1/orders", "method-not-allowed"),
    bad("override", "POST /v1/keys/x", "method-not-allowed", body={},
        headers={"X-HTTP-Method-Override": "DELETE"}),
    bad("XML please", "GET /v1/orders", "not-acceptable", headers={"Accept": "application/xml"}),
    bad("JSON refused", "GET /v1/orders", "not-acceptable",
        headers={"Accept": "application/json;q=0"}),
    bad("text body", "POST /v1/orders", "unsupported-media-type", body=ORDER,
        headers={"Content-Type": "text/plain"}),
    bad("CSV of orders", "POST /v1/orders", "unsupported-media-type", body=b"a,b",
        headers={"Content-Type": "text/csv"}),
    bad("form", "POST /v1/moves", "unsupported-media-type", body=b"to=x",
        headers={"Content-Type": "application/x-www-form-urlencoded"}),
    bad("latin-1", "POST /v1/stage", "unsupported-media-type", body={},
        headers={"Content-Type": "application/json; charset=latin-1"}),
    bad("gzip", "POST /v1/totes", "unsupported-encoding", body=b"\x1f\x8b",
        headers={"Content-Encoding": "gzip"}),
    # Keys and headers.
    bad("no key", "GET /v1/orders", "unauthenticated", keyed=False),
    bad("key in the query", "GET /v1/orders?key=dlk_a_b", "unauthenticated", keyed=False),
    bad("basic", "GET /v1/orders", "unauthenticated", keyed=False,
        headers={"Authorization": "Basic ZGxrOng="}),
    bad("NUL-like key", "GET /v1/orders", "unauthenticated", keyed=False,
        headers={"Authorization": "Bearer dlk_\u00ff_\u00ff"}),
    bad("two keys", "GET /v1/orders", "bad-request",
        headers=[("Authorization", "Bearer dlk_a_b")]),
    bad("two content types", "POST /v1/orders", "bad-request", body=ORDER,
        headers=[("content-type", "application/json")]),
    bad("two idempotency keys", "POST /v1/orders", "bad-request", body=ORDER,
        headers=[("idempotency-key", "again")]),
    bad("blank idempotency key", "POST /v1/adjustments", "idempotency-key-invalid", body=ADJUST,
        headers={"Idempotency-Key": '""'}),
    bad("long idempotency key", "POST /v1/adjustments", "idempotency-key-invalid", body=ADJUST,
        headers={"Idempotency-Key": "k" * 256}),
    bad("another host", "GET /v1/orders", "bad-host", headers={"Host": "evil.example"}),
    bad("long URL", f"GET /v1/orders?status={'x' * 9000}", "uri-too-long"),
    bad("large headers", "GET /v1/orders", "headers-too-large", headers={"X-A": "x" * 33_000}),
    bad("no If-Match", "PATCH /v1/orders/{order_id}", "precondition-required",
        body={"priority": "high"}),
    bad("rubbish If-Match", "PATCH /v1/orders/{order_id}", "precondition-failed",
        body={"priority": "high"}, headers={"If-Match": SECRET}),
    bad("arabic If-Match", "PATCH /v1/orders/{order_id}", "precondition-failed",
        body={"priority": "high"}, headers={"If-Match": '"\u00b2"'}),
    bad("endless If-Match", "PATCH /v1/orders/{order_id}", "precondition-failed",
        body={"priority": "high"}, headers={"If-Match": '"' + "9" * 400 + '"'}),
    # Documents.
    bad("nothing", "POST /v1/orders", "validation"),
    bad("deep JSON", "PATCH /v1/orders/{order_id}", "json-malformed", body=DEEP,
        headers={"If-Match": "*"}),
    bad("a number of 61 digits", "POST /v1/adjustments", "json-malformed", body=HUGE),
    bad("1e999", "POST /v1/adjustments", "json-malformed", body=b'{"delta": 1e999}'),
    bad("NaN", "POST /v1/moves", "json-malformed", body=b'{"quantity": NaN}'),
    bad("half a surrogate", "POST /v1/totes", "json-malformed", body=b'{"key": "\\ud800"}'),
    bad("a key twice", "POST /v1/totes", "json-duplicate-key", body=b'{"key": 1, "k\\u0065y": 2}'),
    bad("BOM", "POST /v1/stage", "json-malformed", body=b"\xef\xbb\xbf{}"),
    bad("UTF-16", "POST /v1/stage", "json-malformed", body="{}".encode("utf-16")),
    bad("two documents", "POST /v1/releases", "json-malformed", body=b"{} {}"),
    bad("too much", "POST /v1/orders", "body-too-large", body=b" " * (1024 * 1024 + 1)),
    wrong("a list", "POST /v1/orders", "", "type", body=[ORDER]),
    wrong("null", "POST /v1/orders", "/channel", "type", body=order(channel=None)),
    wrong("true units", "POST /v1/orders", "/lines/0/quantity", "type",
          body=order(lines=[{"sku": SKU, "quantity": True}])),
    wrong("2.0 units", "POST /v1/orders", "/lines/0/quantity", "type",
          body=order(lines=[{"sku": SKU, "quantity": 2.0}])),
    wrong("2^63 units", "POST /v1/orders", "/lines/0/quantity", "range",
          body=order(lines=[{"sku": SKU, "quantity": 1 << 63}])),
    wrong("NUL in a text", "POST /v1/orders", "/channel", "charset",
          body=order(channel="we\0b")),
    wrong("NUL in a tag", "POST /v1/orders", "/tags/0", "charset", body=order(tags=["a\0"])),
    wrong("objects as tags", "POST /v1/orders", "/tags/0", "type", body=order(tags=[{}, {}])),
    wrong("lists as ids", "POST /v1/visits", "/asn_ids/0", "type",
          body={"portal": "dock-1", "asn_ids": [[], []]}),
    wrong("objects as epcs", "POST /v1/adjustments", "/epcs/0", "type",
          body={**ADJUST, "epcs": [{"a": 1}]}),
    wrong("bidi", "POST /v1/orders", "/notes", "charset", body=order(notes="a\u202eb")),
    wrong("__proto__", "POST /v1/orders", "/__proto__", "unknown-field",
          body=order(__proto__={"x": 1})),
    wrong("true as hold", "POST /v1/orders", "/hold", "type", body=order(hold="true")),
    wrong("true as limit", "POST /v1/releases", "/limit", "type", body={"limit": True}),
    wrong("2^63 as limit", "POST /v1/releases", "/limit", "range", body={"limit": 1 << 63}),
    bad("an id that is none", "POST /v1/releases", "not-found", body={"order_ids": ["1_0"]}),
    wrong("metres", "POST /v1/imports/layout", "/locations/0/x_m", "range",
          body={"site": {"id": "demo", "name": "D"},
                "locations": [{"code": "X", "kind": "storage", "x_m": 1e300}]}),
    wrong("true metres", "POST /v1/imports/layout", "/locations/0/x_m", "type",
          body={"site": {"id": "demo", "name": "D"},
                "locations": [{"code": "X", "kind": "storage", "x_m": True}]}),
    wrong("no such zone", "POST /v1/imports/layout", "/site/timezone", "choice",
          body={"site": {"id": "demo", "name": "D", "timezone": "../../etc/passwd"}}),
    wrong("an unknown mode", "PUT /v1/portals/{portal}/mode", "/mode", "choice",
          body={"direction": "in", "mode": "auto"}),
    wrong("a code that is none", "POST /v1/visits/{visit_id}/scan", "/code", "E_BC_LEN",
          body={"code": "123", "direction": "in"}),
    wrong("an SSCC with a wrong digit", "POST /v1/stage", "/handling_unit", "E_BC_CHECK",
          body={"handling_unit": "00/095211010000000019", "location": "STAGE-OUT-1"}),
    bad("a sku of somewhere else", "POST /v1/adjustments", "sku-unknown",
        body={**ADJUST, "sku": "a-100"}),
    bad("stock at the customer", "POST /v1/adjustments", "location-virtual",
        body={**ADJUST, "location": "CUSTOMER"}),
    # Files.
    bad("no rows", "POST /v1/imports/items", "csv-empty", headers={"Content-Type": "text/csv"}),
    bad("CSV in UTF-16", "POST /v1/imports/stock", "csv-encoding", body="a".encode("utf-16"),
        headers={"Content-Type": "text/csv"}),
    bad("NUL in a name", "POST /v1/imports/items", "csv-header", body=b"s\0ku,name\n",
        headers={"Content-Type": "text/csv"}),
    bad("NUL in a cell", "POST /v1/imports/stock", "charset",
        body=b"location,sku,quantity\nA\0,A-100,1\n", headers={"Content-Type": "text/csv"}),
    bad("arabic quantity", "POST /v1/imports/stock", "integer",
        body="location,sku,quantity\nA-01-01-2,A-100,\u0661\n".encode(),
        headers={"Content-Type": "text/csv"}),
    bad("2^63 of something", "POST /v1/imports/stock", "integer",
        body=b"location,sku,quantity\nA-01-01-2,A-100,9223372036854775808\n",
        headers={"Content-Type": "text/csv"}),
    bad("multipart without a boundary", "POST /v1/imports/items", "bad-request", body=b"x",
        headers={"Content-Type": "multipart/form-data"}),
    bad("two files", "POST /v1/imports/items", "bad-request",
        body=b'--b\r\ncontent-disposition: form-data; name="a"; filename="a"\r\n\r\nx\r\n'
             b'--b\r\ncontent-disposition: form-data; name="b"; filename="b"\r\n\r\nx\r\n--b--\r\n',
        headers={"Content-Type": "multipart/form-data; boundary=b"}),
]  # fmt: skip
