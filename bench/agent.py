"""Memory of one agent process that hears two LLRP readers at 500 reads/s each.

The limit is what the product promises for a small box, not one of this machine.
"""

from __future__ import annotations

import asyncio
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Final

from llrpkit.emulator import EmulatedTag, LLRPEmulator

from bench.figure import Figure
from tests.brokers import NatsBroker, demo_users
from tests.integration.test_edge_process import EdgeProcess, Listener, resident_kib

_READERS: Final = 2
# The emulators' own pauses cost them a sixth: this makes 500 and more of it on a busy machine.
_READS_S: Final = 620.0
_TAGS: Final = 100
_WARM_S: Final = 10
_SECONDS: Final = 30
_LIMIT_MIB: Final = 60.0
_DEVICE: Final = (
    '[[edge.device]]\nname = "r{n}"\ndriver = "llrp"\nhost = "127.0.0.1"\nport = {port}\n'
)


def run() -> list[Figure]:
    """Half a minute after a warm-up; the peak of one sample a second."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "broker"
        home.mkdir()
        broker = NatsBroker(home, demo_users())
        broker.start()
        try:
            return asyncio.run(_measured(Path(folder), broker))
        finally:
            broker.kill()


async def _measured(folder: Path, broker: NatsBroker) -> list[Figure]:
    readers = [
        LLRPEmulator(tags=_tags(n), reads_per_sec=_READS_S, antenna_count=4, seed=n)
        for n in range(1, _READERS + 1)
    ]
    for reader in readers:
        await reader.start()
    devices = "".join(_DEVICE.format(n=n, port=r.port) for n, r in enumerate(readers, 1))
    edge, heard = EdgeProcess(folder, broker, device=devices), Listener(broker)
    sizes, counts = [], []
    try:
        async with heard.listening():
            child = edge.start()
            await asyncio.sleep(_WARM_S)
            for _ in range(_SECONDS + 1):
                sizes.append(resident_kib(child.pid) / 1024)
                counts.append(_heard(heard))
                await asyncio.sleep(1)
    finally:
        edge.end()
        for reader in readers:
            await reader.stop()
    rate = (counts[-1] - counts[0]) / _SECONDS
    worst = min(b - a for a, b in pairwise(counts))
    method = (
        f"{_READERS} LLRP readers; {rate:,.0f} raw reads/s taken by the gateway's side, "
        f"{worst} in the worst second; limit: what is promised"
    )
    return [Figure("agent memory, peak", max(sizes), "MiB", _LIMIT_MIB, method)]


def _tags(reader: int) -> list[EmulatedTag]:
    return [
        EmulatedTag(bytes.fromhex(f"3074257BF7194E40{reader:02X}{n:06X}"), antennas=(1, 2))
        for n in range(_TAGS)
    ]


def _heard(heard: Listener) -> int:
    return sum(one.get("count", 1) for message in heard.applied for one in message.get("reads", []))
