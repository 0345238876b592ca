"""System services that tests may need: skipped by name where missing, required when CI=true."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

_PROGRAMS = {
    "mosquitto": ("mosquitto", "/usr/sbin/mosquitto"),
    "postgresql": ("/usr/lib/postgresql/15/bin/postgres", "/usr/lib/postgresql/16/bin/postgres"),
    "influxdb": ("influxd",),
    "victoria-metrics": ("victoria-metrics",),
    "chromium": ("chromium", "/usr/bin/chromium"),
}


def program(name: str) -> str | None:
    """The path of the program of a service, or None where it is not installed."""
    for candidate in _PROGRAMS[name]:
        found = shutil.which(candidate)
        if found:
            return found
    return None


def require_service(name: str) -> str:
    """The program of a service; skips the test by name, or fails it when CI=true."""
    found = program(name)
    if found:
        return found
    text = f"needs the service {name}, which is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(text)
    pytest.skip(text)


def require_examples() -> Path:
    """The shared examples directory named by DOCKLEDGER_EXAMPLES; skips by name without."""
    place = os.environ.get("DOCKLEDGER_EXAMPLES")
    if not place:
        pytest.skip("DOCKLEDGER_EXAMPLES not set")
    return Path(place)
