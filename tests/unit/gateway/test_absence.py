"""Tags that leave a zone: the adaptive window against fixed ones, on tags that flicker."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from statistics import mean

import pytest

from contracts.v1 import DeviceStatus
from core.application.ports.tracking import StreamKey
from gateway.absence import EPOCH_US, LONGEST_US, Absence, Source, Told

SECOND = 1_000_000
READER = Source("rack-agent", "rack-1")
TOLD = Told("rack-1.a", StreamKey("rack-agent", 1), 1)
STAY = 900
TAGS = 60


def hear(absence: Absence, key: str, at: int, source: Source = READER) -> bool:
    return absence.hear(key, at, absence.reader(source), TOLD)


def live(*sources: Source) -> list[DeviceStatus]:
    return [DeviceStatus(source.device, "live") for source in sources]


def flicker(rate: float, seed: int) -> dict[str, list[int]]:
    """Sightings of tags that are read in this share of the 2 s epochs, then carried away."""
    rng = random.Random(seed)
    return {
        f"tag-{n}": [e * EPOCH_US for e in range(1, STAY + 1) if e == 1 or rng.random() < rate]
        for n in range(TAGS)
    }


def fixed(silence_us: int) -> Callable[[dict[str, list[int]]], tuple[int, float]]:
    """The rule of one silence for all tags: false leaves, and seconds until the true one."""

    def run(seen: dict[str, list[int]]) -> tuple[int, float]:
        pairs = [pairwise(times) for times in seen.values()]
        return sum(b - a > silence_us for pair in pairs for a, b in pair), silence_us / SECOND

    return run


def adaptive(seen: dict[str, list[int]]) -> tuple[int, float]:
    absence, false, late = Absence(), 0, []
    last = {key: times[-1] for key, times in seen.items()}
    by_time = sorted((at, key) for key, times in seen.items() for at in times)
    upcoming = iter([*by_time, (2**62, "")])
    at, key = next(upcoming)
    for epoch in range(1, STAY + LONGEST_US // EPOCH_US + 2):
        now = epoch * EPOCH_US
        while at <= now:
            hear(absence, key, at)
            at, key = next(upcoming)
        absence.alive(READER.agent, live(READER), now)
        for gone in absence.step():
            if gone.at < last[gone.key]:
                false += 1
            else:
                late.append((now - gone.at) / SECOND)
    assert len(late) == TAGS
    return false, mean(late)


@pytest.mark.parametrize(("rate", "soon"), [(0.9, 30), (0.65, 40), (0.3, 80), (0.15, 150)])
def test_a_window_fits_the_tag_where_one_silence_for_all_does_not(rate: float, soon: int) -> None:
    seen = flicker(rate, seed=int(rate * 100))

    false, late = adaptive(seen)

    assert false <= 5
    assert late < soon < fixed(LONGEST_US)(seen)[1]
    if rate <= 0.3:
        assert fixed(30 * SECOND)(seen)[0] > 10 * max(1, false)


def test_a_tag_that_is_back_is_told_at_once_and_waits_anew() -> None:
    absence = Absence()
    for epoch in range(20):
        assert not hear(absence, "a", epoch * EPOCH_US)
    assert absence.step() == []

    absence.alive(READER.agent, live(READER), 60 * SECOND)

    assert [gone.key for gone in absence.step()] == ["a"]
    assert absence.step() == []
    assert hear(absence, "a", 70 * SECOND)
    assert not hear(absence, "a", 72 * SECOND)
    absence.alive(READER.agent, live(READER), 120 * SECOND)
    assert [gone.at for gone in absence.step()] == [72 * SECOND]


def test_nobody_leaves_while_the_reader_is_cut_off_or_its_backlog_drains() -> None:
    absence, second = Absence(), Source("rack-agent", "rack-2")
    for epoch in range(20):
        hear(absence, "a", epoch * EPOCH_US)
        hear(absence, "b", epoch * EPOCH_US, second)
    absence.alive(READER.agent, [DeviceStatus(READER.device, "dead")], 3_600 * SECOND)
    absence.alive(READER.agent, live(second), 3_600 * SECOND)

    assert [gone.key for gone in absence.step()] == ["b"]
    for epoch in range(20, 900):
        hear(absence, "a", epoch * EPOCH_US)
        assert absence.step() == []


def test_a_tag_heard_by_another_reader_has_not_left() -> None:
    absence, second = Absence(), Source("rack-agent", "rack-2")
    for epoch in range(20):
        hear(absence, "a", epoch * EPOCH_US)
    hear(absence, "a", 41 * SECOND, second)

    absence.alive(READER.agent, live(READER), 3_600 * SECOND)
    assert absence.step() == []
    absence.alive(READER.agent, live(second), 3_600 * SECOND)
    assert [gone.source for gone in absence.step()] == [second]


def test_a_tag_between_two_readers_keeps_one_reminder_for_each() -> None:
    absence = Absence()
    other = Source("rack-agent", "rack-2")
    for n in range(1_000):
        hear(absence, "tag-1", n * SECOND, (READER, other)[n % 2])
        assert absence.step() == []
    assert absence.waiting <= 2
    absence.alive("rack-agent", live(other), 999 * SECOND + LONGEST_US)
    assert [gone.key for gone in absence.step()] == ["tag-1"]
    assert absence.waiting <= 1
