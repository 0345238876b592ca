"""The order of checks: each message and reading is refused by the first that fails, by its code."""

from __future__ import annotations

import json

import pytest

from tests.unit.contracts.messages import (
    EPC,
    NOW,
    a_device,
    a_message,
    a_read,
    a_sensor,
    an_antenna,
    problem,
    refusal,
    spelled,
)

GOOD = spelled(a_message())
DAY = 86_400_000_000


def changed(old: bytes, new: bytes) -> bytes:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_an_oversized_payload_is_refused_before_it_is_read() -> None:
    assert refusal(b" " * 65_537) == (5, "E_SIZE", "")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        GOOD[:-1],
        GOOD + b" x",
        b"\xef\xbb\xbf" + GOOD,
        GOOD.decode().encode("utf-16"),
        changed(b"-61.5", b"NaN"),
        changed(b"-61.5", b"-1e999"),
        changed(b"-61.5", b"-61." + b"5" * 40),
        changed(b"1001", b"1" * 41),
        changed(b"-61.5", b"-061.5"),
        changed(b'"r1"', b'"r\x01"'),
        changed(b'"r1"', b'"\\ud800"'),
        changed(b'"r1"', b'"\xc0\xaf"'),
        changed(b'"r1"', b"/* x */ 1"),
        changed(b'"r1"', b"[" * 33 + b"]" * 33),
        b"[" * 60_000,
        b"\x1f\x8b\x08\x00",
        b"\xa1\x61a\x01",
    ],
)
def test_what_is_not_one_json_document_by_the_rules(payload: bytes) -> None:
    assert refusal(payload) == (5, "E_JSON", "")


def test_nesting_of_thirty_two_is_still_json() -> None:
    device = json.loads("[" * 29 + "]" * 29)
    message = a_message(reads=[a_read(device=device)])
    assert problem(message) == ("E_FIELD_TYPE", "/reads/0/device")


@pytest.mark.parametrize(
    "payload",
    [
        changed(b'"antenna": 1', b'"antenna": 1, "antenna": 1'),
        changed(b'"seq": 1001', b'"seq": 1001, "s\\u0065q": 1001'),
        changed(b'"site": "a"', b'"site": "a", "site": "a"'),
    ],
)
def test_a_key_twice_costs_the_whole_message(payload: bytes) -> None:
    assert refusal(payload) == (5, "E_JSON_DUPKEY", "")


def test_a_key_twice_is_seen_in_our_own_spelling_too() -> None:
    tight = json.dumps(a_message(), separators=(",", ":")).encode()
    twice = tight.replace(b'"antenna":1', b'"antenna":2,"antenna":1')
    assert refusal(twice) == (5, "E_JSON_DUPKEY", "")


def test_syntax_is_told_before_repeated_keys() -> None:
    assert refusal(changed(b'"boot": 7', b'"boot": 7, "boot": 7')[:-1])[1] == "E_JSON"


@pytest.mark.parametrize("payload", [b"[]", b"1", b"null", b'"x"'])
def test_the_top_level_is_an_object(payload: bytes) -> None:
    assert refusal(payload) == (6, "E_FIELD_TYPE", "")


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"schema": ...}, "E_FIELD_MISSING", "/schema"),
        ({"schema": 1}, "E_FIELD_TYPE", "/schema"),
        ({"site": None}, "E_FIELD_TYPE", "/site"),
        ({"site": ""}, "E_FIELD_RANGE", "/site"),
        ({"site": "a" * 65}, "E_FIELD_RANGE", "/site"),
        ({"agent": "dock\0"}, "E_NUL", "/agent"),
        ({"agent": "a" * 129}, "E_FIELD_RANGE", "/agent"),
        ({"boot": 0}, "E_FIELD_RANGE", "/boot"),
        ({"boot": 7.0}, "E_FIELD_TYPE", "/boot"),
        ({"boot": True}, "E_FIELD_TYPE", "/boot"),
        ({"boot": "7"}, "E_FIELD_TYPE", "/boot"),
        ({"seq": 0}, "E_FIELD_RANGE", "/seq"),
        ({"seq": 2**63}, "E_FIELD_RANGE", "/seq"),
        ({"seq": 2**64}, "E_FIELD_RANGE", "/seq"),
        ({"sent_at": -1}, "E_FIELD_RANGE", "/sent_at"),
        ({"site": ..., "seq": "x"}, "E_FIELD_MISSING", "/site"),
        ({"boot": "x", "sent_at": ...}, "E_FIELD_TYPE", "/boot"),
    ],
)
def test_header_fields_are_judged_one_by_one(
    changes: dict[str, object], code: str, pointer: str
) -> None:
    assert refusal(spelled(a_message(**changes))) == (6, code, pointer)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"site": "b"}, "/site"),
        ({"agent": "Dock-03"}, "/agent"),
        ({"schema": "scans.v1"}, "/schema"),
        ({"schema": "status.v1"}, "/schema"),
    ],
)
def test_a_header_that_differs_from_its_topic(changes: dict[str, object], pointer: str) -> None:
    assert refusal(spelled(a_message(**changes))) == (7, "E_TOPIC_MISMATCH", pointer)


