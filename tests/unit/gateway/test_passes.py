"""Passes as the tracker calls them: direction, membership, reasons, moments."""

from __future__ import annotations

import itertools
import random
from uuid import UUID

import pytest
from msgspec import structs

from contracts.v1 import Observation
from gateway.tracker import Tracker
from tests.radio import SECOND, Heard, beams, reads, strays, there_and_back, through, together
from tests.unit.gateway.lane import (
    START,
    STEP_US,
    Lane,
    a_registry,
    crossed,
    epcs,
    keys,
    reasons,
)

AT = START + 15 * SECOND
LOAD = epcs(14)
STRAYS = epcs(6, first=1000)


def a_load(
    *, inward: bool, at: int = AT, tags: list[str] = LOAD, seconds: float = 8.0, seed: int = 1
) -> list[Heard]:
    start, end = (-7.0, 7.0) if inward else (7.0, -7.0)
    way = through(start, end, at=at, seconds=seconds)
    until = at + int(seconds * SECOND)
    rng = random.Random(seed)
    return together(
        reads(tags, way, since=at, until=until, rng=rng), beams(way, since=at, until=until)
    )


def without_beams(heard: list[Heard]) -> list[Heard]:
    return [one for one in heard if hasattr(one.what, "epc")]


def standing(tags: list[str] = STRAYS, *, y: float = 1.5, seconds: int = 40) -> list[Heard]:
    return strays(tags, y=y, since=START, until=START + seconds * SECOND, rng=random.Random(9))


@pytest.mark.parametrize("inward", [True, False])
@pytest.mark.parametrize("with_beams", [True, False])
def test_a_load_crosses_one_way_with_all_its_tags(inward: bool, with_beams: bool) -> None:
    lane = Lane(Tracker(a_registry(beams=with_beams), ids=Lane().tracker._ids))
    heard = a_load(inward=inward)

    lane.hear(heard if with_beams else without_beams(heard))
    lane.rest()

    calls = lane.calls()
    assert [(call.portal, call.direction) for call in calls] == [
        ("dock-1", "in" if inward else "out")
    ]
    assert crossed(calls[0]) == keys(LOAD)
    assert calls[0].confidence >= 0.9
    assert calls[0].decider == "timer"


def test_strays_beside_the_door_never_move_with_a_load() -> None:
    lane = Lane()

    lane.hear(together(standing(), a_load(inward=True)))
    lane.rest()

    (call,) = lane.calls()
    assert call.direction == "in"
    assert crossed(call) == keys(LOAD)
    assert reasons(call) == {"static": 6}


def test_strays_alone_open_no_pass() -> None:
    lane = Lane()

    lane.hear(standing())
    lane.rest()

    assert lane.opened() in ([], ["dock-1"])
    assert [call.direction for call in lane.calls()] in ([], ["not_crossed"])
    assert all(crossed(call) == set() for call in lane.calls())


@pytest.mark.parametrize("with_beams", [True, False])
def test_a_load_that_turns_back_does_not_cross(with_beams: bool) -> None:
    lane = Lane()
    way = there_and_back(-6.0, 0.5, at=AT, seconds=9.0)
    until = AT + 9 * SECOND
    tags = reads(LOAD, way, since=AT, until=until, rng=random.Random(4))

    lane.hear(together(tags, beams(way, since=AT, until=until)) if with_beams else tags)
    lane.rest()

    (call,) = lane.calls()
    assert call.direction == "not_crossed"
    assert crossed(call) == set()
    assert set(reasons(call)) <= {"turned_back", "near", "static", "glimpsed"}


def test_the_verdict_is_called_at_once_by_the_read_that_makes_it_certain() -> None:
    lane = Lane()
    heard = a_load(inward=True)
    edges = [one for one in heard if not hasattr(one.what, "epc")]

    lane.hear(heard)
    lane.rest()

    first = next(
        (outcome_at, call)
        for outcome_at, outcome in zip(
            range(START + STEP_US, START + 10**12, STEP_US), lane.outcomes, strict=False
        )
        for call in outcome.calls
        if call.early
    )
    at, call = first
    assert call.direction == "in"
    assert call.decider.startswith("read 3034257BF7194E4000")
    assert call.decider.endswith(" inside")
    assert call.decider_at > edges[-1].at
    assert 0 <= at - call.decider_at <= 60_000
    assert {k for k, t in call.tags.items() if t.crossed or t.thin} == keys(LOAD)


