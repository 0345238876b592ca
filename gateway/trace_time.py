"""Times of recorded traces: epochs in any usual unit and ISO 8601 texts, as microseconds UTC.

Integers and decimal digits only: a time never passes through a float, and nanoseconds are cut.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

# 2010 to 2100 in microseconds; the same window in s, ms and ns overlaps none of the others.
OLDEST, NEWEST = 1_262_304_000_000_000, 4_102_444_800_000_000
_UNITS = ((1_000_000, 1), (1_000, 1), (1, 1), (1, 1_000))
_NUMBER = re.compile(r"\d{1,19}(?:\.\d{1,12})?\Z", re.ASCII)
_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,12}))?"
    r"(?: ?([Zz]|[+-]\d{2}:?\d{2}|[+-]\d{2}))?\Z",
    re.ASCII,
)


class TraceTimeError(ValueError):
    """`code` is E_FIELD_TYPE, E_FIELD_RANGE, E_TS_OLD or E_TS_FUTURE."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def parse_time(value: object) -> int:
    """Microseconds UTC of an epoch (s, ms, us or ns by its size) or of an ISO text.

    An ISO text without an offset counts as UTC. Raises `TraceTimeError`.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise TraceTimeError("E_FIELD_TYPE")
    if isinstance(value, str):
        text = value.strip()
        found = _ISO.match(text)
        if found is not None:
            return _checked(_of_iso(found))
        if _NUMBER.match(text) is None:
            raise TraceTimeError("E_FIELD_RANGE")
        return _of_epoch(Decimal(text))
    return _of_epoch(Decimal(str(value)))


def _of_epoch(number: Decimal) -> int:
    for times, by in _UNITS:
        micros = int(number * times / by)
        if OLDEST <= micros < NEWEST:
            return micros
    micros = int(number)
    # Between two windows: too late for its own unit, too early for the next finer one.
    for times, by in _UNITS:
        if NEWEST <= int(number * times / by) < NEWEST * 10:
            raise TraceTimeError("E_TS_FUTURE")
    raise TraceTimeError("E_TS_OLD" if micros < NEWEST else "E_TS_FUTURE")


def _of_iso(found: re.Match[str]) -> int:
    day, clock, fraction, zone = found.groups()
    try:
        whole = dt.datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=dt.UTC)
    except ValueError:
        raise TraceTimeError("E_FIELD_RANGE") from None
    seconds = int((whole - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)).total_seconds())
    return (seconds - _offset_s(zone)) * 1_000_000 + int((fraction or "0").ljust(6, "0")[:6])


def _offset_s(zone: str | None) -> int:
    if zone is None or zone in "Zz":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 14 or minutes > 59:
        raise TraceTimeError("E_FIELD_RANGE")
    seconds = hours * 3600 + minutes * 60
    return -seconds if zone[0] == "-" else seconds


def _checked(micros: int) -> int:
    if micros < OLDEST:
        raise TraceTimeError("E_TS_OLD")
    if micros >= NEWEST:
        raise TraceTimeError("E_TS_FUTURE")
    return micros
