"""What the health of a device and a refused configuration mean to a person."""

from __future__ import annotations

import pytest

from core.domain.liveness import AgentFact, CellFact, Memory, judge
from core.domain.reader_health import config_alarm, health_alarms

SECOND = 1_000_000


def antennas(**states: str) -> list[dict[str, object]]:
    return [{"antenna": int(name[1:]), "state": state} for name, state in states.items()]


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        ({}, []),
        ({"antennas": antennas(a1="fault"), "overflows": 4}, []),
        (
            {"alarms": ["antenna_fault"], "antennas": antennas(a1="ok", a3="fault", a4="fault")},
            [("device.antenna", "The reader says that antenna 3, 4 is not connected.")],
        ),
        (
            {"alarms": ["antenna_silent"], "antennas": antennas(a2="silent")},
            [("device.antenna", "Antenna 2 hears nothing of what its neighbours hear.")],
        ),
        (
            {"alarms": ["reference_missing"], "missing": ["3034"]},
            [("device.reference", "A reference tag is not heard in its time: 3034.")],
        ),
        (
            {"alarms": ["skew"], "clock_skew_ms": -5_000.0},
            [
                (
                    "device.skew",
                    "The device's clock is wrong by 5.0 s (behind); its times are corrected.",
                )
            ],
        ),
        (
            {"alarms": ["skew"]},
            [("device.skew", "The device's clock is wrong; its times are corrected.")],
        ),
        (
            {"alarms": ["rate_collapse", "overflow"]},
            [
                (
                    "device.rate",
                    "The reader reads at most a fifth of what it read over the last minutes.",
                ),
                ("device.overflow", "The reader's buffer ran over: it lost reads by itself."),
            ],
        ),
    ],
)
def test_each_alarm_of_a_device_has_its_kind_and_sentence(
    health: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    assert health_alarms(health) == expected


def test_only_a_configuration_that_is_not_run_is_an_alarm() -> None:
    assert config_alarm(None, None, None) is None
    assert config_alarm("applied", 7, None) is None
    assert config_alarm("trial", 7, None) is None
    assert config_alarm("refused", 7, "config-value: port") == (
        "agent.config",
        "The agent refused configuration 7: config-value: port.",
    )
    assert config_alarm("fallback", 7, None) == (
        "agent.config",
        "The agent gave up configuration 7: no reason given.",
    )


def kinds(*, state: str, device: str = "live", age_s: int = 1) -> list[str]:
    fact = AgentFact(
        agent="dock-1",
        cell="all",
        state=state,
        boot=1,
        seq=5,
        received_at=100 * SECOND,
        cursor=5,
        devices={"r1": device},
        health={"r1": {"alarms": ["overflow"]}},
        config=("refused", 7, "x"),
    )
    now = (100 + age_s) * SECOND
    cells = [CellFact("all", 1, 1)]
    judged = judge([fact], cells, Memory(-60 * SECOND), now=now, mono=0)
    return [trouble.kind for trouble in judged.troubles]


def test_health_is_an_alarm_only_of_a_live_device_of_an_agent_that_speaks() -> None:
    assert kinds(state="online") == ["device.overflow", "agent.config"]
    assert kinds(state="degraded", device="stale") == ["device.stale", "agent.config"]
    assert kinds(state="online", age_s=20) == ["agent.silent", "device.stale"]
    assert kinds(state="online", device="dead", age_s=20) == ["agent.silent", "device.dead"]
