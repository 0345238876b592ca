"""Intake: devices of one agent share one sequence in true order."""

from __future__ import annotations

import json
from dataclasses import replace

from edge.batching import Batcher, Message
from edge.drivers.port import DriverNotice, RawRead, RawScan, RawSensor
from edge.intake import Intake

T0 = 1_795_000_000_000_000


class Desk:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.intake = Intake(batcher=Batcher(), deliver=self.messages.extend)
        self.dock = self.intake.source("dock-1-r", kind="portal", linger_us=20_000)

    def readings(self) -> list[tuple[str, int]]:
        """(kind, occurred_at - T0) of everything delivered, in order."""
        return [
            (message.kind, one["occurred_at"] - T0)
            for message in self.messages
            for one in json.loads(b"{" + message.tail[1:])[message.kind]
        ]


def read(at: int, rssi: float = -60.0, *, epc: bytes = b"\x30\x01") -> RawRead:
    return RawRead(epc, 1, rssi, occurred_at=T0 + at, received_at=T0 + at)


def beam(at: int) -> RawSensor:
    fields: dict[str, str | int | float] = {"port": 1, "state": "high"}
    return RawSensor("gpi", occurred_at=T0 + at, received_at=T0 + at, fields=fields)


def test_reads_before_a_beam_stand_before_it_although_their_run_was_open() -> None:
    desk = Desk()
    for reading in (read(0), read(10_000), read(20_000), beam(30_000), read(40_000)):
        desk.intake.take(desk.dock, reading, reading.occurred_at - T0)
    desk.intake.flush(50_000)

    assert desk.readings() == [
        ("reads", 0),
        ("reads", 10_000),
        ("sensors", 30_000),
        ("reads", 40_000),
    ]


def test_a_level_found_after_a_reconnect_is_told_once_and_only_if_it_changed() -> None:
    desk = Desk()
    low = replace(beam(0), fields={"port": 1, "state": "low"}, polled=True)
    for number, reading in enumerate(
        [low, low, beam(2_000), replace(beam(3_000), polled=True), low]
    ):
        moved = replace(reading, occurred_at=T0 + number, received_at=T0 + number)
        desk.intake.take(desk.dock, moved, number)
    desk.intake.take(desk.dock, replace(beam(5), fields={"port": 1, "state": "low"}), 5)
    desk.intake.flush(10)

    # An edge is told though it repeats a level: its other half was missed.
    assert desk.readings() == [("sensors", 0), ("sensors", 2), ("sensors", 4), ("sensors", 5)]


def test_a_portal_reading_is_in_a_closed_message_20_ms_later() -> None:
    desk = Desk()
    desk.intake.take(desk.dock, read(0), 0)

    assert desk.intake.wake_at == 20_000
    desk.intake.step(19_999)
    assert desk.messages == []
    desk.intake.step(20_000)
    assert desk.readings() == [("reads", 0)]
    assert desk.intake.wake_at is None


def test_a_kill_costs_at_most_270_ms_of_reads() -> None:
    desk = Desk()
    for at in range(0, 1_000_000, 5_000):
        desk.intake.step(at)
        desk.intake.take(desk.dock, read(at), at)
        stored = sum(
            one.get("count", 1)
            for message in desk.messages
            for one in json.loads(b"{" + message.tail[1:])["reads"]
        )
        assert at - stored * 5_000 <= 270_000


def test_the_clockwork_is_woken_for_an_earlier_deadline() -> None:
    desk = Desk()
    zone = desk.intake.source("stage-r", kind="zone", linger_us=200_000)
    woken: list[int | None] = []
    desk.intake.on_earlier = lambda: woken.append(desk.intake.wake_at)
    desk.intake.take(zone, read(0), 0)
    desk.intake.take(desk.dock, read(1_000), 1_000)

    assert woken == [200_000, 21_000]


def test_scans_and_notices_pass_beside_reads() -> None:
    desk = Desk()
    desk.intake.take(desk.dock, RawScan("]C100123", T0 + 5, T0 + 5, symbology="]C1"), 5)
    desk.intake.take(desk.dock, DriverNotice("overflow", T0 + 6), 6)
    desk.intake.flush(10)

    assert [message.kind for message in desk.messages] == ["scans"]
    assert json.loads(b"{" + desk.messages[0].tail[1:]) == {
        "scans": [
            {"device": "dock-1-r", "code": "]C100123", "occurred_at": T0 + 5, "symbology": "]C1"}
        ]
    }
    assert desk.intake.notices == 1
