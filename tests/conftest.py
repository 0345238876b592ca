"""Fixtures for every part: a fresh migrated database per test, brokers, services by name."""

from __future__ import annotations

import pytest

from tests.services import require_service

pytest_plugins = ["tests.databases", "tests.brokers"]


@pytest.fixture(autouse=True)
def _named_service(request: pytest.FixtureRequest) -> None:
    """`@pytest.mark.service("mosquitto")` skips by name; with CI=true a missing one fails."""
    for mark in request.node.iter_markers("service"):
        for name in mark.args:
            require_service(name)
