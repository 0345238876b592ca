"""From pydantic to field errors: a pointer, one code of ours, a sentence without the value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.domain.errors import FieldError

_CODES = {
    "missing": "required",
    "extra_forbidden": "unknown-field",
    "too_short": "length",
    "too_long": "length",
    "string_too_short": "length",
    "string_too_long": "length",
    "string_pattern_mismatch": "charset",
    "literal_error": "choice",
    "enum": "choice",
    "greater_than": "range",
    "greater_than_equal": "range",
    "less_than": "range",
    "less_than_equal": "range",
    "uuid_parsing": "format",
    "int_parsing": "type",
    "int_parsing_size": "range",
}
OURS = frozenset(
    {"required", "unknown-field", "type", "whitespace", "length"}
    | {"charset", "format", "choice", "range", "duplicate"}
)
_DETAIL = {
    "required": "This is required.",
    "unknown-field": "There is no such field here. Remove it or correct its name.",
    "type": "This has the wrong JSON type.",
    "length": "This has too few or too many entries or characters.",
    "charset": "This has a character that is not allowed here.",
    "choice": "This is not in the list of words.",
    "range": "This is outside its range.",
    "format": "This does not have the right form.",
}


def code_of(kind: str) -> str:
    """Our code for an error type of pydantic."""
    if kind in OURS:
        return kind
    return _CODES.get(kind, "type")


def pointer_of(location: Iterable[str | int]) -> str:
    """JSON pointer of a body field, `?name` of a query parameter; keys cut to 64 characters."""
    parts = list(location)
    if parts and parts[0] == "query":
        return f"?{str(parts[1])[:64]}" if len(parts) > 1 else "?"
    if parts and parts[0] in {"body", "path", "header"}:
        parts = parts[1:]
    escaped = (str(p)[:64].replace("~", "~0").replace("/", "~1") for p in parts)
    return "".join(f"/{p}" for p in escaped)


def field_errors(findings: Iterable[Mapping[str, Any]]) -> tuple[FieldError, ...]:
    """One error per pointer, in document order, the first code of the fixed order winning."""
    chosen: dict[str, FieldError] = {}
    for finding in findings:
        code = code_of(str(finding["type"]))
        context = finding.get("ctx") or {}
        detail = str(context.get("detail") or _DETAIL.get(code, "This is not valid."))
        pointer = pointer_of(finding["loc"])
        if pointer not in chosen:
            chosen[pointer] = FieldError(pointer, code, detail)
    return tuple(chosen.values())
