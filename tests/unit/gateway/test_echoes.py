"""A tag that the entry side hears once more after the door: carried through, or carried back?

Levels are those that a simulated reader heard of single cartons of a pallet on its way in.
"""

from __future__ import annotations

import pytest

from gateway.classify import Circumstances, Company, Members, members
from gateway.thresholds import Thresholds
from gateway.tracks import Run, Track
from gateway.views import Span, view_of

OUT, IN = 0, 1
START = 1_795_000_000_000_000
LIMITS = Thresholds()
Heard = list[tuple[float, int, float]]

COMES: Heard = [(0.0, OUT, -60), (1.2, OUT, -49), (2.1, OUT, -26), (2.5, OUT, -28), (3.4, OUT, -56)]
THROUGH: Heard = [*COMES, (3.9, IN, -60)]
WEAK: Heard = [(4.6, OUT, -67), (5.0, OUT, -69)]
LOUD: Heard = [(4.6, OUT, -32), (5.0, OUT, -38)]


def sorted_out(heard: Heard, *, final: bool = True) -> Members:
    """What becomes of this tag in a load that goes in from 2.7 s to 3.6 s."""
    track = Track("tag", "EPC", "dock-1", START + int(heard[0][0] * 1e6))
    for at, side, level in heard:
        when = START + int(at * 1e6)
        run = Run(when, when, side, when, level, level, 0.0, 1, 1, 1)
        track.add(run, motion_db=3.0, window_us=1_500_000)
    second = 1_000_000
    begin, end = START + 2_200_000, START + 4_100_000
    span = Span(START, begin, end, START + 10 * second)
    view = view_of(track, span, LIMITS)
    if view is None:
        raise LookupError("the tag was not heard")
    load = Company(START - 3 * second, START + 8 * second, START + 8 * second)
    around = Circumstances(span, final, START - 60 * second, lambda _: None, load)
    return members("in", [view], around, LIMITS)


def test_a_weak_echo_does_not_take_a_carton_off_its_load() -> None:
    assert sorted_out([*THROUGH, *WEAK]).crossed == {"tag"}


def test_one_that_comes_back_is_as_loud_at_the_entry_as_before() -> None:
    found = sorted_out([*THROUGH, *LOUD])

    assert (set(found.crossed), dict(found.thin), dict(found.rejected)) == (
        set(),
        {},
        {"tag": "turned_back"},
    )


def test_an_echo_of_one_never_heard_inside_says_nothing() -> None:
    found = sorted_out([*COMES, *WEAK])

    assert (set(found.crossed), dict(found.thin), dict(found.rejected)) == (
        set(),
        {},
        {"tag": "near"},
    )


@pytest.mark.parametrize("heard", [[*THROUGH, *WEAK], [*COMES, *WEAK]])
def test_before_the_pass_closes_nothing_is_said_of_either(heard: Heard) -> None:
    found = sorted_out(heard, final=False)

    assert (set(found.crossed), dict(found.rejected)) == (set(), {})


def test_what_an_earlier_transit_left_inside_is_not_before_this_one() -> None:
    earlier: Heard = [(-9.0 + n * 0.4, IN, -20) for n in range(5)]

    assert sorted_out([*earlier, *THROUGH]).crossed == {"tag"}


AGO: Heard = [(-40.0 + n * 0.4, IN, -60 - n) for n in range(5)]
JUST_NOW: Heard = [(-4.0 + n * 0.4, IN, -60 - n) for n in range(5)]


def test_one_that_was_inside_long_ago_and_comes_through_again_has_come_round() -> None:
    late: Heard = [(2.9, OUT, -64), (3.2, OUT, -70), (4.3, IN, -45), (5.0, IN, -50)]

    assert sorted_out([*AGO, *late]).crossed == {"tag"}
    assert sorted_out([*AGO, *late], final=False).crossed == set()


@pytest.mark.parametrize(
    ("before", "heard"),
    [
        (JUST_NOW, [(2.9, OUT, -64), (4.3, IN, -45)]),
        (AGO, [(2.9, IN, -45), (4.3, OUT, -64), (4.4, IN, -50)]),
        (AGO, [(2.9, IN, -60), (3.3, IN, -76), (4.3, IN, -60)]),
    ],
    ids=["inside a moment ago", "out of order", "one side, hidden by what passes"],
)
def test_without_all_that_it_stays_where_it_was(before: Heard, heard: Heard) -> None:
    found = sorted_out([*before, *heard])

    assert (set(found.crossed), set(found.thin)) == (set(), set())


def test_heard_by_the_inside_alone_going_by_it_counts_if_new_or_expected() -> None:
    by: Heard = [(1.9, IN, -84), (2.4, IN, -73), (3.2, IN, -52), (3.7, IN, -42), (6.0, IN, -69)]

    found = sorted_out([*AGO, *by])

    assert (set(found.crossed), dict(found.thin)) == (set(), {"tag": "near"})
    assert sorted_out(by).crossed == {"tag"}
    assert sorted_out([(-2.0, IN, -80), *by]).crossed == set()


@pytest.mark.parametrize(("inside", "went"), [(-52.0, {"tag"}), (-74.0, set())])
def test_what_keeps_company_goes_along_if_both_sides_hear_it_about_as_loud(
    inside: float, went: set[str]
) -> None:
    heard: Heard = [(-3.0, OUT, -70), (2.9, IN, inside), (3.4, OUT, -50), (8.0, OUT, -72)]

    assert sorted_out(heard).crossed == went
