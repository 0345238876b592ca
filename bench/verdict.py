"""How soon a verdict is out after what decided it, in the whole product under the demo's load.

Reader, agent, broker, gateway and database are processes of this machine; passes run at true speed.
The bound is the contract's: 500 ms from the deciding read, beam edge or timer.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg

from bench.figure import Figure
from runtime import postgres
from runtime.demo import Wish, demo_site
from runtime.pgfiles import remove_data

BOUND_MS = 500.0
PASSES = 20
LATENCY = """
SELECT count(*) AS passes,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY (decided_at - decider_at) / 1e3) AS p50,
  percentile_cont(0.99) WITHIN GROUP (ORDER BY (decided_at - decider_at) / 1e3) AS p99
FROM pass WHERE state IN ('in', 'out') AND first_boot > 0 AND decided_at IS NOT NULL
"""


def run(seconds: float = 150.0) -> list[Figure]:
    """p50 and p99 over the first passes of a demo without history."""
    home = Path(tempfile.mkdtemp(prefix="dockledger-bench-"))
    try:
        row = asyncio.run(_run(home, seconds))
    finally:
        remove_data(home / "postgres")
    if not row["passes"]:
        raise RuntimeError("no load crossed a door in time")
    method = f"{row['passes']} passes of the running demo, decider to verdict; limit: the bound"
    return [
        Figure(f"read to verdict, {name}", float(row[name]), "ms", BOUND_MS, method)
        for name in ("p50", "p99")
    ]


async def _run(home: Path, seconds: float) -> Any:
    wish = Wish(home, seed=7, speed=20.0, orders_an_hour=120.0, days=0)
    async with demo_site(wish, lambda _: None) as (site, _):
        if site.server is None:
            raise RuntimeError("the demo has no database of its own")
        connection = await asyncpg.connect(site.server.url(postgres.APP))
        try:
            until = time.monotonic() + seconds
            while True:
                row = await connection.fetchrow(LATENCY)
                if row is None or row["passes"] >= PASSES or time.monotonic() > until:
                    return row
                await asyncio.sleep(1)
        finally:
            await connection.close()
