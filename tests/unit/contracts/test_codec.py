"""The codec: what is accepted, what it becomes, and that a bad reading costs itself only."""

from __future__ import annotations

import json

import pytest

from contracts.codec import (
    ContractViolation,
    decode_command,
    decode_content,
    decode_cursor,
    decode_header,
    decode_up,
    encode,
    stored_digest,
)
from contracts.v1 import (
    AgentStatus,
    Command,
    Cursor,
    Observation,
    ReadBatch,
    Scan,
    ScanBatch,
    SensorBatch,
)
from tests.unit.contracts.messages import (
    EPC,
    NOW,
    TOPIC,
    a_message,
    a_read,
    a_sensor,
    accepted,
    problem,
    spelled,
    topic_of,
)


def a_batch(*, seq: int = 1001, sent_at: int = NOW, **fields: int) -> ReadBatch:
    read = Observation(
        epc=EPC,
        device="r1",
        antenna=1,
        rssi_dbm=-61.5,
        occurred_at=NOW,
        first_at=fields.get("first_at", NOW - 10),
        last_at=fields.get("last_at", NOW + 10),
        count=3,
    )
    return ReadBatch(
        site="a", agent="dock-03", boot=7, seq=seq, sent_at=sent_at, reads=[read, read]
    )


def test_our_own_spelling_takes_the_typed_path_and_comes_back_equal() -> None:
    batch = a_batch()

    header, content = decode_up(encode(batch), topic=TOPIC, now=NOW)

    assert header.typed is not None
    assert (header.boot, header.seq, header.sent_at) == (7, 1001, NOW)
    assert content.message == batch
    assert list(content.indices) == [0, 1]
    assert [seen.key for seen in content.seen] == ["01/80614141123458/21/6789"] * 2
    assert content.problems == ()
    assert content.flags == ()


def test_a_foreign_spelling_is_read_exactly_and_means_the_same() -> None:
    batch = a_batch()
    header, content = decode_up(spelled(json.loads(encode(batch))), topic=TOPIC, now=NOW)
    assert header.typed is None
    assert content.message == batch
    assert [seen.kind for seen in content.seen] == ["sgtin", "sgtin"]


def test_a_whole_number_is_a_float_where_a_number_is_due() -> None:
    content = accepted(a_message(reads=[a_read(rssi_dbm=-61)]))
    assert isinstance(content.message, ReadBatch)
    assert content.message.reads[0].rssi_dbm == -61.0
    assert isinstance(content.message.reads[0].rssi_dbm, float)


def test_one_bad_of_five_hundred_costs_itself_only() -> None:
    reads = [a_read(antenna=1 + at % 64) for at in range(500)]
    reads[250] = a_read(antenna=65)

    content = accepted(a_message(reads=reads))

    assert isinstance(content.message, ReadBatch)
    assert len(content.message.reads) == len(content.seen) == 499
    assert list(content.indices) == [*range(250), *range(251, 500)]
    (bad,) = content.problems
    assert (bad.index, bad.code, bad.pointer) == (250, "E_FIELD_RANGE", "/reads/250/antenna")
    assert json.loads(bad.raw) == reads[250]


def test_a_bad_epc_in_our_own_spelling_costs_itself_only() -> None:
    good = a_batch().reads[0]
    bad_epc = Observation(
        epc="307C257BF7194E4000001A85", device="r1", antenna=1, rssi_dbm=-1.0, occurred_at=NOW
    )
    batch = ReadBatch(
        site="a", agent="dock-03", boot=7, seq=1001, sent_at=NOW, reads=[good, bad_epc, good]
    )
    header, content = decode_up(encode(batch), topic=TOPIC, now=NOW)
    assert header.typed is not None
    assert list(content.indices) == [0, 2]
    assert [(bad.code, bad.pointer) for bad in content.problems] == [
        ("E_EPC_PARTITION", "/reads/1/epc")
    ]


def test_a_batch_of_bad_readings_only_is_empty_and_still_placed() -> None:
    content = accepted(a_message(reads=[a_read(epc="XX")]))
    assert isinstance(content.message, ReadBatch)
    assert content.message.reads == []
    assert len(content.problems) == 1


def test_foreign_tags_are_accepted_and_marked() -> None:
    content = accepted(
        a_message(reads=[a_read(epc="E28011700000020A7C1F0A3B"), a_read(epc="00" * 12)])
    )
    assert [seen.hold for seen in content.seen] == ["Q_EPC_FOREIGN", "Q_EPC_UNPROGRAMMED"]


def test_a_protocol_word_that_says_iso_holds_the_reading() -> None:
    content = accepted(a_message(reads=[a_read(pc="3100"), a_read(pc="3000")]))
    assert [seen.hold for seen in content.seen] == ["Q_EPC_FOREIGN", None]