def test_two_loads_close_together_are_two_passes() -> None:
    lane = Lane()
    second = epcs(10, first=500)

    lane.hear(
        together(
            a_load(inward=True, seconds=6.0),
            a_load(inward=True, at=AT + int(3.5 * SECOND), tags=second, seconds=6.0, seed=2),
        )
    )
    lane.rest()

    calls = lane.calls()
    assert [call.direction for call in calls] == ["in", "in"]
    assert [crossed(call) for call in calls] == [keys(LOAD), keys(second)]
    assert calls[0].decider == "beam outer blocked"


def test_in_out_and_in_again_are_three_passes() -> None:
    lane = Lane()
    ways = [True, False, True]

    for n, inward in enumerate(ways):
        lane.hear(a_load(inward=inward, at=AT + n * 14 * SECOND, seed=n))
    lane.rest()

    assert [call.direction for call in lane.calls()] == ["in", "out", "in"]
    assert all(crossed(call) == keys(LOAD) for call in lane.calls())


def test_a_load_heard_louder_at_the_other_door_is_the_other_doors() -> None:
    lane = Lane()
    here = a_load(inward=True)
    way = through(-7.0, 7.0, at=AT, seconds=8.0)
    there = reads(LOAD, way, since=AT, until=AT + 8 * SECOND, rng=random.Random(1), weak_db=9.0)

    lane.hear_all([(one, "dock-1") for one in here] + [(one, "dock-2") for one in there])
    lane.rest()

    assert [(c.portal, c.direction) for c in lane.calls(door="dock-1")] == [("dock-1", "in")]
    assert crossed(lane.calls(door="dock-1")[0]) == keys(LOAD)
    other = lane.calls(door="dock-2")
    assert all(call.direction == "not_crossed" and not crossed(call) for call in other)


@pytest.mark.parametrize("weak_db", [2.0, 9.0])
def test_of_two_loads_at_two_doors_each_keeps_its_own(weak_db: float) -> None:
    lane, second = Lane(), epcs(10, first=500)
    doors = {"dock-1": a_load(inward=True), "dock-2": a_load(inward=True, tags=second, seed=2)}
    way = through(-7.0, 7.0, at=AT, seconds=8.0)
    over = {
        door: reads(
            tags, way, since=AT, until=AT + 8 * SECOND, rng=random.Random(n), weak_db=weak_db
        )
        for door, tags, n in (("dock-2", LOAD, 1), ("dock-1", second, 2))
    }

    lane.hear_all([(one, door) for side in (doors, over) for door in side for one in side[door]])
    lane.rest()

    assert [crossed(call) for call in lane.calls(door="dock-1")] == [keys(LOAD)]
    assert [crossed(call) for call in lane.calls(door="dock-2")] == [keys(second)]


@pytest.mark.parametrize("weak_db", [2.0, 6.0])
@pytest.mark.parametrize("after_us", [1_700_000, 2_200_000, 2_700_000])
def test_what_just_came_in_next_door_does_not_leave_with_a_load_that_passes_it(
    after_us: int, weak_db: float
) -> None:
    """Inside by now, it is heard as weakly at its own door as at the one where a load goes out."""
    lane, leaving, late = Lane(), epcs(10, first=500), AT + 4 * SECOND
    passed = reads(
        LOAD,
        lambda _: 4.0,
        since=late + after_us,
        until=late + after_us + SECOND // 2,
        rng=random.Random(3),
        weak_db=weak_db,
    )
    inside = [one for one in passed if isinstance(one.what, Observation) and one.what.antenna == 2]
    doors = {
        "dock-1": together(a_load(inward=True), standing()),
        "dock-2": together(a_load(inward=False, at=late, tags=leaving, seed=2), inside),
    }

    lane.hear_all([(one, door) for door in doors for one in doors[door]])
    lane.rest()

    assert [crossed(call) for call in lane.calls(door="dock-1")] == [keys(LOAD)]
    assert [crossed(call) for call in lane.calls(door="dock-2")] == [keys(leaving)]


