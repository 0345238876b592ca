"""Fields of every wire message: type, range and word list, and the order they are judged in.

Missing comes first, then unknown, type, NUL and range; the first that fails names the code.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

MAX_INT = 2**63 - 1
TIME_MAX = MAX_INT
Problem = tuple[str, str]
"""Code and JSON pointer below the object that was judged."""


class Field(NamedTuple):
    """One field; `low` and `high` bound a number, or the length of a text or list."""

    name: str
    type: Literal["text", "int", "number", "bool", "list"]
    low: float = 0
    high: float = MAX_INT
    required: bool = True
    nullable: bool = False
    words: frozenset[str] | None = None
    pattern: re.Pattern[str] | None = None
    nul: bool = False

    def has_type(self, value: object) -> bool:
        """Whether the JSON type is right; true and false are never numbers."""
        if value is None:
            return self.nullable
        match self.type:
            case "text":
                return isinstance(value, str)
            case "int":
                return type(value) is int
            case "number":
                return type(value) in (int, float)
            case "bool":
                return isinstance(value, bool)
            case "list":
                return isinstance(value, list)

    def in_range(self, value: object) -> bool:
        """Whether a value of the right type is one this field may hold."""
        if isinstance(value, str):
            return (
                self.low <= len(value) <= self.high
                and (self.words is None or value in self.words)
                and (self.pattern is None or self.pattern.fullmatch(value) is not None)
            )
        if isinstance(value, int | float):
            return self.low <= value <= self.high
        return True


def text(name: str, low: int, high: int, *words: str, required: bool = True) -> Field:
    """A text of low to high characters, or one of these words."""
    return Field(name, "text", low, high, required, words=frozenset(words) or None)


def _optional(name: str, kind: Literal["int", "number"], low: float, high: float) -> Field:
    return Field(name, kind, low, high, required=False)


HEADER = (
    Field("schema", "text"),
    text("site", 1, 64),
    text("agent", 1, 128),
    Field("boot", "int", 1),
    Field("seq", "int", 1),
    Field("sent_at", "int", 0),
)
DEVICE = text("device", 1, 64)
OCCURRED_AT = Field("occurred_at", "int", 0, TIME_MAX)
READ = (
    Field("epc", "text"),
    DEVICE,
    Field("antenna", "int", 1, 64, nullable=True),
    Field("rssi_dbm", "number", -130, 0, nullable=True),
    OCCURRED_AT,
    _optional("count", "int", 1, 1_000_000),
    _optional("first_at", "int", 0, TIME_MAX),
    _optional("last_at", "int", 0, TIME_MAX),
    Field("rssi_mean_dbm", "number", -130, 0, required=False, nullable=True),
    _optional("rssi_spread_db", "number", 0, 60),
    Field("tid", "text", required=False),
    _optional("phase_deg", "number", 0, math.nextafter(360.0, 0.0)),
    _optional("frequency_khz", "int", 840_000, 960_000),
    _optional("tx_power_dbm", "number", 0, 40),
    _optional("doppler_hz", "number", -1_000, 1_000),
    Field("pc", "text", 4, 4, required=False, pattern=re.compile(r"[0-9A-Fa-f]{4}")),
)
SCAN = (
    DEVICE,
    Field("code", "text", 0, 256, nul=True),
    OCCURRED_AT,
    text("symbology", 1, 8, required=False),
)
SENSOR = (DEVICE, text("kind", 1, 32), OCCURRED_AT)


def _measured(low: float, high: float) -> tuple[Field, ...]:
    return Field("value", "number", low, high), Field("unit", "text")


UNITS = {"temperature": "Cel", "humidity": "%", "battery": "%", "weight": "kg"}
SENSOR_KINDS: dict[str, tuple[Field, ...]] = {
    "temperature": _measured(-100, 200),
    "humidity": _measured(0, 100),
    "battery": _measured(0, 100),
    "weight": _measured(0, 100_000),
    "command": (text("id", 1, 128), text("state", 1, 16, "done", "refused", "expired")),
    "photo_eye": (text("state", 1, 16, "blocked", "clear"),),
    "gpi": (Field("port", "int", 1, 64), text("state", 1, 16, "high", "low")),
}
_BELT = (text("event", 1, 16), text("belt", 1, 64))
CONVEYOR_EVENTS: dict[str, tuple[Field, ...]] = {
    "divert": (*_BELT, Field("lane", "int", 1, 999), text("handling_unit", 1, 64)),
    "speed": (*_BELT, Field("speed_mps", "number", 0, 20)),
    "jam": _BELT,
    "jam_clear": _BELT,
}
STATUS = (
    text("state", 1, 16, "online", "degraded", "offline"),
    text("version", 0, 32, required=False),
    _optional("spooled", "int", 0, MAX_INT),
    _optional("free_bytes", "int", 0, MAX_INT),
    _optional("oldest_at", "int", 0, TIME_MAX),
    _optional("clock_offset_ms", "number", -math.inf, math.inf),
    Field("devices", "list", required=False),
    _optional("config_version", "int", 0, MAX_INT),
    _optional("config_offered", "int", 0, MAX_INT),
    text(
        "config_state",
        *(1, 16),
        *("local", "trial", "applied", "refused", "fallback"),
        required=False,
    ),
    text("config_error", 0, 256, required=False),
)
MAX_DEVICES = 64
DEVICE_ALARMS = frozenset(
    ("antenna_fault", "antenna_silent", "rate_collapse", "reference_missing", "overflow", "skew")
)
DEVICE_STATUS = (
    DEVICE,
    text("state", 1, 16, "live", "stale", "dead"),
    Field("alarms", "list", required=False),
    Field("antennas", "list", required=False),
    Field("missing", "list", required=False),
    _optional("clock_skew_ms", "number", -math.inf, math.inf),
    _optional("clock_jumps", "int", 0, MAX_INT),
    _optional("overflows", "int", 0, MAX_INT),
)
MAX_ALARMS, MAX_ANTENNAS, MAX_MISSING, EPC_CHARACTERS = 16, 64, 16, 128
ANTENNA_STATUS = (
    Field("antenna", "int", 1, 64),
    text("state", 1, 16, "ok", "fault", "silent"),
    Field("reads", "int", 0),
    Field("tags", "int", 0),
    _optional("rssi_mean_dbm", "number", -130, 0),
    _optional("last_read_at", "int", 0, TIME_MAX),
)
CURSOR = (
    Field("newest_boot", "int", 0),
    _optional("retry_after_ms", "int", 0, MAX_INT),
)
COMMAND = (
    text("id", 1, 128),
    Field("device", "text", 1, 64, nullable=True),
    Field("ttl_ms", "int", 1, 60_000),
    text("action", 1, 16, "light", "gpo", "divert", "resend", "configure"),
)
ACTIONS: dict[str, tuple[Field, ...]] = {
    "light": (text("colour", 1, 16, "green", "amber", "red", "off"),),
    "gpo": (Field("port", "int", 1, 64), Field("state", "bool")),
    "divert": (Field("lane", "int", 1, 999), text("handling_unit", 1, 64)),
    "resend": (Field("from_seq", "int", 1),),
    "configure": (text("document", 0, 65_536), _optional("version", "int", 1, MAX_INT)),
}


def pointer(*steps: str | int) -> str:
    """A JSON pointer; of a key from outside it names the first 64 characters."""
    return "".join("/" + str(step)[:64].replace("~", "~0").replace("/", "~1") for step in steps)


def missing(found: dict[str, object], fields: Sequence[Field]) -> Problem | None:
    """The first required field that is absent."""
    for field in fields:
        if field.required and field.name not in found:
            return "E_FIELD_MISSING", pointer(field.name)
    return None


def unknown(found: dict[str, object], fields: Sequence[Field]) -> Problem | None:
    """The first key that is no field."""
    names = {field.name for field in fields}
    for name in found:
        if name not in names:
            return "E_FIELD_UNKNOWN", pointer(name)
    return None


def wrong_type(found: dict[str, object], fields: Sequence[Field]) -> Problem | None:
    """The first field of another JSON type."""
    for field in fields:
        if field.name in found and not field.has_type(found[field.name]):
            return "E_FIELD_TYPE", pointer(field.name)
    return None


def wrong_value(found: dict[str, object], fields: Sequence[Field]) -> Problem | None:
    """The first field with U+0000 in it, then the first outside its range."""
    for field in fields:
        value = found.get(field.name)
        if isinstance(value, str) and not field.nul and "\0" in value:
            return "E_NUL", pointer(field.name)
    for field in fields:
        if field.name in found and not field.in_range(found[field.name]):
            return "E_FIELD_RANGE", pointer(field.name)
    return None


def problem_of(found: dict[str, object], fields: Sequence[Field]) -> Problem | None:
    """The first problem of one flat object."""
    return (
        missing(found, fields)
        or unknown(found, fields)
        or wrong_type(found, fields)
        or wrong_value(found, fields)
    )


def word_problem(
    found: dict[str, object], name: str, words: dict[str, tuple[Field, ...]], code: str
) -> Problem | None:
    """Whether the field that decides which others belong is there and known."""
    if name not in found:
        return "E_FIELD_MISSING", pointer(name)
    value = found[name]
    if not isinstance(value, str):
        return "E_FIELD_TYPE", pointer(name)
    return None if value in words else (code, pointer(name))
