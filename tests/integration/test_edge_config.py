"""The edge process takes a sent configuration over a real broker, keeps it over kill -9, and goes
back to the last good one. Long: DOCKLEDGER_SOAK=1 (the parts run always, without the process).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from contracts import topics
from contracts.codec import encode
from contracts.v1 import Command
from runtime.clock import now_us
from simulators.site import build_site
from simulators.world import World
from tests.brokers import SITE, NatsBroker
from tests.integration.test_edge_process import EdgeProcess, Listener
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(
    os.environ.get("DOCKLEDGER_SOAK") != "1", reason="a process and trials: `make soak` runs it"
)
DEVICE = '[[edge.device]]\nname = "{name}"\ndriver = "llrp"\nhost = "127.0.0.1"\nport = {port}\n'


async def configure(heard: Listener, version: int, document: str) -> None:
    command = Command(
        schema="command.v1",
        site=SITE,
        agent="dock-1",
        boot=1,
        seq=0,
        sent_at=now_us(),
        id=f"c{version}",
        device=None,
        ttl_ms=60_000,
        action="configure",
        document=document,
        version=version,
    )
    await heard.bus.publish(topics.down(SITE, "dock-1", "command"), encode(command))


def last(heard: Listener) -> tuple[Any, ...]:
    """(version, state, live devices) of the newest status."""
    said: dict[str, Any] = heard.statuses[-1] if heard.statuses else {}
    live = [one["device"] for one in said.get("devices", []) if one["state"] == "live"]
    return said.get("config_version"), said.get("config_state"), live


async def test_a_sent_configuration_outlives_kill_9_and_a_bad_one_does_not_last(
    tmp_path: Path, broker: NatsBroker
) -> None:
    world = World(build_site(1), seed=4, truth_dir=tmp_path)
    ports = await world.start()
    first, second = sorted(name for name in ports if name.startswith("dock-"))[:2]
    one = DEVICE.format(name=first, port=ports[first])
    two = one + DEVICE.format(name=second, port=ports[second])
    edge = EdgeProcess(tmp_path, broker, device=one)
    heard = Listener(broker)
    try:
        async with heard.listening():
            edge.start()
            await eventually(lambda: last(heard) == (0, "local", [first]), within=15)
            await configure(heard, 1, two)
            await eventually(lambda: last(heard) == (1, "applied", [first, second]), within=20)

            edge.end()
            heard.statuses.clear()
            edge.start()
            await eventually(lambda: last(heard) == (1, "applied", [first, second]), within=20)

            wrong = two + "[[edge.device.antenna]]\nport = 60\n"
            await configure(heard, 2, wrong)
            await eventually(lambda: last(heard) == (1, "fallback", [first, second]), within=20)
            error = heard.statuses[-1]["config_error"]
            assert "antenna 60 is configured" in str(error)
            await configure(heard, 3, '[mqtt]\nhost = "evil.example"\n')
            await eventually(lambda: last(heard)[1] == "refused", within=10)
            assert "config-local-only" in str(heard.statuses[-1]["config_error"])
    finally:
        edge.end()
        await world.stop()
    answers = {
        sensor["id"]: sensor["state"]
        for message in heard.applied
        for sensor in message.get("sensors", [])
        if sensor["kind"] == "command"
    }
    assert answers == {"c1": "done", "c2": "refused", "c3": "refused"}
