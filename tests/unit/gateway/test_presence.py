"""Presence: ALE states with their four settings, and SMURF's window against its paper's figures."""

from __future__ import annotations

import random

import pytest

from gateway.presence import PORTAL, ZONE, Presence, SmurfWindow

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


@pytest.mark.parametrize(("rate", "epochs"), [(0.9, 4), (0.65, 5), (0.3, 10)])
def test_the_window_grows_to_the_width_of_the_paper(rate: float, epochs: int) -> None:
    window = SmurfWindow()
    widest = 1

    for _ in range(12):
        window.epoch(rate)
        widest = max(widest, window.width)

    assert widest == epochs


def test_a_tag_that_is_often_missed_stays_present() -> None:
    window, rng = SmurfWindow(), random.Random(4)

    present = [window.epoch(0.65 if rng.random() < 0.65 else 0.0) for _ in range(400)]

    # Epoch by epoch it would be there for 65 %; the window is made for 1 - DELTA.
    assert sum(present[10:]) / 390 > 0.93
    assert window.width <= 5


def test_a_tag_that_left_is_gone_within_its_window() -> None:
    window = SmurfWindow()
    for _ in range(12):
        window.epoch(0.65)
    width = window.width

    gone = [window.epoch(0.0) for _ in range(width + 1)]

    assert gone[0]
    assert not gone[-1]
    assert window.width == 1
