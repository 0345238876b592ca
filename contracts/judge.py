"""What one reading must be: its fields in their order, then what they mean.

Device, antenna and belt are looked up by the gateway: here a reading is judged by itself alone.
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec
from msgspec import UNSET

from contracts.fields import (
    CONVEYOR_EVENTS,
    READ,
    SCAN,
    SENSOR,
    SENSOR_KINDS,
    UNITS,
    Problem,
    problem_of,
    word_problem,
    wrong_value,
)
from contracts.gs1.epc import EpcError, look_up
from contracts.gs1.keys import KeyRefusedError, handling_unit_key
from contracts.v1 import Observation, Scan, SensorReading

OLDEST_US = 7 * 86_400_000_000
AHEAD_US = 300_000_000
_TID = re.compile(r"(?:[0-9A-Fa-f]{4}){2,32}")
_KINDS = {**SENSOR_KINDS, "conveyor": ()}
Reading = Observation | Scan | SensorReading
R = TypeVar("R", Observation, Scan, SensorReading)


def _struct(found: object, kind: type[R]) -> R:
    return msgspec.convert(found, kind)


def read_fields(found: object) -> Observation | Problem:
    """One entry of `reads`, by its fields alone."""
    if not isinstance(found, dict):
        return "E_FIELD_TYPE", ""
    problem = problem_of(found, READ)
    if problem is None and not _in_order(found):
        return "E_FIELD_RANGE", "/occurred_at"
    return problem or _struct(found, Observation)


def _in_order(found: dict[str, int]) -> bool:
    at = found["occurred_at"]
    return found.get("first_at", at) <= at <= found.get("last_at", at)


def scan_fields(found: object) -> Scan | Problem:
    """One entry of `scans`, by its fields alone; what its code says is judged with the scan."""
    if not isinstance(found, dict):
        return "E_FIELD_TYPE", ""
    return problem_of(found, SCAN) or _struct(found, Scan)


def sensor_fields(found: object) -> SensorReading | Problem:
    """One entry of `sensors`: its kind says which fields belong."""
    if not isinstance(found, dict):
        return "E_FIELD_TYPE", ""
    if problem := word_problem(found, "kind", _KINDS, "E_KIND"):
        return problem
    if found["kind"] != "conveyor":
        more = SENSOR_KINDS[found["kind"]]
    elif problem := word_problem(found, "event", CONVEYOR_EVENTS, "E_EVENT"):
        return problem
    else:
        more = CONVEYOR_EVENTS[found["event"]]
    return problem_of(found, SENSOR + more) or _struct(found, SensorReading)


def _window(at: int, sent_at: int, name: str) -> Problem | None:
    if at < sent_at - OLDEST_US:
        return "E_TS_OLD", f"/{name}"
    return ("E_TS_FUTURE", f"/{name}") if at > sent_at + AHEAD_US else None


def read_meaning(read: Observation, *, sent_at: int) -> Problem | None:
    """EPC, windows of its times, TID."""
    if read.pc is not UNSET and wrong_value({"pc": read.pc}, READ):
        return "E_FIELD_RANGE", "/pc"
    if read.first_at is not UNSET and read.first_at > read.occurred_at:
        return "E_FIELD_RANGE", "/occurred_at"
    if read.last_at is not UNSET and read.last_at < read.occurred_at:
        return "E_FIELD_RANGE", "/occurred_at"
    try:
        look_up(read.epc, None if read.pc is UNSET else read.pc)
    except EpcError as refusal:
        return refusal.code, "/epc"
    if problem := _window(read.occurred_at, sent_at, "occurred_at"):
        return problem
    for name, at in (("first_at", read.first_at), ("last_at", read.last_at)):
        if at is not UNSET and (problem := _window(at, sent_at, name)):
            return problem
    if read.tid is not UNSET and _TID.fullmatch(read.tid) is None:
        return "E_TID_HEX", "/tid"
    return None


def scan_meaning(scan: Scan, *, sent_at: int) -> Problem | None:
    """The window of its time."""
    return _window(scan.occurred_at, sent_at, "occurred_at")


def sensor_meaning(sensor: SensorReading, *, sent_at: int) -> Problem | None:
    """The window of its time, its unit, the handling unit of a divert."""
    if problem := _window(sensor.occurred_at, sent_at, "occurred_at"):
        return problem
    if sensor.kind in UNITS and sensor.unit != UNITS[sensor.kind]:
        return "E_UNIT", "/unit"
    if sensor.kind == "conveyor" and sensor.handling_unit is not UNSET:
        try:
            handling_unit_key(sensor.handling_unit)
        except KeyRefusedError as refusal:
            return refusal.code, "/handling_unit"
    return None
