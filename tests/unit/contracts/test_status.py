"""A status: how devices and configuration are, with its times set right."""

from __future__ import annotations

import json

from msgspec import UNSET

from contracts.codec import encode
from contracts.v1 import AgentStatus
from tests.unit.contracts.messages import EPC, NOW, a_device, a_message, accepted, an_antenna


def test_a_status_tells_how_each_device_and_the_configuration_are() -> None:
    told = an_antenna(rssi_mean_dbm=-61.5, last_read_at=NOW + 10_000_000)
    device = a_device(
        alarms=["antenna_fault", "skew"], antennas=[told], missing=[EPC], clock_skew_ms=-5.5
    )
    config = {"config_version": 6, "config_offered": 7, "config_state": "fallback"}
    said = {"devices": [device], "config_error": "config-not-live: r1", **config}
    status = accepted(a_message("status", **said), kind="status").message
    assert isinstance(status, AgentStatus)
    assert json.loads(encode(status)) == a_message("status", **said)
    ahead = a_message("status", sent_at=NOW + 10_000_000, **said)
    moved = accepted(ahead, kind="status").message
    assert isinstance(moved, AgentStatus)
    assert moved.devices is not UNSET
    assert moved.devices[0].antennas is not UNSET
    assert moved.devices[0].antennas[0].last_read_at == NOW
