"""Builders of wire messages for the tests: a good one, and the same with something changed."""

from __future__ import annotations

import json

from contracts.codec import Content, ContractViolation, decode_up
from contracts.topics import UpKind, UpTopic

NOW = 1_795_000_000_000_000
TOPIC = UpTopic("a", "dock-03", "reads")
CONVEYOR = UpTopic("a", "conv-01", "sensors")
EPC = "3074257BF7194E4000001A85"

Json = dict[str, object]


def a_read(**changes: object) -> Json:
    """One good observation."""
    read: Json = {
        "epc": EPC,
        "device": "r1",
        "antenna": 1,
        "rssi_dbm": -61.5,
        "occurred_at": NOW,
    }
    return with_changes(read, changes)


def a_sensor(kind: str = "temperature", /, **changes: object) -> Json:
    """One good sensor reading of this kind."""
    more: dict[str, Json] = {
        "temperature": {"value": 4.2, "unit": "Cel"},
        "gpi": {"port": 2, "state": "high"},
        "photo_eye": {"state": "blocked"},
        "command": {"id": "c-1", "state": "done"},
        "conveyor": {
            "event": "divert",
            "belt": "B1",
            "lane": 3,
            "handling_unit": "106141412345678908",
        },
    }
    reading: Json = {"device": "plc1", "kind": kind, "occurred_at": NOW, **more[kind]}
    return with_changes(reading, changes)


def a_device(**changes: object) -> Json:
    """One live device of a status."""
    return with_changes({"device": "r1", "state": "live"}, changes)


def an_antenna(**changes: object) -> Json:
    """One antenna of it that reads."""
    return with_changes({"antenna": 1, "state": "ok", "reads": 9, "tags": 2}, changes)


def with_changes(found: Json, changes: Json) -> Json:
    """The same with these fields; `...` takes one away."""
    merged = {**found, **changes}
    return {name: value for name, value in merged.items() if value is not ...}


def a_message(kind: UpKind = "reads", /, **changes: object) -> Json:
    """A good message of this topic."""
    content: dict[UpKind, Json] = {
        "reads": {"reads": [a_read()]},
        "scans": {"scans": [{"device": "r1", "code": "]C1", "occurred_at": NOW}]},
        "sensors": {"sensors": [a_sensor()]},
        "status": {"state": "online"},
    }
    header: Json = {
        "schema": f"{kind}.v1",
        "site": "a",
        "agent": "conv-01" if kind == "sensors" else "dock-03",
        "boot": 7,
        "seq": 1001,
        "sent_at": NOW,
    }
    return with_changes({**header, **content[kind]}, changes)


def topic_of(kind: UpKind) -> UpTopic:
    """The topic `a_message` of this kind belongs to."""
    return UpTopic("a", "conv-01" if kind == "sensors" else "dock-03", kind)


def spelled(message: Json) -> bytes:
    """The message as a foreign agent may spell it: with spaces."""
    return json.dumps(message).encode()


def accepted(message: Json, *, kind: UpKind = "reads", now: int = NOW) -> Content:
    """The content of a message that is not refused as a whole."""
    return decode_up(spelled(message), topic=topic_of(kind), now=now)[1]


def refusal(payload: bytes, *, kind: UpKind = "reads", **how: object) -> tuple[int, str, str]:
    """Check, code and pointer under which the whole message is refused."""
    qos, retain = (0 if how.get("qos") == 0 else 1), bool(how.get("retain"))
    try:
        decode_up(payload, topic=topic_of(kind), now=NOW, qos=qos, retain=retain)
    except ContractViolation as violation:
        return violation.check, violation.code, violation.pointer
    raise AssertionError("the message was accepted")


def problem(message: Json, *, kind: UpKind = "reads") -> tuple[str, str] | None:
    """Code and pointer of the only bad reading, None when all are good."""
    content = accepted(message, kind=kind)
    if not content.problems:
        return None
    (bad,) = content.problems
    return bad.code, bad.pointer
