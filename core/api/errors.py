"""Problems (RFC 9457): the one place where a code becomes an HTTP status; no value is echoed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from core.domain.csv_text import RowError
from core.domain.errors import FieldError, Refused, Unavailable

STATUS: dict[str, int] = {
    "json-malformed": 400,
    "json-duplicate-key": 400,
    "bad-request": 400,
    "bad-host": 400,
    "idempotency-key-missing": 400,
    "idempotency-key-invalid": 400,
    "csv-empty": 400,
    "csv-encoding": 400,
    "csv-syntax": 400,
    "unauthenticated": 401,
    "signature": 401,
    "timestamp": 401,
    "forbidden": 403,
    "not-found": 404,
    "method-not-allowed": 405,
    "not-acceptable": 406,
    "idempotency-in-progress": 409,
    "order-exists": 409,
    "asn-exists": 409,
    "bin-full": 409,
    "insufficient-stock": 409,
    "state-conflict": 409,
    "quota": 409,
    "below-reserved": 409,
    "epc-bound": 409,
    "epc-retired": 409,
    "no-untagged-stock": 409,
    "not-empty": 409,
    "serial-required": 409,
    "tag-duplicate": 409,
    "import-in-progress": 409,
    "config-none": 409,
    "tracking-in-use": 409,
    "location-locked": 409,
    "lot-expired": 409,
    "lot-recalled": 409,
    "second-person": 409,
    "no-longer-kept": 410,
    "precondition-failed": 412,
    "body-too-large": 413,
    "too-many-rows": 413,
    "uri-too-long": 414,
    "unsupported-media-type": 415,
    "unsupported-encoding": 415,
    "validation": 422,
    "cursor-invalid": 422,
    "idempotency-key-reused": 422,
    "sku-unknown": 422,
    "sku-inactive": 422,
    "epc-scheme": 422,
    "gtin-mismatch": 422,
    "duplicate-line": 422,
    "ship-by-past": 422,
    "location-unknown": 422,
    "location-virtual": 422,
    "lot-expiry": 422,
    "still-refused": 422,
    "config-refused": 422,
    "webhook-url-invalid": 422,
    "webhook-url-forbidden": 422,
    "csv-header": 422,
    "csv-no-rows": 422,
    "row-columns": 422,
    "duplicate-key": 422,
    "min-max": 422,
    "gtin-charset": 422,
    "gtin-length": 422,
    "gtin-check": 422,
    "gtin-duplicate": 422,
    "integer": 422,
    "uom": 422,
    "required": 422,
    "whitespace": 422,
    "length": 422,
    "charset": 422,
    "format": 422,
    "range": 422,
    "choice": 422,
    "precondition-required": 428,
    "rate-limited": 429,
    "headers-too-large": 431,
    "internal": 500,
    "unavailable": 503,
}
MAX_ERRORS = 100
PROBLEM = "application/problem+json"


def status_of(code: str) -> int:
    """The HTTP status of a code; business refusals without a row of their own are 422."""
    return STATUS.get(code, 422)


def problem(
    code: str,
    detail: str,
    *,
    trace: str,
    errors: Sequence[FieldError] = (),
    lines: Sequence[Mapping[str, str | int]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document; at most 100 field errors, pointers cut to 64 characters a key."""
    status = status_of(code)
    body: dict[str, Any] = {
        "type": f"urn:dockledger:problem:{code}",
        "title": code.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
        "instance": f"urn:dockledger:trace:{trace}",
        "code": code,
        "trace": trace,
    }
    if errors:
        body["errors"] = [
            {"pointer": e.pointer, "code": e.code, "detail": e.detail, **_cell(e)}
            for e in errors[:MAX_ERRORS]
        ]
    if lines:
        body["lines"] = [dict(line) for line in lines[:MAX_ERRORS]]
    return Response(
        json.dumps(body).encode(), status_code=status, media_type=PROBLEM, headers=headers
    )


def _cell(error: FieldError) -> dict[str, Any]:
    """Where in a file the error is, for rows of CSV."""
    return {"row": error.row, "column": error.column} if isinstance(error, RowError) else {}


def refused(error: Refused, trace: str) -> Response:
    """The problem of a refusal."""
    headers = {"Retry-After": "1"} if error.code == "idempotency-in-progress" else None
    return problem(
        error.code,
        error.detail,
        trace=trace,
        errors=error.errors,
        lines=error.lines,
        headers=headers,
    )


def unavailable(error: Unavailable, trace: str) -> Response:
    """503 with Retry-After: the same request may succeed later."""
    return problem(
        "unavailable",
        "A service this needs is away or busy. Send the same request again.",
        trace=trace,
        headers={"Retry-After": str(error.retry_after_s)},
    )
