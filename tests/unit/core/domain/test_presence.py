"""What a position is worth by its age and by the gateway's word."""

from __future__ import annotations

import pytest

from core.domain.presence import STALE_US, age_s, presence_of


@pytest.mark.parametrize(
    ("confidence", "seen_at", "now", "presence"),
    [
        (0.4, 0, STALE_US - 1, "observed"),
        (0.4, 0, STALE_US, "stale"),
        (0.0, 0, 1, "lost"),
        (None, None, 1, None),
    ],
)
def test_a_position_is_observed_stale_or_lost(
    confidence: float | None, seen_at: int | None, now: int, presence: str | None
) -> None:
    assert presence_of(confidence, seen_at, now=now) == presence


def test_its_age_is_never_negative_and_unknown_without_a_sighting() -> None:
    assert age_s(2_500_000, now=4_000_000) == 1.5
    assert age_s(5, now=0) == 0.0
    assert age_s(None, now=5) is None
