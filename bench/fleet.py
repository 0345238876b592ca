"""A fleet of simulated readers through agents, broker and gateway to verdicts, for minutes.

40 readers at 525 raw reads a second each: 8 agents with a portal reader, where a load of 20 tags
crosses every 12 s, and four zone readers. The agents are one process, the gateway another; spool,
ring, broker, database, archive and rates are the product's own. A verdict's latency runs from the
read, beam edge or timer that decides it, by the agent's clock, to its commit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import asyncpg

from bench.figure import Figure
from bench.fleet_agents import AGENTS, READERS, Fleet, units, zone_tags
from bench.fleet_gateway import Told, serve
from core.db.migrate import migrate
from gateway.archive_reader import archived
from runtime.access import agent_user, gateway_user
from runtime.broker import run_broker
from runtime.pgfiles import remove_data
from runtime.postgres import OWNER, run_server

SITE = "fleet"
GOAL_MS, RATE = 500.0, 525
DRAIN_S = 30.0
SETUP = """
INSERT INTO site (site_id, name, created_at) VALUES ('fleet', 'Fleet', 0);
INSERT INTO location (site_id, code, kind) SELECT 'fleet', 'DOCK-' || n, 'dock'
  FROM generate_series(1, 8) n;
INSERT INTO location (site_id, code, kind) SELECT 'fleet', 'Z-' || n || '-' || k, 'staging'
  FROM generate_series(1, 8) n, generate_series(1, 4) k;
INSERT INTO location (site_id, code, kind) SELECT 'fleet', upper(kind), kind
  FROM unnest('{supplier,customer,found,missing,loss,adjustment,discrepancy}'::text[]) kind;
INSERT INTO agent (site_id, agent, registered_at)
  SELECT 'fleet', 'a-' || n, 0 FROM generate_series(1, 8) n;
INSERT INTO device (site_id, agent, device)
  SELECT 'fleet', 'a-' || n, d FROM generate_series(1, 8) n, unnest('{door,z1,z2,z3,z4}'::text[]) d;
INSERT INTO portal (site_id, portal, door_location_id, inside_location_id)
  SELECT 'fleet', 'dock-' || n, d.location_id, z.location_id FROM generate_series(1, 8) n
  JOIN location d ON d.site_id = 'fleet' AND d.code = 'DOCK-' || n
  JOIN location z ON z.site_id = 'fleet' AND z.code = 'Z-' || n || '-1';
INSERT INTO read_point (site_id, read_point, agent, device, antenna, role, portal, side)
  SELECT 'fleet', 'door-' || n || '-' || k, 'a-' || n, 'door', k, 'portal', 'dock-' || n,
    (ARRAY['outside','inside'])[k] FROM generate_series(1, 8) n, generate_series(1, 2) k;
INSERT INTO read_point (site_id, read_point, agent, device, gpi_port, role, portal, side)
  SELECT 'fleet', 'beam-' || n || '-' || k, 'a-' || n, 'door', k, 'beam', 'dock-' || n,
    (ARRAY['outside','inside'])[k] FROM generate_series(1, 8) n, generate_series(1, 2) k;
INSERT INTO read_point (site_id, read_point, agent, device, antenna, role, location_id)
  SELECT 'fleet', 'z-' || n || '-' || k, 'a-' || n, 'z' || k, 1, 'zone', l.location_id
  FROM generate_series(1, 8) n CROSS JOIN generate_series(1, 4) k
  JOIN location l ON l.site_id = 'fleet' AND l.code = 'Z-' || n || '-' || k;
