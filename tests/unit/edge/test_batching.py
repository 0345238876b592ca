"""Batching: true order over kinds, and the three limits of a message."""

from __future__ import annotations

import msgspec

from contracts.v1 import Observation, ReadBatch, Scan, SensorReading
from edge.batching import MAX_BODY, Batcher, head


def seen(n: int) -> Observation:
    return Observation(f"3000{n:04X}", "r", 1, -60.0, n)


def beam(n: int) -> SensorReading:
    return SensorReading("r", "gpi", n, port=1, state="high")


def test_a_beam_between_two_reads_keeps_its_place() -> None:
    batcher = Batcher()
    batcher.add("reads", [seen(1)], at=0, linger_us=20_000)
    batcher.add("sensors", [beam(2)], at=0, linger_us=20_000)
    batcher.add("reads", [seen(3), seen(4)], at=0, linger_us=20_000)
    batcher.close()

    assert [(m.kind, m.readings) for m in batcher.take()] == [
        ("reads", 1),
        ("sensors", 1),
        ("reads", 2),
    ]


def test_a_message_closes_when_its_first_reading_has_waited() -> None:
    batcher = Batcher()
    batcher.add("reads", [seen(1)], at=5_000, linger_us=20_000)
    batcher.add("reads", [seen(2)], at=20_000, linger_us=20_000)

    batcher.step(24_999)
    assert batcher.take() == []
    assert batcher.due() == 25_000
    batcher.step(25_000)
    assert [m.readings for m in batcher.take()] == [2]
    assert batcher.due() is None


def test_the_hastier_device_closes_the_message_for_all() -> None:
    batcher = Batcher()
    batcher.add("reads", [seen(1)], at=0, linger_us=200_000)
    batcher.add("reads", [seen(2)], at=1_000, linger_us=20_000)

    assert batcher.due() == 21_000


def test_a_message_holds_at_most_500_readings() -> None:
    batcher = Batcher()
    batcher.add("reads", [seen(n) for n in range(1_001)], at=0, linger_us=0)

    assert [m.readings for m in batcher.take()] == [500, 500]
    batcher.close()
    assert [m.readings for m in batcher.take()] == [1]


def test_a_message_stays_under_60_kib_with_its_header() -> None:
    batcher = Batcher()
    scans = [Scan("r" * 64, "x" * 256, n) for n in range(400)]
    batcher.add("scans", scans, at=0, linger_us=0)
    batcher.close()
    messages = batcher.take()

    opening = head("scans", site="s" * 64, agent="a" * 128, boot=2**63 - 1, seq=2**63 - 1)
    assert sum(m.readings for m in messages) == 400
    assert max(len(opening) + 19 + len(m.tail) for m in messages) <= 60 * 1024
    assert len(messages) == 3


def test_a_reading_larger_than_any_message_is_refused_and_counted() -> None:
    batcher = Batcher()
    batcher.add("scans", [Scan("r", "x" * MAX_BODY, 1), Scan("r", "y", 2)], at=0, linger_us=0)
    batcher.close()

    assert batcher.oversize == 1
    assert [m.readings for m in batcher.take()] == [1]


def test_header_and_tail_are_the_wire_message() -> None:
    batcher = Batcher()
    batcher.add("reads", [seen(1)], at=0, linger_us=0)
    batcher.close()
    (message,) = batcher.take()
    payload = head("reads", site="demo", agent="dock-1", boot=5, seq=17) + b"99" + message.tail

    assert msgspec.json.decode(payload, type=ReadBatch) == ReadBatch(
        site="demo", agent="dock-1", boot=5, seq=17, sent_at=99, reads=[seen(1)]
    )
