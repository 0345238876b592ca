"""What is expected of a device: reference tags, steadiness and clock, from the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.health import HealthPlan
from runtime import settings
from runtime.roles.edge import device_setup
from runtime.settings_errors import ConfigError

HEAD = """site = "a"
[edge]
agent = "dock-03"
[[edge.device]]
name = "shelf"
driver = "llrp"
host = "r1"
kind = "{kind}"
antenna = [{{ port = 1 }}, {{ port = 3 }}]
"""
REST = """
[edge.device.health]
skew_ms = 250
[[edge.device.reference]]
epc = "3034257bf7194e4000001a85"
every_s = 30
[[edge.device.reference]]
epc = "{other}"
"""


def plan(folder: Path, text: str) -> HealthPlan | None:
    file = folder / "site.toml"
    file.write_text(text)
    found = settings.load(file, role="edge", environment={"DOCKLEDGER_HOME": str(folder / "home")})
    assert found.edge is not None
    return device_setup(found.edge.devices[0], found, linger_ms=20).health


def test_a_device_is_watched_as_its_settings_say(tmp_path: Path) -> None:
    text = HEAD.format(kind="zone") + REST.format(other="3034257BF7194E4000001A86")
    assert plan(tmp_path, text) == HealthPlan(
        antennas=(1, 3),
        references={
            "3034257BF7194E4000001A85": 30_000_000,
            "3034257BF7194E4000001A86": 60_000_000,
        },
        steady=True,
        skew_us=250_000,
    )


def test_a_portal_is_not_steady_unless_it_is_said_to_be(tmp_path: Path) -> None:
    text = HEAD.format(kind="portal")
    assert plan(tmp_path, text) == HealthPlan(antennas=(1, 3), steady=False)
    found = plan(tmp_path, text + "health = { steady = true }\n")
    assert found is not None
    assert found.steady


@pytest.mark.parametrize(
    ("other", "code", "key"),
    [
        ("303", "config-value", "edge.device[0].reference[1].epc"),
        ("3034257bf7194e4000001a85", "config-duplicate-key", "edge.device[0].reference[1].epc"),
    ],
)
def test_a_reference_tag_is_an_epc_named_once(
    tmp_path: Path, other: str, code: str, key: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        plan(tmp_path, HEAD.format(kind="zone") + REST.format(other=other))
    assert (refused.value.code, refused.value.key) == (code, key)