def test_retained_is_told_first_then_qos_then_version_then_time_then_content() -> None:
    old = a_message(schema="reads.v9", sent_at=NOW - 8 * DAY, admin=True)
    assert refusal(spelled(old), retain=True, qos=0)[:2] == (4, "E_RETAINED")
    assert refusal(spelled(old), qos=0)[:2] == (9, "E_QOS")
    assert refusal(spelled(old)) == (9, "E_VERSION", "/schema")
    old["schema"] = "reads.v1"
    assert refusal(spelled(old)) == (10, "E_TS_OLD", "/sent_at")
    old["sent_at"] = NOW
    assert refusal(spelled(old)) == (11, "E_FIELD_UNKNOWN", "/admin")


@pytest.mark.parametrize(
    ("sent_at", "code"),
    [
        (NOW - 7 * DAY - 1, "E_TS_OLD"),
        (NOW + DAY + 1, "E_TS_FUTURE"),
        (NOW // 1000, "E_TS_OLD"),
        (NOW * 1000, "E_TS_FUTURE"),
    ],
)
def test_the_window_of_sending(sent_at: int, code: str) -> None:
    assert refusal(spelled(a_message(sent_at=sent_at))) == (10, code, "/sent_at")


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"reads": ..., "admin": 1}, "E_FIELD_MISSING", "/reads"),
        ({"__proto__": {}, "reads": 1}, "E_FIELD_UNKNOWN", "/__proto__"),
        ({"a/b~" + "c" * 99: 1}, "E_FIELD_UNKNOWN", "/a~1b~0" + "c" * 60),
        ({"reads": {}}, "E_FIELD_TYPE", "/reads"),
        ({"reads": []}, "E_BATCH_EMPTY", "/reads"),
        ({"reads": [1] * 501}, "E_BATCH_TOO_MANY", "/reads"),
    ],
)
def test_content_that_costs_the_whole_message(
    changes: dict[str, object], code: str, pointer: str
) -> None:
    assert refusal(spelled(a_message(**changes))) == (11, code, pointer)


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"epc": ..., "hint": 1}, "E_FIELD_MISSING", "epc"),
        ({"hint": 1, "antenna": "x"}, "E_FIELD_UNKNOWN", "hint"),
        ({"epc": None}, "E_FIELD_TYPE", "epc"),
        ({"antenna": 1.0}, "E_FIELD_TYPE", "antenna"),
        ({"antenna": True}, "E_FIELD_TYPE", "antenna"),
        ({"count": None}, "E_FIELD_TYPE", "count"),
        ({"device": "r\0", "antenna": 65}, "E_NUL", "device"),
        ({"antenna": 0}, "E_FIELD_RANGE", "antenna"),
        ({"antenna": 65, "epc": "XX"}, "E_FIELD_RANGE", "antenna"),
        ({"rssi_dbm": 0.5}, "E_FIELD_RANGE", "rssi_dbm"),
        ({"rssi_dbm": -130.5}, "E_FIELD_RANGE", "rssi_dbm"),
        ({"phase_deg": 360}, "E_FIELD_RANGE", "phase_deg"),
        ({"frequency_khz": 915}, "E_FIELD_RANGE", "frequency_khz"),
        ({"pc": "30"}, "E_FIELD_RANGE", "pc"),
        ({"first_at": NOW + 1}, "E_FIELD_RANGE", "occurred_at"),
        ({"last_at": NOW - 1}, "E_FIELD_RANGE", "occurred_at"),
        ({"device": ""}, "E_FIELD_RANGE", "device"),
        ({"epc": EPC + "0"}, "E_EPC_LEN", "epc"),
        ({"occurred_at": NOW - 7 * DAY - 1}, "E_TS_OLD", "occurred_at"),
        ({"occurred_at": NOW + 300_000_001}, "E_TS_FUTURE", "occurred_at"),
        ({"first_at": NOW - 7 * DAY - 1}, "E_TS_OLD", "first_at"),
        ({"last_at": NOW + 300_000_001}, "E_TS_FUTURE", "last_at"),
        ({"tid": "E28G1170"}, "E_TID_HEX", "tid"),
        ({"tid": "E280117"}, "E_TID_HEX", "tid"),
    ],
)
def test_a_bad_read(changes: dict[str, object], code: str, field: str) -> None:
    assert problem(a_message(reads=[a_read(**changes)])) == (code, f"/reads/0/{field}")


@pytest.mark.parametrize("good", [{"antenna": None}, {"rssi_dbm": None}, {"phase_deg": 359.99}])
def test_values_that_may_be_unknown_or_at_the_edge(good: dict[str, object]) -> None:
    assert problem(a_message(reads=[a_read(**good)])) is None