def test_a_clock_ahead_is_taken_back_from_every_time() -> None:
    ahead = 3_600_000_000
    batch = a_batch(sent_at=NOW + ahead)
    _, content = decode_up(encode(batch), topic=TOPIC, now=NOW)
    assert content.flags == ("F_CLOCK_SKEW",)
    assert isinstance(content.message, ReadBatch)
    assert content.message.sent_at == NOW
    read = content.message.reads[0]
    assert (read.first_at, read.occurred_at, read.last_at) == (
        NOW - 10 - ahead,
        NOW - ahead,
        NOW + 10 - ahead,
    )


@pytest.mark.parametrize(("ahead", "flags"), [(5_000_000, ()), (5_000_001, ("F_CLOCK_SKEW",))])
def test_five_seconds_ahead_are_borne(ahead: int, flags: tuple[str, ...]) -> None:
    assert decode_up(encode(a_batch(sent_at=NOW + ahead)), topic=TOPIC, now=NOW)[1].flags == flags


WEEK = 7 * 86_400_000_000
MINUTES = 300_000_000


@pytest.mark.parametrize("lead", [b"", b" "], ids=["our spelling", "foreign spelling"])
@pytest.mark.parametrize(
    ("first_at", "last_at", "found"),
    [
        (NOW - WEEK, NOW + MINUTES, []),
        (NOW - WEEK - 1, NOW, [("E_TS_OLD", "/reads/0/first_at")]),
        (NOW, NOW + MINUTES + 1, [("E_TS_FUTURE", "/reads/0/last_at")]),
        (NOW + 1, NOW + 1, [("E_FIELD_RANGE", "/reads/0/occurred_at")]),
    ],
)
def test_times_of_a_reading_lie_in_their_window(
    lead: bytes, first_at: int, last_at: int, found: list[tuple[str, str]]
) -> None:
    batch = a_batch(first_at=first_at, last_at=last_at)
    _, content = decode_up(lead + encode(batch), topic=TOPIC, now=NOW)
    assert [(bad.code, bad.pointer) for bad in content.problems if bad.index == 0] == found


@pytest.mark.parametrize(
    ("occurred_at", "code"),
    [
        (NOW - WEEK, None),
        (NOW - WEEK - 1, "E_TS_OLD"),
        (NOW + MINUTES, None),
        (NOW + MINUTES + 1, "E_TS_FUTURE"),
    ],
)
def test_the_edges_of_the_window_are_inside(occurred_at: int, code: str | None) -> None:
    found = problem(a_message(reads=[a_read(occurred_at=occurred_at)]))
    assert (found and found[0]) == code


def test_other_messages_of_a_clock_ahead_are_corrected_too() -> None:
    ahead = 10_000_000
    status = accepted(
        a_message("status", sent_at=NOW + ahead, oldest_at=NOW), kind="status"
    ).message
    assert isinstance(status, AgentStatus)
    assert (status.sent_at, status.oldest_at) == (NOW, NOW - ahead)
    sensors = accepted(a_message("sensors", sent_at=NOW + ahead), kind="sensors").message
    assert isinstance(sensors, SensorBatch)
    assert (sensors.sent_at, sensors.sensors[0].occurred_at) == (NOW, NOW - ahead)
    scans = accepted(a_message("scans", sent_at=NOW + ahead), kind="scans").message
    assert isinstance(scans, ScanBatch)
    assert (scans.sent_at, scans.scans[0].occurred_at) == (NOW, NOW - ahead)


def test_a_late_message_is_not_corrected() -> None:
    content = decode_up(encode(a_batch()), topic=TOPIC, now=NOW + 86_400_000_000)[1]
    assert content.flags == ()
    assert content.message.sent_at == NOW


def test_scans_keep_the_text_as_sent_nul_and_separators_included() -> None:
    scan = Scan(device="s1", code="]C10112\x1d\x00", occurred_at=NOW)
    batch = ScanBatch(site="a", agent="dock-03", boot=7, seq=1, sent_at=NOW, scans=[scan])
    _, content = decode_up(encode(batch), topic=topic_of("scans"), now=NOW)
    assert content.message == batch
    assert content.problems == ()


@pytest.mark.parametrize("kind", ["temperature", "gpi", "photo_eye", "command", "conveyor"])
def test_every_kind_of_sensor_reading_is_accepted(kind: str) -> None:
    content = accepted(a_message("sensors", sensors=[a_sensor(kind)]), kind="sensors")
    assert isinstance(content.message, SensorBatch)
    assert content.message.sensors[0].kind == kind
    assert content.problems == ()


