"""Stack lights: leases end in amber, green never outlasts five seconds."""

from __future__ import annotations

from edge.lights import LightLease

MS = 1_000


def test_a_light_starts_amber() -> None:
    assert LightLease().colour(0) == "amber"


def test_a_lease_that_is_not_renewed_ends_in_amber() -> None:
    lease = LightLease()
    lease.grant("red", ttl_us=1_500 * MS, at=0)

    assert lease.due() == 1_500 * MS
    assert lease.colour(1_500 * MS - 1) == "red"
    assert lease.colour(1_500 * MS) == "amber"
    assert lease.due() is None


def test_no_lease_outlives_a_lost_gateway_by_two_seconds() -> None:
    lease = LightLease()
    lease.grant("green", ttl_us=60_000 * MS, at=0)

    assert lease.colour(1_899 * MS) == "green"
    assert lease.colour(1_900 * MS) == "amber"


def test_green_drops_after_five_seconds_however_often_it_is_renewed() -> None:
    lease = LightLease()
    shown = []
    for at in range(0, 7_000 * MS, 500 * MS):
        lease.grant("green", ttl_us=1_500 * MS, at=at)
        shown.append(lease.colour(at))

    assert shown == ["green"] * 10 + ["amber"] * 4


def test_green_belongs_to_one_pass_and_another_colour_makes_room_for_the_next() -> None:
    lease = LightLease()
    for at in range(0, 6_000 * MS, 500 * MS):
        lease.grant("green", ttl_us=1_500 * MS, at=at)
    lease.grant("amber", ttl_us=1_500 * MS, at=6_000 * MS)
    lease.grant("green", ttl_us=1_500 * MS, at=6_500 * MS)

    assert lease.colour(6_500 * MS) == "green"


def test_red_may_be_renewed_for_ever() -> None:
    lease = LightLease()
    for at in range(0, 60_000 * MS, 500 * MS):
        lease.grant("red", ttl_us=1_500 * MS, at=at)
        assert lease.colour(at) == "red"
