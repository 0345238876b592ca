"""Whether the gateway stays as fast and as small as it was: rate and RSS in blocks of readings.

The same work as `bench.gateway`, millions of readings long; the site's clock moves with them at
20,000 readings a second. The limit of both figures is the first block.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.figure import Figure
from bench.gateway import AGENTS, GROUP, READINGS, SITE, a_site, means_of, messages_of
from gateway.archive import Archive
from gateway.holder import Holder
from gateway.messages import Arrival
from runtime.clock import now_us

BLOCK, DEFAULT_READINGS = 250_000, 1_000_000
RATE = 20_000
STEPS = GROUP // AGENTS
GROUP_US = GROUP * READINGS * 1_000_000 // RATE
# `bench.gateway` dates each place 1 ms after the one before.
STEP_US = GROUP_US // STEPS - 1_000


@dataclass(frozen=True, slots=True)
class Block:
    """One block: readings a second, this process's memory after it in MiB."""

    readings: int
    rate: float
    rss_mib: float

    def __str__(self) -> str:
        return (
            f"{self.readings:,} readings: {self.rate:,.0f} readings/s, RSS {self.rss_mib:.1f} MiB"
        )


def run(
    readings: int = DEFAULT_READINGS, *, tell: Callable[[Block], None] = lambda block: None
) -> list[Figure]:
    """The last block beside the first."""
    blocks = asyncio.run(_run(readings, tell))
    first, last = blocks[0], blocks[-1]
    how = f"the last {BLOCK:,} of {readings:,} readings; limit: the first"
    return [
        Figure("steady rate", last.rate, "readings/s", first.rate, how),
        Figure("steady memory", last.rss_mib, "MiB", first.rss_mib, how + ", a flat one has 1.00"),
    ]


async def _run(readings: int, tell: Callable[[Block], None]) -> list[Block]:
    with tempfile.TemporaryDirectory(prefix="dockledger-bench-") as folder:
        async with a_site(Path(folder)) as open_unit:
            start, passed = now_us(), 0
            means = means_of(
                open_unit, now=lambda: start + passed, monotonic=lambda: start + passed
            )
            archive = Archive(Path(folder) / "archive", site=SITE, cell="site", epoch=1)
            holder = Holder(means, epoch=1, archive=archive)
            await holder.load()
            blocks: list[Block] = []
            spent, done = 0.0, 0
            for group in range(max(1, readings // (GROUP * READINGS))):
                passed = group * GROUP_US
                arrivals = _group(group, start, start + passed)
                began = time.perf_counter()
                await holder.turn(arrivals)
                spent += time.perf_counter() - began
                done += GROUP * READINGS
                if done % BLOCK == 0:
                    blocks.append(Block(done, BLOCK / spent, _rss_mib()))
                    tell(blocks[-1])
                    spent = 0.0
            archive.close()
            return blocks


def _group(group: int, start: int, now: int) -> list[Arrival]:
    """Made when needed: what waits must not count as the gateway's memory."""
    return [
        Arrival(one, now, now)
        for seq in range(group * STEPS + 1, (group + 1) * STEPS + 1)
        for one in messages_of(start + seq * STEP_US, seq, sent_at=now)
    ]


def _rss_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=3_000_000)

    def show(block: Block) -> None:
        """As it comes."""
        sys.stdout.write(f"{block}\n")
        sys.stdout.flush()

    for figure in run(parser.parse_args().readings, tell=show):
        sys.stdout.write(f"{figure}\n")
