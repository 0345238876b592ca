"""The travel rule: what a vehicle cannot have done, what it can, and what nobody can say."""

from __future__ import annotations

import pytest

from core.domain.travel import Sighting, Spot, Travel, travel_of

S = 1_000_000
DOCK, FAR, NEAR = Spot("dock-1", 0, 0), Spot("rack-9", 110, 0), Spot("dock-2", 25, 0)
RULE = Travel(speed_m_s=8, reach_m=15, clock_s=2)


def at(spot: Spot, first_s: float, last_s: float | None = None) -> Sighting:
    """A tag heard at a spot, in seconds."""
    return Sighting(spot, int(first_s * S), int((first_s if last_s is None else last_s) * S))


def test_the_soonest_time_is_the_way_outside_both_readers_reach() -> None:
    assert RULE.soonest_s(DOCK, FAR) == 10.0
    assert RULE.soonest_s(DOCK, NEAR) == 0.0
    assert RULE.soonest_s(DOCK, Spot("dock-1", 500, 0)) == 0.0
    assert RULE.soonest_s(DOCK, Spot("truck", None, None)) == 0.0


@pytest.mark.parametrize(
    ("gap_s", "too_soon"), [(0, True), (7.9, True), (8.0, False), (8.1, False), (60, False)]
)
def test_a_tag_is_there_twice_when_it_was_faster_than_the_clocks_allow(
    gap_s: float, too_soon: bool
) -> None:
    left, came = at(DOCK, 90, 100), at(FAR, 100 + gap_s)

    assert RULE.is_too_soon(left, came) is too_soon
    assert RULE.is_too_soon(came, left) is too_soon


def test_a_tag_at_both_places_at_once_is_there_twice() -> None:
    assert RULE.is_too_soon(at(DOCK, 0, 100), at(FAR, 50, 60))
    assert not RULE.is_too_soon(at(DOCK, 0, 100), at(NEAR, 50, 60))


def test_the_site_s_own_figure_outranks_the_straight_line() -> None:
    rule = travel_of({"minimum": [{"between": ["dock-2", "dock-1"], "seconds": 30}], "clock_s": 0})

    assert rule is not None
    assert rule.soonest_s(DOCK, NEAR) == 30.0
    assert rule.is_too_soon(at(DOCK, 0), at(NEAR, 29.9))
    assert not rule.is_too_soon(at(DOCK, 0), at(NEAR, 30))


def test_a_site_without_a_rule_compares_nothing() -> None:
    assert travel_of(None) is None
    assert travel_of({}) == Travel()