def test_status_needs_no_stream_and_a_will_may_be_old() -> None:
    old = NOW - 30 * 86_400_000_000
    will = a_message("status", state="offline", seq=0, sent_at=old)
    content = accepted(will, kind="status")
    assert isinstance(content.message, AgentStatus)
    assert (content.message.state, content.message.sent_at, content.flags) == ("offline", old, ())
    with pytest.raises(ContractViolation) as refused:
        accepted(a_message("status", state="online", sent_at=old), kind="status")
    assert (refused.value.check, refused.value.code) == (10, "E_TS_OLD")


def test_a_header_is_told_before_its_content_is_judged() -> None:
    header = decode_header(spelled(a_message(reads=[])), TOPIC)
    assert (header.agent, header.boot, header.seq) == ("dock-03", 7, 1001)
    with pytest.raises(ContractViolation) as refused:
        decode_content(header, now=NOW)
    assert refused.value.code == "E_BATCH_EMPTY"


def test_the_digest_leaves_out_the_time_of_sending_alone() -> None:
    first = encode(a_batch())
    assert stored_digest(first) == stored_digest(encode(a_batch(sent_at=NOW + 77)))
    assert stored_digest(first) != stored_digest(encode(a_batch(seq=1002)))
    assert stored_digest(first) != stored_digest(encode(a_batch(last_at=NOW + 11)))
    assert len(stored_digest(first)) == 32


def test_the_digest_of_other_spellings_is_as_stable() -> None:
    def turned(sent_at: int) -> bytes:
        message = a_message(sent_at=sent_at)
        return spelled(dict(reversed(message.items())))

    assert stored_digest(turned(NOW)) == stored_digest(turned(NOW + 1))
    nested = spelled(a_message(agent=..., reads=[a_read(sent_at=1)]))
    other = spelled(a_message(agent=..., reads=[a_read(sent_at=2)]))
    assert stored_digest(nested) != stored_digest(other)


def test_an_agent_reads_its_cursor_and_ignores_what_is_newer_than_itself() -> None:
    cursor = Cursor(
        schema="cursor.v1", site="a", agent="dock-03", boot=7, seq=0, sent_at=NOW, newest_boot=7
    )
    assert decode_cursor(encode(cursor), site="a", agent="dock-03") == cursor
    newer = {**json.loads(encode(cursor)), "hint": "x"}
    assert decode_cursor(spelled(newer), site="a", agent="dock-03") == cursor


def a_command(**changes: object) -> dict[str, object]:
    command: dict[str, object] = {
        "schema": "command.v1",
        "site": "a",
        "agent": "dock-03",
        "boot": 7,
        "seq": 0,
        "sent_at": NOW,
        "id": "c-1",
        "device": "r1",
        "ttl_ms": 1500,
        "action": "light",
        "colour": "green",
    }
    return {name: value for name, value in {**command, **changes}.items() if value is not ...}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"action": "gpo", "colour": ..., "port": 1, "state": True},
        {"action": "divert", "colour": ..., "lane": 3, "handling_unit": "00/106141412345678908"},
        {"action": "resend", "colour": ..., "from_seq": 900, "device": None},
        {"action": "configure", "colour": ..., "document": "{}", "device": None},
        {"action": "configure", "colour": ..., "document": "", "device": None, "version": 7},
    ],
)
def test_an_agent_reads_every_order(changes: dict[str, object]) -> None:
    command = decode_command(spelled(a_command(**changes)), site="a", agent="dock-03")
    assert isinstance(command, Command)
    assert decode_command(encode(command), site="a", agent="dock-03") == command


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"agent": "dock-04"}, "E_TOPIC_MISMATCH", "/agent"),
        ({"schema": "command.v2"}, "E_VERSION", "/schema"),
        ({"action": "explode"}, "E_FIELD_RANGE", "/action"),
        ({"colour": "blue"}, "E_FIELD_RANGE", "/colour"),
        ({"colour": ...}, "E_FIELD_MISSING", "/colour"),
        ({"ttl_ms": 60_001}, "E_FIELD_RANGE", "/ttl_ms"),
        ({"ttl_ms": 1500.0}, "E_FIELD_TYPE", "/ttl_ms"),
        ({"port": 1}, "E_FIELD_UNKNOWN", "/port"),
        ({"id": "a\0b"}, "E_NUL", "/id"),
    ],
)
def test_an_agent_refuses_an_order_it_could_not_obey_whole(
    changes: dict[str, object], code: str, pointer: str
) -> None:
    with pytest.raises(ContractViolation) as refused:
        decode_command(spelled(a_command(**changes)), site="a", agent="dock-03")
    assert (refused.value.code, refused.value.pointer) == (code, pointer)


def test_a_problem_names_its_reading() -> None:
    assert problem(a_message()) is None
    assert problem(a_message(reads=[a_read(tid="E280")])) == ("E_TID_HEX", "/reads/0/tid")
