"""A full edge spool drained through a real broker into a gateway that commits to PostgreSQL.

The spool file, the agent with its uplink, the embedded broker and the gateway are the product's
own, at its default limits (5,000 readings a second and agent). The limit is that rate alone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from bench.figure import Figure
from bench.gateway import SETUP, SITE, TAGS, Deaf
from contracts.v1 import Observation
from core.db.migrate import migrate
from core.db.stores.cells import PgCellClaim
from core.db.uow import PgUnitOfWorkFactory, build_engine
from edge.agent import Agent
from edge.batching import Batcher
from edge.failpoints import no_faults as edge_no_faults
from edge.spool import Spool
from edge.spool_file import SpoolFile, open_spool
from edge.status import Identity
from gateway.archive import Archive
from gateway.failpoints import no_faults
from gateway.holder import Means
from gateway.ingest import Gateway
from gateway.rates import READS
from gateway.sender import Sender
from gateway.speech import Speech
from runtime.access import agent_user, gateway_user
from runtime.broker import Broker, run_broker
from runtime.clock import monotonic_us, new_id, now_us
from runtime.mqtt import MqttBus, MqttOptions
from runtime.pgfiles import remove_data
from runtime.postgres import OWNER, run_server
from runtime.roles.edge import thread_of_its_own

AGENT, CELL = "a-1", "site"
DEFAULT_READS, GOAL_S = 100_000, 300.0
MESSAGES_A_COMMIT = 64
SPOOL_BYTES = 4 * 1024**3
COUNTS = """
SELECT coalesce(sum(applied), 0)::bigint AS applied, coalesce(sum(dead), 0)::bigint AS dead,
  coalesce(sum(seq), 0)::bigint AS seq, coalesce(sum(messages), 0)::bigint AS messages,
  count(*) AS streams
FROM cursor WHERE site_id = $1
"""


def run(reads: int = DEFAULT_READS) -> list[Figure]:
    """The time of one drain; raises when a reading was lost or counted twice."""
    return asyncio.run(_run(reads))


async def _run(reads: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="dockledger-bench-") as folder:
        home = Path(folder)
        users = (agent_user(SITE, AGENT), gateway_user(SITE))
        try:
            async with run_server(home / "pg") as server, run_broker(home / "mq", users) as broker:
                url = server.url(OWNER)
                await migrate(url)
                raw = await asyncpg.connect(url)
                try:
                    await raw.execute(SETUP)
                    file = open_spool(
                        home / "spool.db", boot=1, max_bytes=SPOOL_BYTES, hit=edge_no_faults
                    )
                    messages = _fill(file, reads)
                    async with _gateway(url, broker, home), _agent(broker, file):
                        took = await _drained(raw, reads, messages)
                finally:
                    await raw.close()
        finally:
            remove_data(home / "pg")
    goal = GOAL_S * reads / 1_000_000
    how = f"{reads:,} readings spooled, all committed once; limit: the goal of 5 min a million"
    rate = "one agent at its rate limit; limit: that limit"
    return [
        Figure("spool drained", took, "s", goal, how),
        Figure("spool drained, rate", reads / took, "readings/s", READS.per_second, rate),
    ]


def _fill(file: SpoolFile, reads: int) -> int:
    """Store that many readings durably, in messages of the agent's usual size; how many."""
    batcher, now = Batcher(), now_us()
    for n in range(reads):
        at = now - (reads - n) * 1_000
        tag = n % TAGS
        seen = Observation(
            epc=f"3034257BF7194E40{tag:08X}",
            device="r",
            antenna=1 + (tag + n // (20 * TAGS)) % 2,
            rssi_dbm=-60.0 + tag % 9,
            occurred_at=at,
        )
        batcher.add("reads", [seen], at=0, linger_us=0)
    batcher.close()
    messages = batcher.take()
    for start in range(0, len(messages), MESSAGES_A_COMMIT):
        file.append(messages[start : start + MESSAGES_A_COMMIT], now=now)
    return len(messages)


@asynccontextmanager
async def _bus(broker: Broker, user: str) -> AsyncIterator[MqttBus]:
    options = MqttOptions(
        "127.0.0.1",
        broker.port,
        user,
        username=user,
        password=broker.password(user),
        protocol="3.1.1",
    )
    async with MqttBus(options) as bus:
        yield bus


@asynccontextmanager
async def _gateway(url: str, broker: Broker, home: Path) -> AsyncIterator[Gateway]:
    engine = build_engine(url, pool_size=2)
    claim = PgCellClaim(url, site=SITE, cell=CELL, holder="bench", taken_at=now_us)
    try:
        async with _bus(broker, "gateway") as bus:
            sender = Sender(bus, site=SITE, now=now_us)
            means = Means(
                site=SITE,
                cell=CELL,
                open_unit=PgUnitOfWorkFactory(engine),
                speech=Speech(sender, site=SITE, now=now_us, ids=new_id),
                telemetry=Deaf(),
                now=now_us,
                monotonic=monotonic_us,
                ids=new_id,
                hit=no_faults,
            )
            gateway = Gateway(
                means,
                bus=bus,
                claim=claim,
                sender=sender,
                archive_for=lambda epoch: Archive(
                    home / "archive", site=SITE, cell=CELL, epoch=epoch
                ),
            )
            async with _while_running(gateway.run()):
                yield gateway
    finally:
        await engine.dispose()


@asynccontextmanager
async def _agent(broker: Broker, file: SpoolFile) -> AsyncIterator[None]:
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool") as pool:
        offload = thread_of_its_own(pool)
        spool = Spool(file, now_us=now_us, offload=offload)
        async with _bus(broker, AGENT) as bus:
            agent = Agent(
                Identity(SITE, AGENT, "bench"),
                devices=[],
                spool=spool,
                bus=bus,
                batcher=Batcher(),
                rng=random.Random(1),
                now_us=now_us,
                mono_us=monotonic_us,
                hit=edge_no_faults,
            )
            try:
                async with _while_running(agent.run()):
                    yield
            finally:
                await agent.finish()
                await offload(spool.close)


@asynccontextmanager
async def _while_running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """The work goes on beside the context and ends with it."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _drained(raw: asyncpg.Connection[Any], reads: int, messages: int) -> float:
    """Seconds until the ledger has them all; each message and each reading exactly once."""
    began = time.perf_counter()
    until = began + max(60.0, 2 * GOAL_S * reads / 1_000_000)
    while True:
        (row,) = await raw.fetch(COUNTS, SITE)
        took = time.perf_counter() - began
        if row["seq"] >= messages or took > until - began:
            break
        await asyncio.sleep(0.1)
    want = {"applied": reads, "dead": 0, "seq": messages, "messages": messages, "streams": 1}
    if dict(row) != want:
        raise RuntimeError(f"lost or doubled: wanted {want}, the ledger has {dict(row)}")
    return took


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reads", type=int, default=DEFAULT_READS)
    for figure in run(parser.parse_args().reads):
        sys.stdout.write(f"{figure}\n")