"""
UNITS = """
INSERT INTO unit (site_id, epc_key, owner_id, item_id, state, location_id, changed_at)
SELECT 'fleet', '01/80614141123458/21/' || n, 'acme', 1, 'present', l.location_id, 0
FROM unnest($1::bigint[]) n JOIN location l ON l.site_id = 'fleet' AND l.code = 'DOCK-1'
"""
COUNTS = """
SELECT agent, seq, applied, held, dead FROM cursor WHERE site_id = 'fleet' ORDER BY agent
"""
PASSES = "SELECT verdict, count(*) AS n FROM pass WHERE site_id = 'fleet' GROUP BY verdict"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run gave. CPU shares are of one core."""

    raw_reads: int
    seconds: float
    archived_reads: int
    observations: int
    lost_messages: int
    verdict_ms: Sequence[float]
    passes: dict[str, int]
    agents_cpu: float
    gateway_cpu: float
    machine_cpu: float
    behind: float

    @property
    def rate(self) -> float:
        """Raw reads a second, as fed."""
        return self.raw_reads / self.seconds

    def at(self, share: float) -> float:
        """A quantile of the time from read to verdict, in ms."""
        ordered = sorted(self.verdict_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def run(minutes: float = 0.5) -> list[Figure]:
    """The figures of so many minutes; raises when a read was lost or counted twice."""
    found = asyncio.run(_run(minutes))
    if found.lost_messages or found.archived_reads != found.raw_reads:
        told = {k: v for k, v in asdict(found).items() if k != "verdict_ms"}
        raise RuntimeError(f"lost or doubled: {json.dumps(told)}")
    how = f"{READERS} readers, {minutes:g} min, {len(found.verdict_ms)} verdicts"
    passes = ", ".join(f"{n} {verdict}" for verdict, n in sorted(found.passes.items()))
    goal = f"{how}; limit: the goal of {GOAL_MS:.0f} ms"
    kept = (
        f"{found.observations:,} observations of them in the ledger, 0 lost, 0 doubled; "
        f"limit: {READERS} x {RATE}"
    )
    return [
        Figure("fleet raw reads", found.rate, "reads/s", float(READERS * RATE), kept),
        Figure("fleet read to verdict p50", found.at(0.5), "ms", GOAL_MS, goal),
        Figure("fleet read to verdict p99", found.at(0.99), "ms", GOAL_MS, f"{goal}; {passes}"),
        Figure("fleet gateway CPU", found.gateway_cpu, "cores", 1.0, "limit: one core"),
        Figure("fleet agents CPU", found.agents_cpu, "cores", 1.0, "limit: one core"),
        Figure(
            "fleet machine CPU",
            found.machine_cpu,
            "cores",
            float(os.cpu_count() or 1),
            f"all processes; readers at most {found.behind * 1e3:.0f} ms late; limit: all cores",
        ),
    ]


async def _run(minutes: float) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="dockledger-bench-") as folder:
        home = Path(folder)
        users = [*(agent_user(SITE, name) for name in AGENTS), gateway_user(SITE)]
        try:
            async with run_server(home / "pg") as server, run_broker(home / "mq", users) as broker:
                url = server.url(OWNER)
                await migrate(url)
                raw = await asyncpg.connect(url)
                try:
                    await raw.execute(SETUP)
                    await raw.execute(UNITS, [*units(minutes), *zone_tags()])
                    told = Told(url, broker.port, broker.password("gateway"), home)
                    passwords = {name: broker.password(name) for name in AGENTS}
                    fleet = Fleet(SITE, home, broker.port, passwords)
                    return await _measure(raw, told, fleet, minutes)
                finally:
                    await raw.close()
        finally:
            remove_data(home / "pg")


async def _measure(
    raw: asyncpg.Connection[Any], told: Told, fleet: Fleet, minutes: float
) -> Outcome:
    gateway = multiprocessing.get_context("spawn").Process(target=serve, args=(SITE, told))
    gateway.start()
    try:
        async with fleet.running():
            await _holding(raw)
            cpu, busy, began = time.process_time(), _busy_s(), time.perf_counter()
            fed = await fleet.feed(minutes * 60, rate=RATE)
            took = time.perf_counter() - began
            cpu, busy = time.process_time() - cpu, _busy_s() - busy
            await fleet.settled()
            rows = await _arrived(raw, fleet)
        os.kill(gateway.pid or 0, signal.SIGTERM)
        await asyncio.to_thread(gateway.join, 20)
        report = json.loads(told.report.read_text())
        passes = {row["verdict"] or "open": row["n"] for row in await raw.fetch(PASSES)}
    finally:
        if gateway.is_alive():
            gateway.kill()
    cursors = {row["agent"]: row for row in rows}
    return Outcome(
        raw_reads=fed,
        seconds=took,
        archived_reads=await asyncio.to_thread(_archived_reads, told.archive),
        observations=sum(row["applied"] for row in rows),
        lost_messages=sum(
            seq - (cursors[agent]["seq"] if agent in cursors else 0)
            for agent, seq in fleet.last_seqs().items()
        )
        + sum(row["held"] + row["dead"] for row in rows),
        verdict_ms=[us / 1_000 for us in report["latencies_us"]],
        passes=passes,
        agents_cpu=cpu / took,
        gateway_cpu=report["cpu_s"] / report["seconds"],
        machine_cpu=busy / took,
        behind=fleet.behind_s,
    )


async def _holding(raw: asyncpg.Connection[Any]) -> None:
    """Until the gateway holds the cell."""
    until = time.perf_counter() + DRAIN_S
    while not await raw.fetchval("SELECT count(*) FROM cell_beat WHERE beats > 0"):
        if time.perf_counter() > until:
            raise RuntimeError("the gateway did not take its cell")
        await asyncio.sleep(0.1)


async def _arrived(raw: asyncpg.Connection[Any], fleet: Fleet) -> list[asyncpg.Record]:
    """The cursors once they have come to the spools' ends, or after a while."""
    until = time.perf_counter() + DRAIN_S
    while True:
        rows: list[asyncpg.Record] = await raw.fetch(COUNTS)
        done = {row["agent"]: row["seq"] for row in rows} == fleet.last_seqs()
        if done or time.perf_counter() > until:
            return rows
        await asyncio.sleep(0.2)


def _archived_reads(archive: Path) -> int:
    """Raw reads inside the archived observations, each message once."""
    return sum(
        read.get("count", 1)
        for line in archived(archive, site=SITE)
        for read in json.loads(bytes(line.message)).get("reads", ())
    )


def _busy_s() -> float:
    """Seconds of all cores that were not idle, since the machine started."""
    fields = [int(x) for x in Path("/proc/stat").read_text().partition("\n")[0].split()[1:]]
    return (sum(fields[:8]) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    for figure in run(parser.parse_args().minutes):
        sys.stdout.write(f"{figure}\n")
