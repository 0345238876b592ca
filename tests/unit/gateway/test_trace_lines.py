"""Lines of recorded traces: what is taken, what is refused, and with which code."""

from __future__ import annotations

import json

import pytest

from gateway.trace_lines import TraceEdge, TraceRead, read_trace
from gateway.trace_profile import BUILT_IN, ProfileError, profile_of
from gateway.trace_time import TraceTimeError, parse_time

EPC = "3034257BF7194E4000000001"
AT = 1_795_000_000_123_456


def a_line(**changes: object) -> bytes:
    line = {"epc": EPC, "antenna": 1, "rssi_dbm": -60.5, "occurred_at": AT, **changes}
    return json.dumps({k: v for k, v in line.items() if v != "absent"}).encode()


@pytest.mark.parametrize(
    ("given", "micros"),
    [
        (AT, AT),
        (1_795_000_000, 1_795_000_000_000_000),
        (1_795_000_000_123, 1_795_000_000_123_000),
        (1_795_000_000_123_456_789, AT),
        (1_795_000_000.123456, AT),
        ("1795000000.123456789", AT),
        ("2026-11-18T11:06:40.123456Z", 1_795_000_000_123_456),
        ("2026-11-18T11:06:40.123456999Z", 1_795_000_000_123_456),
        ("2026-11-18 12:06:40.123456+01:00", 1_795_000_000_123_456),
        ("2026-11-18T04:06:40.123456-0700", 1_795_000_000_123_456),
        ("2026-11-18T11:06:40", 1_795_000_000_000_000),
    ],
)
def test_epochs_of_any_unit_and_iso_texts_are_the_same_moment(given: object, micros: int) -> None:
    assert parse_time(given) == micros


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (True, "E_FIELD_TYPE"),
        (None, "E_FIELD_TYPE"),
        (12.5, "E_TS_OLD"),
        (4_200_000_000, "E_TS_FUTURE"),
        ("1999-01-01T00:00:00Z", "E_TS_OLD"),
        ("2101-01-01T00:00:00Z", "E_TS_FUTURE"),
        ("2026-02-30T00:00:00Z", "E_FIELD_RANGE"),
        ("yesterday", "E_FIELD_RANGE"),
        ("2026-11-18T11:06:40+25:00", "E_FIELD_RANGE"),
    ],
)
def test_no_other_time_is_a_time(given: object, code: str) -> None:
    with pytest.raises(TraceTimeError) as refusal:
        parse_time(given)

    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("line", "code", "pointer"),
    [
        (b"{", "E_JSON", ""),
        (b"[1]", "E_FIELD_TYPE", ""),
        (b'{"epc": 1, "epc": 2}', "E_JSON_DUPKEY", ""),
        (a_line(epc="absent"), "E_FIELD_MISSING", "/epc"),
        (a_line(epc=5), "E_FIELD_TYPE", "/epc"),
        (a_line(epc="XYZ"), "E_EPC_HEX", "/epc"),
        (a_line(epc="30342"), "E_EPC_LEN", "/epc"),
        (a_line(epc="303C257BF7194E4000000001"), "E_EPC_PARTITION", "/epc"),
        (a_line(antenna=0), "E_FIELD_RANGE", "/antenna"),
        (a_line(antenna="1"), "E_FIELD_TYPE", "/antenna"),
        (a_line(antenna=True), "E_FIELD_TYPE", "/antenna"),
        (a_line(rssi_dbm=7), "E_FIELD_RANGE", "/rssi_dbm"),
        (a_line(rssi_dbm="low"), "E_FIELD_TYPE", "/rssi_dbm"),
        (a_line(occurred_at="absent"), "E_FIELD_MISSING", "/occurred_at"),
        (a_line(occurred_at=3), "E_TS_OLD", "/occurred_at"),
        (a_line(phase_deg=360), "E_FIELD_RANGE", "/phase_deg"),
        (a_line(note="x" * 70_000), "E_SIZE", ""),
        (b'{"sensor": "belt", "occurred_at": 1}', "E_KIND", "/sensor"),
        (b'{"beam": "outside", "occurred_at": 1}', "E_FIELD_MISSING", "/state"),
    ],
)
def test_a_bad_line_is_refused_with_its_number(line: bytes, code: str, pointer: str) -> None:
    trace = read_trace([b"\n", a_line(), line, a_line()])

    assert [(one.line, one.code, one.pointer) for one in trace.refused] == [(3, code, pointer)]
    assert [one.line for one in trace.readings] == [2, 4]
    assert (trace.lines, trace.blank) == (4, 1)


def test_foreign_fields_are_left_alone_and_time_gives_the_order() -> None:
    trace = read_trace([a_line(label="moved", run=7), a_line(occurred_at=AT - 5, phase_deg=1.5)])

    assert [one.at for one in trace.readings] == [AT - 5, AT]
    assert trace.out_of_order == 1
    first = trace.readings[0]
    assert isinstance(first, TraceRead)
    assert (first.phase_deg, first.antenna, first.rssi_dbm) == (1.5, 1, -60.5)


def test_a_beam_is_named_by_port_or_by_side() -> None:
    lines = [
        b'{"sensor": "gpi", "port": 2, "state": "high", "occurred_at": 1795000000}',
        b'{"beam": "inside", "state": "clear", "occurred_at": 1795000001}',
    ]

    found = read_trace(lines).readings

    at = 1_795_000_000_000_000
    assert found == [
        TraceEdge(1, at, True, 2, None),
        TraceEdge(2, at + 1_000_000, False, None, "inside"),
    ]


def test_a_profile_names_sides_thresholds_and_what_is_expected() -> None:
    profile = profile_of(
        {
            "name": "north",
            "antennas": {"outside": [1, 2], "inside": 3},
            "beams": {"outside": [7]},
            "thresholds": {"floor_dbm": -70},
            "expected": {"epcs": [EPC]},
        }
    )

    assert profile.antennas == {1: "outside", 2: "outside", 3: "inside"}
    assert profile.beams == {7: "outside"}
    assert profile.expected is not None
    assert len(profile.expected) == 1
    assert set(BUILT_IN) == {"gate-2", "gate-3", "gate-4"}


@pytest.mark.parametrize(
    ("document", "code", "key"),
    [
        ({}, "config-missing-key", "antennas"),
        ({"antennas": {"outside": [1]}}, "config-missing-key", "antennas"),
        ({"antennas": {"outside": [1], "inside": [1]}}, "config-duplicate-key", "antennas.inside"),
        ({"antennas": {"left": [1]}}, "config-unknown-key", "antennas.left"),
        ({"antennas": {"outside": ["1"]}}, "config-type", "antennas.outside"),
        ({"antennas": {"outside": [65]}}, "config-value", "antennas.outside"),
        ({"antenas": {}}, "config-unknown-key", "antenas"),
    ],
)
def test_a_profile_that_cannot_be_used_names_the_key(
    document: dict[str, object], code: str, key: str
) -> None:
    with pytest.raises(ProfileError) as refusal:
        profile_of(document)

    assert (refusal.value.code, refusal.value.key) == (code, key)
