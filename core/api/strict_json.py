"""Strict JSON for request bodies: UTF-8, no BOM, no repeated keys, no NaN, bounded depth."""

from __future__ import annotations

import json
import math
from typing import Any

MAX_DEPTH = 32
MAX_NUMBER = 40


class JsonError(ValueError):
    """`code` is json-malformed or json-duplicate-key."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def _malformed(detail: str) -> JsonError:
    return JsonError("json-malformed", detail)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise JsonError("json-duplicate-key", "An object has the same key twice. Send it once.")
    return out


def _constant(_: str) -> Any:
    raise _malformed("NaN and Infinity are not JSON.")


def _integer(text: str) -> int:
    if len(text) > MAX_NUMBER:
        raise _malformed(f"A number has more than {MAX_NUMBER} characters.")
    return int(text)


def _float(text: str) -> float:
    value = float(text) if len(text) <= MAX_NUMBER else math.inf
    if not math.isfinite(value):
        raise _malformed("A number is too long or too large.")
    return value


def _too_deep(text: str) -> bool:
    depth, quoted, escaped = 0, False, False
    for char in text:
        if quoted:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                quoted = False
        elif char == '"':
            quoted = True
        elif char in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif char in "]}":
            depth -= 1
    return False


def parse(payload: bytes) -> Any:
    """The one document in `payload`; raises `JsonError`."""
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        raise _malformed("The body is not UTF-8.") from None
    if text.startswith("\ufeff"):
        raise _malformed("The body begins with a byte order mark. Send plain UTF-8.")
    if text.count("[") + text.count("{") > MAX_DEPTH and _too_deep(text):
        raise _malformed(f"The document nests deeper than {MAX_DEPTH}.")
    try:
        document = json.loads(
            text,
            object_pairs_hook=_pairs,
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=_float,
        )
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except JsonError:
        raise
    except UnicodeEncodeError:
        raise _malformed("A text holds half of a surrogate pair.") from None
    except (ValueError, RecursionError):
        raise _malformed("The body is not one JSON document.") from None
    return document
