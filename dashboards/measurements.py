"""The measurements: names, tags and fields that the writer and the panels share, and their lines.

A tag is a place or a device, never an EPC or an order: each value of a tag is a series for ever.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

Value = int | float | str
Kinds = Mapping[str, type[int] | type[float] | type[str]]
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Measurement:
    """A kind of point. Every point has all the tags, and fields of these names and types."""

    name: str
    tags: tuple[str, ...]
    fields: Kinds = field(hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", MappingProxyType(dict(self.fields)))


AGENT = Measurement(
    "agent",
    ("site", "agent"),
    # online: 1 or 0; age_s: how long the oldest message of its spool has waited.
    {"online": int, "spooled": int, "free_bytes": int, "clock_offset_ms": float, "age_s": float},
)
DEVICE = Measurement(
    "device",
    ("site", "agent", "device"),
    # state: 0 dead, 1 stale, 2 live; alarms: how many of its named alarms stand.
    {"state": int, "reads_s": float, "alarms": int, "skew_ms": float, "overflows": int},
)
ANTENNA = Measurement(
    "antenna",
    # The tag `antenna` is device/port, so that one tag names a line.
    ("site", "agent", "device", "antenna"),
    # Over the last minute: raw reads, distinct tags, their mean level.
    {"reads": int, "tags": int, "rssi_dbm": float},
)
GATEWAY = Measurement(
    "gateway",
    ("site", "cell"),
    {
        "readings_s": float,
        "messages_s": float,
        "refused": int,
        "group_size": float,
        "commit_ms": float,
        "lag_messages": int,
    },
)
VERDICT = Measurement("verdict", ("site", "portal"), {"latency_ms": float})
API = Measurement("api", ("site",), {"requests_s": float, "errors_s": float, "p99_ms": float})
WORKER = Measurement(
    "worker", ("site",), {"relay_lag_s": float, "queue_age_s": float, "dead_letters": int}
)
MEASUREMENTS = (AGENT, DEVICE, ANTENNA, GATEWAY, VERDICT, API, WORKER)


def line(
    measurement: Measurement, tags: Mapping[str, str], fields: Mapping[str, Value], at_us: int
) -> str:
    """One line of line protocol; "" when no field has a value that can be stored.

    Raises `ValueError` for a tag that is missing, unknown or cannot be written, and for a field
    that the measurement does not have.
    """
    if set(tags) != set(measurement.tags):
        raise ValueError(f"the tags of {measurement.name} are {', '.join(measurement.tags)}")
    if not set(fields) <= set(measurement.fields):
        raise ValueError(f"the fields of {measurement.name} are {', '.join(measurement.fields)}")
    place = "".join(f",{_key(name)}={_tag(tags[name])}" for name in sorted(tags))
    kinds = measurement.fields
    said = [(name, _value(value, kinds[name])) for name, value in fields.items()]
    values = ",".join(f"{_key(name)}={text}" for name, text in said if text)
    if not values:
        return ""
    return f"{_measurement(measurement.name)}{place} {values} {at_us * 1000}"


def _measurement(text: str) -> str:
    return text.replace(",", "\\,").replace(" ", "\\ ")


def _key(text: str) -> str:
    return text.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")


def _tag(text: str) -> str:
    # Line protocol has no way to write these.
    if not text or text.endswith("\\") or not text.isprintable():
        raise ValueError("a tag is printable text and does not end with a backslash")
    return _key(text)


def _value(value: Value, kind: type[int] | type[float] | type[str]) -> str:
    """The text of a value in the field's own type, so that no point meets a type conflict."""
    if kind is str:
        text = str(value).replace("\\", "\\\\").replace('"', '\\"')
        return '"' + " ".join(text.splitlines()) + '"'
    if isinstance(value, str):
        raise ValueError("a number is needed")
    if not math.isfinite(value):
        return ""
    if kind is float:
        return repr(float(value))
    whole = int(value)
    return f"{whole}i" if abs(whole) <= _LARGEST else ""
