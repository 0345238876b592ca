"""Which agent is sent its configuration, when, and when no longer."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.v1 import AgentStatus
from gateway.configs import EVERY_US, Configs


def status(state: str = "online", **more: Any) -> AgentStatus:
    header = {"schema": "status.v1", "site": "a", "agent": "dock-1", "boot": 1, "seq": 0}
    return AgentStatus(**header, sent_at=0, state=state, **more)  # type: ignore[arg-type]


def configs(**wanted: int) -> Configs:
    made = Configs()
    made.use({name.replace("_", "-"): version for name, version in wanted.items()})
    return made


@pytest.mark.parametrize(
    ("said", "due"),
    [
        ({"config_version": 0, "config_offered": 0, "config_state": "local"}, 7),
        ({"config_version": 6, "config_offered": 6, "config_state": "applied"}, 7),
        ({"config_version": 8, "config_offered": 8, "config_state": "applied"}, 7),
        ({"config_version": 5, "config_offered": 6, "config_state": "refused"}, 7),
        ({"config_version": 0, "config_offered": 7, "config_state": "local"}, 7),
        ({"config_version": 7, "config_offered": 7, "config_state": "applied"}, None),
        ({"config_version": 6, "config_offered": 7, "config_state": "refused"}, None),
        ({"config_version": 6, "config_offered": 7, "config_state": "fallback"}, None),
        ({"config_version": 7, "config_offered": 7, "config_state": "trial"}, None),
        ({}, None),
    ],
)
def test_an_agent_is_sent_what_it_does_not_run_and_has_not_refused(
    said: dict[str, Any], due: int | None
) -> None:
    assert configs(dock_1=7).due(status(**said), 0) == due


def test_an_agent_without_a_document_of_its_own_is_sent_nothing() -> None:
    assert configs(dock_2=7).due(status(config_version=0), 0) is None


def test_a_last_will_asks_for_nothing() -> None:
    assert configs(dock_1=7).due(status("offline", config_version=0), 0) is None


def test_it_is_said_again_every_five_seconds_and_a_newer_one_at_once() -> None:
    found = configs(dock_1=7)
    asking = status(config_version=6)
    assert [found.due(asking, at) for at in (1, EVERY_US, EVERY_US + 1)] == [7, None, 7]
    found.use({"dock-1": 8})
    assert found.due(asking, EVERY_US + 2) == 8