def test_a_reading_that_is_no_object() -> None:
    assert problem(a_message(reads=[5])) == ("E_FIELD_TYPE", "/reads/0")


@pytest.mark.parametrize(
    ("kind", "changes", "code", "field"),
    [
        ("temperature", {"kind": ..., "device": ...}, "E_FIELD_MISSING", "kind"),
        ("temperature", {"kind": 5}, "E_FIELD_TYPE", "kind"),
        ("temperature", {"kind": "t\nx v=1"}, "E_KIND", "kind"),
        ("temperature", {"value": ...}, "E_FIELD_MISSING", "value"),
        ("temperature", {"value": 200.5}, "E_FIELD_RANGE", "value"),
        ("temperature", {"unit": "cel"}, "E_UNIT", "unit"),
        ("temperature", {"port": 1}, "E_FIELD_UNKNOWN", "port"),
        ("gpi", {"state": "up"}, "E_FIELD_RANGE", "state"),
        ("gpi", {"port": 0}, "E_FIELD_RANGE", "port"),
        ("photo_eye", {"state": "high"}, "E_FIELD_RANGE", "state"),
        ("command", {"state": "lost"}, "E_FIELD_RANGE", "state"),
        ("conveyor", {"event": ...}, "E_FIELD_MISSING", "event"),
        ("conveyor", {"event": "explode"}, "E_EVENT", "event"),
        ("conveyor", {"lane": 0}, "E_FIELD_RANGE", "lane"),
        ("conveyor", {"belt": ...}, "E_FIELD_MISSING", "belt"),
        ("conveyor", {"value": 1}, "E_FIELD_UNKNOWN", "value"),
        ("conveyor", {"handling_unit": "106141412345678907"}, "E_BC_CHECK", "handling_unit"),
        ("conveyor", {"handling_unit": "T-1"}, "E_BC_CHARSET", "handling_unit"),
        ("conveyor", {"event": "jam"}, "E_FIELD_UNKNOWN", "lane"),
        ("conveyor", {"occurred_at": NOW - 8 * DAY}, "E_TS_OLD", "occurred_at"),
    ],
)
def test_a_bad_sensor_reading(kind: str, changes: dict[str, object], code: str, field: str) -> None:
    message = a_message("sensors", sensors=[a_sensor(kind, **changes)])
    assert problem(message, kind="sensors") == (code, f"/sensors/0/{field}")


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"state": "tired"}, "E_FIELD_RANGE", "/state"),
        ({"state": ...}, "E_FIELD_MISSING", "/state"),
        ({"version": "v" * 33}, "E_FIELD_RANGE", "/version"),
        ({"spooled": -1}, "E_FIELD_RANGE", "/spooled"),
        ({"clock_offset_ms": "1"}, "E_FIELD_TYPE", "/clock_offset_ms"),
        ({"devices": [1]}, "E_FIELD_TYPE", "/devices/0"),
        ({"devices": [{"device": "r1"}]}, "E_FIELD_MISSING", "/devices/0/state"),
        ({"devices": [{"device": "r1", "state": "ok"}]}, "E_FIELD_RANGE", "/devices/0/state"),
        ({"devices": [{}] * 65}, "E_FIELD_RANGE", "/devices"),
        ({"devices": [a_device(alarms=["warm"])]}, "E_FIELD_RANGE", "/devices/0/alarms/0"),
        ({"devices": [a_device(alarms=["skew"] * 17)]}, "E_FIELD_RANGE", "/devices/0/alarms"),
        ({"devices": [a_device(missing=["a\0"])]}, "E_NUL", "/devices/0/missing/0"),
        ({"devices": [a_device(antennas=[1])]}, "E_FIELD_TYPE", "/devices/0/antennas/0"),
        (
            {"devices": [a_device(antennas=[an_antenna(), an_antenna(state="deaf")])]},
            "E_FIELD_RANGE",
            "/devices/0/antennas/1/state",
        ),
        (
            {"devices": [a_device(antennas=[an_antenna(rssi_mean_dbm=1)])]},
            "E_FIELD_RANGE",
            "/devices/0/antennas/0/rssi_mean_dbm",
        ),
        ({"devices": [a_device(overflows=-1)]}, "E_FIELD_RANGE", "/devices/0/overflows"),
        ({"config_state": "good"}, "E_FIELD_RANGE", "/config_state"),
        ({"config_version": -1}, "E_FIELD_RANGE", "/config_version"),
        ({"config_error": "x" * 257}, "E_FIELD_RANGE", "/config_error"),
        ({"reads": []}, "E_FIELD_UNKNOWN", "/reads"),
    ],
)
def test_a_bad_status(changes: dict[str, object], code: str, pointer: str) -> None:
    message = spelled(a_message("status", **changes))
    assert refusal(message, kind="status") == (11, code, pointer)
