"""Field types of request bodies: each wrong value gets one code of the field list, in fixed order.

Order: required, unknown-field, type, blank = required, whitespace, length, charset, format, choice,
range, duplicate. Codes travel as pydantic custom error types.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

ID = re.compile(r"[A-Za-z0-9#][A-Za-z0-9._:/#-]*")
SKU = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)


class Body(BaseModel):
    """A request body: unknown fields are refused, types are never converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Check:
    """One rule for a field, used as `Annotated[str, text(64)]`: a check and its JSON schema."""

    def __init__(self, check: Callable[[Any], Any], schema: dict[str, Any]) -> None:
        self._check = check
        self._schema = schema

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        """Our check alone decides."""
        return core_schema.no_info_plain_validator_function(self._check)

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: Any) -> dict[str, Any]:
        """What the OpenAPI document says of the field."""
        return dict(self._schema)


def fail(code: str, detail: str) -> PydanticCustomError:
    """A field error with one of our codes."""
    return PydanticCustomError(code, "{detail}", {"detail": detail})


def _checked(value: Any, low: int, high: int, pattern: re.Pattern[str] | None, lines: bool) -> str:
    if not isinstance(value, str):
        raise fail("type", "This must be a text.")
    if not value.strip():
        raise fail("required", "This must not be empty.")
    if value != value.strip():
        raise fail("whitespace", "Remove the space at the beginning or end.")
    if not low <= len(value) <= high:
        raise fail("length", f"This must have {low} to {high} characters.")
    if pattern is not None:
        if pattern.fullmatch(value) is None:
            raise fail("charset", "This has a character that is not allowed here.")
        return value
    return _free(value, lines=lines)


def _free(value: str, *, lines: bool) -> str:
    for char in value:
        if (unicodedata.category(char) == "Cc" and not (lines and char == "\n")) or char in _BIDI:
            raise fail("charset", "Control characters and text direction marks are not allowed.")
    return unicodedata.normalize("NFC", value)


def text(
    high: int, *, low: int = 1, pattern: re.Pattern[str] | None = None, lines: bool = False
) -> Check:
    """A text of `low` to `high` characters, of a pattern or free without control characters."""
    schema: dict[str, Any] = {"type": "string", "minLength": low, "maxLength": high}
    if pattern is not None:
        schema["pattern"] = f"^{pattern.pattern}$"
    return Check(lambda value: _checked(value, low, high, pattern, lines), schema)


def whole(low: int, high: int) -> Check:
    """An integer in a range; a float, text or boolean is a `type` error, never converted."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise fail("type", "This must be a whole number.")
        if not low <= value <= high:
            raise fail("range", f"This must be between {low} and {high}.")
        return value

    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Check(check, schema)


def choice(*words: str) -> Check:
    """One word of a list."""

    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise fail("type", "This must be a text.")
        if not value:
            raise fail("required", "This must not be empty.")
        if value not in words:
            raise fail("choice", f"This must be one of: {', '.join(words)}.")
        return value

    schema = {"type": "string", "enum": list(words)}
    return Check(check, schema)


def _instant(value: Any) -> int:
    if not isinstance(value, str):
        raise fail("type", "This must be a text with a date and time.")
    if not value.strip():
        raise fail("required", "This must not be empty.")
    if value != value.strip():
        raise fail("whitespace", "Remove the space at the beginning or end.")
    if _INSTANT.fullmatch(value) is None:
        raise fail(
            "format", "This must be a date and time with offset, as in 2026-03-02T09:15:00Z."
        )
    return parse_instant(value)


def parse_instant(value: str) -> int:
    """RFC 3339 to microseconds UTC; nanoseconds are cut. Years 2000 to 2100."""
    head = re.sub(r"(\.\d{6})\d+", r"\1", value.upper().replace("Z", "+00:00"))
    try:
        local = datetime.fromisoformat(head)
        moment = local.astimezone(UTC)
    except ValueError:
        raise fail("format", "There is no such date or time.") from None
    except OverflowError:
        raise fail("range", "The year must be between 2000 and 2100.") from None
    if not _EARLIEST <= moment < _LATEST:
        raise fail("range", "The year must be between 2000 and 2100.")
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    delta = moment - epoch
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def instant_text(us: int | None) -> str | None:
    """Microseconds UTC as RFC 3339 with `Z`; None stays None."""
    if us is None:
        return None
    seconds, micro = divmod(us, 1_000_000)
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{micro:06d}Z"


def no_repeats(key: Callable[[Any], Any] = lambda entry: entry) -> BeforeValidator:
    """Refuses a list that names the same thing twice; entries of a wrong type are told later."""

    def check(value: Any) -> Any:
        if isinstance(value, list):
            seen = set()
            for entry in value:
                mark = key(entry)
                if not isinstance(mark, Hashable):
                    continue
                if mark in seen:
                    raise fail("duplicate", "This is named twice.")
                seen.add(mark)
        return value

    return BeforeValidator(check)


Instant = Annotated[int, Check(_instant, {"type": "string", "format": "date-time"})]
ExternalId = Annotated[str, text(64, pattern=ID)]
Sku = Annotated[str, text(64, pattern=SKU)]
Word = Annotated[str, text(128, pattern=NAME)]
Note = Annotated[str, text(2000, lines=True)]
Quantity = Annotated[int, whole(1, 1_000_000)]