def test_beams_that_contradict_the_tags_leave_the_load_to_a_person() -> None:
    lane = Lane()
    tags = without_beams(a_load(inward=True))
    against = beams(through(7.0, -7.0, at=AT, seconds=8.0), since=AT, until=AT + 8 * SECOND)

    lane.hear(together(tags, against))
    lane.rest()

    (call,) = lane.calls()
    assert call.direction == "undecided"
    assert lane.calls(early=True) == []


@pytest.mark.parametrize("with_beams", [True, False])
def test_early_calls_change_nothing_about_the_final_one(with_beams: bool) -> None:
    heard = together(standing(), a_load(inward=True))
    found = []
    for early in (True, False):
        registry = a_registry(beams=with_beams)
        lane = Lane(Tracker(registry, ids=itertools.repeat(UUID(int=1)).__next__, early=early))
        lane.hear(heard if with_beams else without_beams(heard))
        lane.rest()
        assert bool(lane.calls(early=True)) == early
        found.append(lane.calls())

    assert found[0] == found[1]


def test_without_beams_a_silent_neighbour_leaves_the_load_to_a_person() -> None:
    lane = Lane(Tracker(a_registry(beams=False), ids=Lane().tracker._ids))
    heard = without_beams(a_load(inward=True))
    lane.hear(heard[:-1])
    lane.tracker.heard_agent["dock-2"] = lane.now - 60 * SECOND

    outcome = lane.tracker.decide(at=lane.now + 4 * SECOND)

    (call,) = outcome.calls
    assert call.direction == "undecided"
    assert call.features["neighbour_unseen"] == ["dock-2"]


def test_a_backlog_of_old_reads_is_late_and_opens_nothing() -> None:
    lane = Lane()
    lane.hear(standing(seconds=10))
    old = [
        Heard(lane.now + 1000 * n, one.what)
        for n, one in enumerate(without_beams(a_load(inward=True, at=START - 3600 * SECOND)))
    ]
    before = len(lane.calls())

    lane.hear(old)
    lane.rest()

    assert lane.calls()[before:] == []


def test_old_reads_that_come_during_a_pass_are_listed_as_late() -> None:
    lane = Lane()
    load = a_load(inward=True)
    old = epcs(3, first=700)
    backlog = [
        Heard(AT + 5 * SECOND + n, one.what)
        for n, one in enumerate(
            without_beams(a_load(inward=True, at=START - 3600 * SECOND, tags=old))
        )
    ]

    lane.hear(together(load, backlog))
    lane.rest()

    (call,) = lane.calls()
    assert crossed(call) == keys(LOAD)
    assert {key for key, tag in call.tags.items() if tag.reason == "late"} == keys(old)


def _alike(one: Heard) -> Heard:
    """Both antennas within a tenth of a dB; the louder one changes while the load passes."""
    what = one.what
    assert isinstance(what, Observation)
    outer = -60.0 if one.at < AT + 4 * SECOND else -60.1
    level = outer if what.antenna == 1 else -60.05
    heard = structs.replace(what, rssi_dbm=level, rssi_mean_dbm=level, rssi_spread_db=0.1)
    return Heard(one.at, heard)


def test_a_stray_that_both_antennas_hear_alike_stays_where_it_is() -> None:
    lane = Lane()
    between = [_alike(one) for one in standing(y=0.0)]

    lane.hear(together(between, a_load(inward=True)))
    lane.rest()

    (call,) = lane.calls()
    assert crossed(call) == keys(LOAD)
    assert reasons(call) == {"static": 6}


def test_a_second_look_at_a_verdict_names_what_decided_the_first() -> None:
    lane = Lane()

    lane.hear(a_load(inward=True))
    lane.rest()

    asked = [
        frozenset(k for k, t in c.tags.items() if t.crossed or t.thin)
        for c in lane.calls(early=True)
    ]
    assert len(asked) == len(set(asked))
