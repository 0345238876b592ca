"""A load that goes in and at once out again: two passes, each with all its tags."""

from __future__ import annotations

import random

import pytest

from tests.radio import SECOND, Way, beams, reads, together
from tests.unit.gateway.lane import START, Lane, crossed, epcs, keys, reasons

AT = START + 15 * SECOND


def in_and_out(deep: float, stay: float, *, speed_mps: float) -> tuple[Way, int]:
    """From 6 m before the door to `deep` metres behind it, a stay, and back; and its end."""
    there = (6.0 + deep) / speed_mps

    def way(t: float) -> float:
        gone = (t - AT) / SECOND
        if gone <= there + stay:
            return min(-6.0 + speed_mps * max(gone, 0.0), deep)
        return max(deep - speed_mps * (gone - there - stay), -6.0)

    return way, AT + int((2 * there + stay) * SECOND)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("count", [1, 14])
@pytest.mark.parametrize("stay", [0.0, 1.0, 2.0, 3.5])
def test_the_way_in_and_the_way_out_are_both_booked(seed: int, count: int, stay: float) -> None:
    lane, tags = Lane(), epcs(count)
    way, until = in_and_out(4.0, stay, speed_mps=1.2)
    heard = reads(tags, way, since=AT, until=until, rng=random.Random(seed))

    lane.hear(together(heard, beams(way, since=AT, until=until)))
    lane.rest()

    calls = lane.calls()
    assert [call.direction for call in calls] == ["in", "out"]
    assert [crossed(call) for call in calls] == [keys(tags), keys(tags)]
    assert [reasons(call) for call in calls] == [{}, {}]


def test_a_carton_left_inside_does_not_leave_with_the_next_load() -> None:
    lane = Lane()
    stays, goes = epcs(6), epcs(6, first=400)
    enter, _ = in_and_out(1.8, 60.0, speed_mps=1.2)
    leave, gone = in_and_out(4.0, 1.0, speed_mps=1.2)
    rng = random.Random(3)

    lane.hear(
        together(
            reads(stays, enter, since=AT, until=gone, rng=rng),
            reads(goes, leave, since=AT, until=gone, rng=rng),
            beams(leave, since=AT, until=gone),
        )
    )
    lane.rest()

    calls = lane.calls()
    assert [call.direction for call in calls] == ["in", "out"]
    assert crossed(calls[0]) == keys([*stays, *goes])
    assert crossed(calls[1]) == keys(goes)
