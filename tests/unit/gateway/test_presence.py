"""Presence: ALE states with their four settings."""

from __future__ import annotations

from gateway.presence import PORTAL, ZONE, Presence

MS = 1_000


def test_two_reads_make_a_glimpse_an_observation_and_silence_loses_it() -> None:
    presence = Presence(PORTAL)

    changes = presence.hear("a", 0) + presence.hear("a", 100 * MS) + presence.step(3_100 * MS)

    assert changes == [("a", "glimpsed", 0), ("a", "observed", 100 * MS), ("a", "lost", 3_100 * MS)]
    assert presence.state("a") is None


def test_a_single_read_is_forgotten_and_never_lost() -> None:
    presence = Presence(PORTAL)

    changes = presence.hear("a", 0) + presence.step(999 * MS)
    assert changes == [("a", "glimpsed", 0)]
    assert presence.step(1_000 * MS) == [("a", "forgotten", 1_000 * MS)]


def test_time_in_view_observes_a_tag_that_is_read_seldom() -> None:
    presence = Presence(ZONE)

    presence.hear("a", 0)
    assert presence.hear("a", 1_000 * MS) == [("a", "observed", 1_000 * MS)]


def test_a_tag_that_comes_back_after_it_was_lost_begins_anew() -> None:
    presence = Presence(PORTAL)
    presence.hear("a", 0, reads=2)

    assert presence.hear("a", 9_000 * MS) == [
        ("a", "lost", 3_000 * MS),
        ("a", "glimpsed", 9_000 * MS),
    ]
    assert presence.state("a") == "glimpsed"
