"""A configuration put into the book reaches a running agent, is tried, and its end is told back."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

from core.application.agent_config import put_config
from edge.agent import Agent
from edge.batching import Batcher
from edge.config_file import ConfigFolder
from edge.devices import DeviceSetup
from edge.drivers.port import FatalError
from edge.drivers.simulated import SimulatedDriver
from edge.failpoints import no_faults
from edge.remote_config import Plan, RemoteConfig
from edge.spool import Spool, inline
from edge.spool_file import open_spool
from edge.status import Identity
from gateway.ingest import Pace
from tests.gateway_rig import Clock, Rig, a_rig, running
from tests.waiting import eventually

AGENT = "floor-1"
# The agent's monotonic clock runs fast, so that no test waits for a trial to settle.
HASTE = 20


def plan_of(document: str) -> Plan:
    """A document of this test is the names of its devices; one that is `c1` never works."""

    def build(name: str) -> SimulatedDriver:
        driver = SimulatedDriver()
        driver.refuse(FatalError("no such antenna") if name == "c1" else None)
        return driver

    names = document.split() or ["z1"]
    return Plan([DeviceSetup(n, "zone", lambda n=n: build(n), config=document) for n in names])  # type: ignore[misc]


async def put(rig: Rig, document: str) -> int:
    async with rig.open_unit("a") as uow:
        row = await put_config(
            uow,
            agent=AGENT,
            document=document,
            if_version=None,
            check=lambda site, agent, text: text.split(),
            now=1,
            actor="ann",
        )
    return row.version


async def states(rig: Rig) -> list[tuple[str, str | None]]:
    rows = await rig.rows("SELECT state, error FROM agent_config ORDER BY version")
    return [(row["state"], row["error"]) for row in rows]


async def test_the_book_s_newest_document_is_tried_and_its_end_is_told(
    database_url: str, tmp_path: Path
) -> None:
    async with a_rig(database_url, tmp_path / "archive") as rig:
        rig.clock = Clock(live=True)
        config = RemoteConfig(ConfigFolder(tmp_path / "config"), read=plan_of)
        file = open_spool(tmp_path / "spool.db", boot=1, max_bytes=1 << 26, hit=no_faults)
        spool = Spool(file, now_us=rig.clock.wall, offload=inline)
        agent = Agent(
            Identity("a", AGENT, "test"),
            devices=config.first_plan().devices,
            spool=spool,
            bus=rig.broker.bus(),
            batcher=Batcher(),
            rng=random.Random(1),
            now_us=rig.clock.wall,
            mono_us=lambda: time.monotonic_ns() // 1_000 * HASTE,
            hit=no_faults,
            config=config,
        )
        assert await put(rig, "z1 ") == 1
        pace = Pace(group_us=2_000, tick_us=20_000, idle_tick_us=20_000, registry_us=100_000)
        async with running(rig.gateway(pace=pace)):
            task = asyncio.create_task(agent.run())

            async def done() -> bool:
                return await states(rig) == [("applied", None)]

            await eventually(done, within=10)
            assert await put(rig, "z1 c1") == 2

            async def given_up() -> bool:
                found = await states(rig)
                return found[0] == ("applied", None) and found[-1][0] == "fallback"

            await eventually(given_up, within=10)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await agent.finish()
        spool.close()

        assert (await states(rig))[-1][1] == "config-not-live: c1 is dead: no such antenna"
        row = (await rig.rows("SELECT config_version, config_offered FROM agent_status"))[0]
        assert tuple(row.values()) == (1, 2)
        answers = await rig.value("SELECT count(*) FROM dead_letter")
        assert answers == 0
