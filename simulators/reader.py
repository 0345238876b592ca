"""A simulated reader: inventory and beams in true order, told over LLRP, with faults on request.

Without a client that asked for inventory nothing is on the air; such spans are logged.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulators.emulators.llrp import LlrpServer
from simulators.emulators.llrp_frames import TagRead
from simulators.geometry import Edge
from simulators.inventory import Hit, Inventory, InventorySettings
from simulators.journal import KEPT, Journal, Line
from simulators.scene import Scene
from simulators.site import Device

TICK_S = 0.02
READS_A_FRAME = 100
BUFFER_S = 10.0  # a client that stalls longer loses reads to an overflow, which the reader reports


@dataclass(frozen=True, slots=True)
class OutputChange:
    """A GPO command as it arrived."""

    t_us: int
    port: int
    high: bool


class SimReader:
    """One reader of the site on its own port."""

    def __init__(
        self,
        device: Device,
        *,
        scene: Scene,
        seed: int,
        clock: Callable[[], float],
        directory: Path | None,
        settings: InventorySettings | None = None,
        kept: int = KEPT,
    ) -> None:
        self.device = device
        self.server = LlrpServer(listener=self, now_us=self._device_now_us)
        self.frames = Journal(directory, f"frames-{device.name}", kept=kept)
        self.outputs: deque[OutputChange] = deque(maxlen=kept)
        self.unplugged: set[int] = set()
        self.offset_us = 0
        self.duplicating = False
        self.on_air = asyncio.Event()
        self._clock = clock
        self._edges: list[tuple[float, int, bool]] = []
        self._idle_from: float | None = clock()
        self._inventory = Inventory(
            device.antennas,
            scene=scene,
            seed=f"{seed}/{device.name}",
            settings=settings or InventorySettings(),
            power_dbm=self._power_dbm,
        )
        self._last = clock()
        self._task: asyncio.Task[None] | None = None
        self._on_output: list[Callable[[OutputChange], None]] = []

    async def start(self, host: str, port: int = 0) -> int:
        """Listen and inventory; the port."""
        await self.server.listen(host, port)
        self._task = asyncio.create_task(self._run(), name=f"reader-{self.device.name}")
        return self.server.port

    async def stop(self) -> None:
        """Stop for good."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.server.die()
        self._close_span(self._clock())
        self.frames.close()

    def schedule(self, edges: Sequence[Edge]) -> None:
        """Beam edges to come, in wall-clock seconds."""
        for edge in edges:
            heapq.heappush(self._edges, (edge.at, edge.port, edge.high))

    def watch_outputs(self, listener: Callable[[OutputChange], None]) -> None:
        """Call `listener` for each GPO command."""
        self._on_output.append(listener)

    def on_connection(self, *, up: bool) -> None:
        """A client came or went."""
        self.frames.write({"t_us": self._us(self._clock()), "connection": "up" if up else "down"})

    def on_output(self, port: int, state: int) -> None:
        """Record a GPO command with the moment it arrived."""
        change = OutputChange(self._us(self._clock()), port, bool(state))
        self.outputs.append(change)
        self.frames.write({"t_us": change.t_us, "gpo": port, "state": state})
        for listener in self._on_output:
            listener(change)

    async def unplug(self, port: int) -> None:
        """Pull an antenna cable."""
        self.unplugged.add(port)
        await self.server.antenna(port, connected=False)

    async def plug(self, port: int) -> None:
        """Put it back."""
        self.unplugged.discard(port)
        await self.server.antenna(port, connected=True)

    async def _run(self) -> None:
        while True:
            now = self._clock()
            await self.step(now)
            due = now + TICK_S
            if self._edges:
                due = min(due, max(self._edges[0][0], now))
            await asyncio.sleep(max(due - self._clock(), 0.0))

    async def step(self, now: float) -> None:
        """Send everything up to `now`, edges and reads in true order."""
        if now - self._last > BUFFER_S:
            await self.server.overflow()
            self.frames.write(
                {"span": "overflow", "from_us": self._us(self._last), "to_us": self._us(now)}
            )
            self._inventory.skip_to(now)
        self._last = now
        while self._edges and self._edges[0][0] <= now:
            at, port, high = heapq.heappop(self._edges)
            await self._send_reads(at)
            frame = await self.server.gpi(port, self._us(at) + self.offset_us, high=high)
            self.frames.write(
                {
                    "t_us": self._us(self._clock()),
                    "gpi": port,
                    "state": int(high),
                    "at_us": self._us(at) + self.offset_us,
                    "sent": frame is not None,
                }
            )
        await self._send_reads(now)

    async def _send_reads(self, until: float) -> None:
        if not self.server.inventorying:
            self.on_air.clear()
            if self._idle_from is None:
                self._idle_from = until
            self._inventory.skip_to(until)
            return
        if self._idle_from is not None:
            self.on_air.set()
            self._inventory.skip_to(until)
            self._close_span(until)
            return
        hits = self._inventory.reads_until(until)
        for i in range(0, len(hits), READS_A_FRAME):
            reads = [self._tag_read(hit) for hit in hits[i : i + READS_A_FRAME]]
            for _ in range(2 if self.duplicating else 1):
                await self._send(reads)

    async def _send(self, reads: list[TagRead]) -> None:
        frame = await self.server.report(reads)
        line: dict[str, object] = {
            "t_us": self._us(self._clock()),
            "reads": [[r.epc.hex().upper(), r.antenna, r.centi_dbm, r.at_us] for r in reads],
        }
        if frame is None:
            line = {"t_us": line["t_us"], "unsent": line["reads"]}
        self.frames.write(line)

    def _close_span(self, until: float) -> None:
        if self._idle_from is not None:
            span: Line = {
                "span": "no_inventory",
                "from_us": self._us(self._idle_from),
                "to_us": self._us(until),
            }
            self.frames.write(span)
            self._idle_from = None

    def _tag_read(self, hit: Hit) -> TagRead:
        at_us = self._us(hit.at) + self.offset_us
        return TagRead(hit.epc, hit.antenna, round(hit.rssi_dbm * 100), at_us)

    def _power_dbm(self, port: int) -> float | None:
        if port in self.unplugged:
            return None
        return self.server.power_dbm(port, self.device.power_dbm)

    def _device_now_us(self) -> int:
        return self._us(self._clock()) + self.offset_us

    @staticmethod
    def _us(t: float) -> int:
        return int(t * 1_000_000)
