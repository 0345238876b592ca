"""How fast the edge smooths raw reads and stores readings, beside in-run limits of this machine.

Smoothing's limit is counting the same reads in a dict; the spool's is the same bytes with the same
number of fsyncs into a plain file.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from bench.figure import Figure
from contracts.v1 import Observation
from edge.batching import Batcher, Message
from edge.device_clock import DeviceClock
from edge.drivers.port import RawRead
from edge.failpoints import no_faults
from edge.smoothing import PORTAL, Smoother
from edge.spool_file import open_spool

_T0: Final = 1_795_000_000_000_000
_READS: Final = 60_000
_TAGS: Final = 300
_GROUPS: Final = 60
_MESSAGES: Final = 8
_READINGS: Final = 50


@dataclass(frozen=True, slots=True)
class EdgeFigures:
    """Raw reads a second through smoothing on one core; readings a second into the spool."""

    raw_reads_s: float
    limit_raw_reads_s: float
    spooled_s: float
    limit_spooled_s: float

    def figures(self) -> list[Figure]:
        """As lines of the report."""
        spool = f"fsync per {_MESSAGES} messages of {_READINGS}; limit: plain file, same fsyncs"
        return [
            Figure(
                "edge smoothing",
                self.raw_reads_s,
                "raw reads/s per core",
                self.limit_raw_reads_s,
                "limit: counting the same reads in a dict",
            ),
            Figure("edge spool", self.spooled_s, "readings/s", self.limit_spooled_s, spool),
        ]


def run(seconds: float = 2.0) -> EdgeFigures:
    """Rounds of work and limit in turn for about `seconds`; the best of each counts."""
    reads = _load()
    messages = [_message(n) for n in range(_GROUPS * _MESSAGES)]
    smooth = count = store = plain = float("inf")
    folder = Path(tempfile.mkdtemp(prefix="dockledger-bench-"))
    until = time.perf_counter() + seconds
    try:
        number = 0
        while time.perf_counter() < until or number == 0:
            number += 1
            smooth = min(smooth, _timed(lambda: _smooth(reads)))
            count = min(count, _timed(lambda: _count(reads)))
            path = folder / f"{number}.db"
            store = min(store, _timed(partial(_store, path, messages)))
            path = folder / f"{number}.log"
            plain = min(plain, _timed(partial(_plain, path, messages)))
    finally:
        shutil.rmtree(folder)
    readings = len(messages) * _READINGS
    return EdgeFigures(_READS / smooth, _READS / count, readings / store, readings / plain)


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _load() -> list[RawRead]:
    """A portal under load: 300 tags, two antennas, 400 reads a second."""
    rng = random.Random(1)
    epcs = [bytes([0x30, *rng.randbytes(11)]) for _ in range(_TAGS)]
    reads = []
    for n in range(_READS):
        at = _T0 + n * 2_500
        reads.append(
            RawRead(
                rng.choice(epcs),
                1 + n // 200 % 2,
                -75 + 25 * rng.random(),
                occurred_at=at,
                received_at=at + 800,
            )
        )
    return reads


def _smooth(reads: list[RawRead]) -> None:
    smoother = Smoother(device="dock-1-r", profile=PORTAL, clock=DeviceClock())
    count = 0
    for at, read in enumerate(reads):
        at *= 2_500
        if smoother.add(read, at):
            count += sum(run.count for run in smoother.take())
        if at % 25_000 == 0:
            smoother.step(at)
    smoother.flush(len(reads) * 2_500)
    count += sum(run.count for run in smoother.take())
    if count != len(reads):
        raise RuntimeError("smoothing lost or doubled reads")


def _count(reads: list[RawRead]) -> None:
    counts: dict[tuple[bytes, int | None], int] = {}
    for read in reads:
        key = (read.epc, read.antenna)
        counts[key] = counts.get(key, 0) + 1


def _message(number: int) -> Message:
    batcher = Batcher()
    for n in range(_READINGS):
        seen = Observation(
            f"3074257BF7194E40{number * _READINGS + n:08X}",
            "dock-1-r",
            1,
            -61.5,
            _T0 + n,
            count=12,
            first_at=_T0,
            last_at=_T0 + 250_000,
            rssi_mean_dbm=-63.2,
            rssi_spread_db=1.25,
        )
        batcher.add("reads", [seen], at=0, linger_us=0)
    batcher.close()
    return batcher.take()[0]


def _store(path: Path, messages: list[Message]) -> None:
    spool = open_spool(path, boot=1, max_bytes=1 << 30, hit=no_faults)
    for start in range(0, len(messages), _MESSAGES):
        spool.append(messages[start : start + _MESSAGES], now=_T0)
    spool.close()


def _plain(path: Path, messages: list[Message]) -> None:
    with path.open("wb", buffering=0) as file:
        for start in range(0, len(messages), _MESSAGES):
            file.write(b"".join(m.tail for m in messages[start : start + _MESSAGES]))
            os.fsync(file.fileno())


if __name__ == "__main__":
    import sys

    sys.stdout.write(f"{run()}\n")
