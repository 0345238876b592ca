"""Small memories of the gateway: cursors, rates, lamps, zones, ranges to rebuild, layouts."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.application.ownership import Succession
from core.application.ports.tracking import CursorRow, OpenPass, StreamKey
from gateway.failpoints import kill_at, no_faults
from gateway.known import KnownKeys
from gateway.lights import Lights
from gateway.localize import Localizer, Position, offset_db
from gateway.quarantine import KEPT_BYTES, Stuck, kept
from gateway.rates import Bucket, Rate
from gateway.rebuild import Rebuild
from gateway.streams import Position as Place
from gateway.streams import Streams
from gateway.thresholds import Thresholds, thresholds_of
from tests.unit.gateway.lane import a_registry

A = StreamKey("dock-1", 3)
ONE, TWO = UUID(int=1), UUID(int=2)
SECOND = 1_000_000


def place(streams: Streams, seq: int, digest: bytes = b"d") -> Place:
    return streams.position(A, seq, lambda: digest)


def test_a_stream_moves_by_one_and_never_back() -> None:
    streams = Streams({A: CursorRow(7, b"d")})
    streams.begin()

    found = [place(streams, seq) for seq in (6, 7, 8, 9)]
    step = streams.step(A, b"e")

    assert found == ["duplicate", "duplicate", "next", "gap"]
    assert (step, place(streams, 9), streams.seq(A)) == (8, "next", 7)


def test_another_body_at_the_cursor_is_a_conflict() -> None:
    streams = Streams({A: CursorRow(7, b"d")})

    assert place(streams, 7, b"other") == "conflict"
    assert place(streams, 6, b"other") == "duplicate"


def test_steps_that_are_not_committed_are_forgotten() -> None:
    streams = Streams({A: CursorRow(7, b"d")})
    streams.begin()
    streams.step(A, b"e")
    streams.begin()
    assert place(streams, 8) == "next"

    streams.step(A, b"e")
    streams.commit()

    assert (streams.seq(A), place(streams, 9)) == (8, "next")


def test_a_new_stream_starts_at_one_and_becomes_the_newest() -> None:
    streams = Streams({A: CursorRow(7, b"d")})
    newer = StreamKey("dock-1", 4)
    streams.begin()
    assert streams.is_new(newer)
    assert streams.position(newer, 2, lambda: b"") == "gap"

    streams.step(newer, b"x")
    streams.commit()

    assert streams.newest("dock-1") == newer
    assert streams.newest("dock-9") == StreamKey("dock-9", 1)


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    bucket = Bucket(Rate(100, 200))

    waits = [bucket.take(150, at=0), bucket.take(150, at=0), bucket.take(150, at=SECOND)]

    assert waits == [0, 1000, 0]


def test_green_lasts_five_seconds_and_is_said_every_half_second() -> None:
    lights = Lights()
    lights.show("dock-1", "green", ONE, at=0)

    said = [
        (at, shine.colour, shine.ttl_ms)
        for at in range(0, 6 * SECOND, SECOND // 4)
        for shine in lights.due(at)
    ]

    assert [(at // 1000, colour) for at, colour, _ in said] == [
        *((ms, "green") for ms in range(0, 5000, 500)),
        (5000, "amber"),
    ]
    assert said[-2][2] == 500
    assert max(ttl for _, _, ttl in said) == 1500


def test_the_next_beam_takes_green_away_but_not_from_its_own_pass() -> None:
    lights = Lights()
    lights.show("dock-1", "green", ONE, at=0)
    lights.due(0)

    lights.stir("dock-1", ONE)
    assert lights.due(1000) == []
    lights.stir("dock-1", TWO)

    assert [(s.portal, s.colour) for s in lights.due(2000)] == [("dock-1", "amber")]
    assert lights.next_at() is None


def test_saying_the_same_again_does_not_prolong_green() -> None:
    lights = Lights()
    lights.show("dock-1", "green", ONE, at=0)
    lights.due(0)
    lights.show("dock-1", "green", ONE, at=4 * SECOND)

    assert [s.colour for s in lights.due(5 * SECOND)] == ["amber"]


def test_a_green_that_went_out_is_not_lit_again_by_its_own_pass() -> None:
    lights = Lights()
    lights.show("dock-1", "green", ONE, at=0)
    lights.due(5 * SECOND)
    lights.show("dock-1", "green", ONE, at=6 * SECOND)
    assert lights.due(6 * SECOND) == []

    lights.show("dock-1", "green", TWO, at=7 * SECOND)

    assert [s.colour for s in lights.due(7 * SECOND)] == ["green"]


def test_a_later_red_replaces_green_at_once() -> None:
    lights = Lights()
    lights.show("dock-1", "green", ONE, at=0)
    lights.due(0)
    lights.show("dock-1", "red", ONE, at=1000)

    assert [s.colour for s in lights.due(1000)] == ["red"]


def hear(zones: Localizer, zone: int, rssi: float, at: float, *, reads: int = 2) -> Position | None:
    return zones.hear("tag", zone, f"z{zone}", rssi, reads, int(at * SECOND))


def where(found: Position | None) -> int | None:
    return None if found is None else found.place


def test_one_read_is_no_arrival() -> None:
    zones = Localizer()

    assert hear(zones, 1, -50, 1, reads=1) is None
    assert where(hear(zones, 1, -50, 2, reads=1)) == 1


def test_a_tag_stays_put_when_the_neighbour_reads_weaker() -> None:
    zones = Localizer()
    hear(zones, 1, -50, 1)

    assert [hear(zones, 2, -60, 1.2 + n / 10) for n in range(5)] == [None] * 5


def test_a_tag_moves_when_the_new_place_is_louder_by_the_offset() -> None:
    zones = Localizer()
    hear(zones, 1, -60, 1.0)

    assert hear(zones, 2, -55, 1.1) is None
    assert where(hear(zones, 2, -45, 1.2)) == 2


def test_an_old_place_loses_in_the_end_however_loud_it_was() -> None:
    zones = Localizer()
    hear(zones, 1, -40, 1.0)

    assert hear(zones, 2, -60, 2.0) is None
    assert where(hear(zones, 2, -60, 61.5)) == 2


@pytest.mark.parametrize(("age_ms", "db"), [(0, 6.0), (500, 6.0), (1250, 0.0), (2000, -6.0)])
def test_the_offset_falls_with_the_age_of_the_old_place(age_ms: float, db: float) -> None:
    assert offset_db(age_ms) == pytest.approx(db)


def test_a_range_is_rebuilt_in_order_to_its_end() -> None:
    rebuild: Rebuild[str] = Rebuild()
    standing = OpenPass(ONE, "dock-1", 0, "dock-1", 3, 5)

    asked = rebuild.begin([standing], {A: 7}, at=0)
    taken = [rebuild.take(A, seq, f"row {seq}") for seq in (4, 6, 5, 5, 6, 8, 7)]

    assert asked == {A: 5}
    assert taken == [[], [], ["row 5", "row 6"], [], [], [], ["row 7"]]
    assert rebuild.waiting == frozenset()


def test_what_does_not_come_is_asked_for_once_more_each_second() -> None:
    rebuild: Rebuild[str] = Rebuild()
    rebuild.begin([OpenPass(ONE, "dock-1", 0, "dock-1", 3, 5)], {A: 7}, at=0)
    rebuild.take(A, 5, "row 5")

    assert rebuild.again(SECOND - 1) == {}
    assert rebuild.again(SECOND) == {A: 6}
    assert rebuild.again(SECOND) == {}
    assert rebuild.again(2 * SECOND) == {A: 6}


def test_a_range_that_does_not_come_is_given_up() -> None:
    rebuild: Rebuild[str] = Rebuild()
    rebuild.begin([OpenPass(ONE, "dock-1", 0, "dock-1", 3, 5)], {A: 7}, at=0)

    assert rebuild.overdue(4 * SECOND) == frozenset()
    assert rebuild.overdue(5 * SECOND) == {"dock-1"}
    assert rebuild.waiting == frozenset()


def test_a_standby_waits_until_beats_stand_still() -> None:
    succession = Succession(patience_us=3 * SECOND)

    seen = [
        succession.overdue(beats, at=at * SECOND)
        for at, beats in ((0, (1, 0)), (2, (1, 4)), (4, (1, 4)), (5, (1, 4)), (6, (2, 0)))
    ]

    assert seen == [False, False, False, True, False]


def test_known_keys_are_asked_again_after_a_while() -> None:
    known = KnownKeys()
    known.learn({"a": "unit", "b": None}, at=0)

    assert known.among(["a", "b"], at=SECOND) == {"a": "unit"}
    assert known.among(["a", "b"], at=11 * SECOND) == {}


def test_only_a_message_after_a_go_back_counts_as_stuck() -> None:
    stuck = Stuck()
    first = stuck.unreadable("a")
    counts = []
    for _ in range(3):
        stuck.answered("a")
        counts.append(stuck.unreadable("a"))
        assert stuck.unreadable("a") is False
    stuck.moved("a")
    stuck.answered("a")

    assert (first, counts, stuck.unreadable("a")) == (False, [False, False, True], False)


def test_an_oversize_message_is_kept_with_its_length_and_digest() -> None:
    found = kept(b"x" * 70_000)

    assert found[:KEPT_BYTES] == b"x" * KEPT_BYTES
    assert found[KEPT_BYTES:].startswith(b"\nlength=70000 sha256=")


def test_a_portal_setting_changes_the_version_of_the_thresholds() -> None:
    changed = thresholds_of({"majority": 0.7, "quiet_us": 2_000_000.0, "light": "left"})

    assert (changed.majority, changed.quiet_us) == (0.7, 2_000_000)
    assert changed.version != Thresholds().version
    assert thresholds_of({}).version == Thresholds().version


def test_a_registry_knows_who_may_speak_and_where_the_lamp_is() -> None:
    registry = a_registry()

    assert [registry.standing(a) for a in ("dock-1", "dock-9")] == ["active", "unknown"]
    assert registry.light_of("dock-2") == ("dock-2", "r1")
    assert registry.agents_of("dock-1") == {"dock-1"}
    assert registry.is_mine("dock-1")


def test_failpoints_of_other_roles_are_left_alone() -> None:
    assert kill_at({"FAULT": "edge_before_send:kill"}) is no_faults
    with pytest.raises(ValueError, match="name:kill"):
        kill_at({"FAULT": "before_commit:stop"})
