"""The gateway: claims its cell, then drains, judges, commits, applies and answers, group by group.

One loop owns all state. A lost cell or a moved cursor throws the memory away; it is read again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contracts import topics
from contracts.bus import Bus
from contracts.v1 import AgentStatus
from core.application.ownership import CellClaim, Succession
from core.application.ports.tracking import CellLost, CursorMoved, StreamKey
from core.domain.errors import Unavailable
from gateway.archive import Archive
from gateway.configs import Configs
from gateway.holder import Holder, Means
from gateway.messages import Arrival
from gateway.sender import Sender

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """Limits and intervals of the loop."""

    group_us: int = 5_000
    group_messages: int = 200
    max_messages: int = 5_000
    tick_us: int = 50_000
    idle_tick_us: int = 250_000
    beat_us: int = 500_000
    claim_us: int = 250_000
    patience_us: int = 3_000_000
    registry_us: int = 5_000_000


class Gateway:
    """One gateway process of one cell."""

    def __init__(
        self,
        means: Means,
        *,
        bus: Bus,
        claim: CellClaim,
        sender: Sender,
        archive_for: Callable[[int], Archive],
        pace: Pace | None = None,
    ) -> None:
        self._means = means
        self._bus = bus
        self._claim = claim
        self._sender = sender
        self._archive_for = archive_for
        self.pace = pace or Pace()
        self._inbox: deque[Arrival] = deque()
        self._arrived = asyncio.Event()
        self._lost = asyncio.Event()
        self._holding = False
        self.discarded = 0
        self.holder: Holder | None = None
        self._configs = Configs()

    async def run(self) -> None:
        """Hold the cell whenever it can be had, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._receive(), name="receive")
            tasks.create_task(self._sender.run(), name="send")
            tasks.create_task(self._hold_for_ever(), name="hold")

    async def _receive(self) -> None:
        """Take what arrives while the cell is held; what is beyond the bound is a gap."""
        await self._bus.subscribe(topics.all_up(self._means.site))
        async for delivery in self._bus.deliveries():
            if not self._holding:
                continue
            if len(self._inbox) >= self.pace.max_messages:
                self.discarded += 1
                continue
            means = self._means
            self._inbox.append(Arrival(delivery, means.now(), means.monotonic()))
            self._arrived.set()

    async def _hold_for_ever(self) -> None:
        while True:
            try:
                epoch = await self._take_cell()
                await self._hold(epoch)
            except Unavailable:
                log.warning("database_away")
            except CellLost:
                log.warning("cell_lost", extra={"cell": self._means.cell})
            finally:
                self._holding = False
                self.holder = None
                self._inbox.clear()
                self._sender.forget()
                with contextlib.suppress(Unavailable):
                    await self._claim.release()
            await asyncio.sleep(self.pace.claim_us / 1e6)

    async def _take_cell(self) -> int:
        """Wait until the cell is free, or its holder shows no life."""
        succession = Succession(patience_us=self.pace.patience_us)
        while True:
            epoch = await self._claim.try_take()
            if epoch is not None:
                log.info("cell_taken", extra={"cell": self._means.cell, "epoch": epoch})
                return epoch
            beats = await self._claim.beats()
            if succession.overdue(beats, at=self._means.monotonic()):
                log.warning("cell_barred", extra={"epoch": beats[0]})
                await self._claim.bar()
            await asyncio.sleep(self.pace.claim_us / 1e6)

    async def _hold(self, epoch: int) -> None:
        self._lost.clear()
        archive = self._archive_for(epoch)
        beating = asyncio.create_task(self._beat(), name="beat")
        try:
            while not self._lost.is_set():
                holder = Holder(self._means, epoch=epoch, archive=archive, lost=self._lost)
                self._inbox.clear()
                self._holding = True
                await holder.load()
                self.holder = holder
                try:
                    await self._work(holder)
                except CursorMoved:
                    log.warning("memory_dropped", extra={"epoch": epoch})
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            archive.close()

    async def _beat(self) -> None:
        """Show life; when the cell is gone, stop the work."""
        while True:
            await asyncio.sleep(self.pace.beat_us / 1e6)
            try:
                alive = await self._claim.beat()
            except Unavailable:
                alive = False
            if not alive:
                self._lost.set()
                self._arrived.set()
                return

    async def _work(self, holder: Holder) -> None:
        async with self._means.open_unit(self._means.site) as uow:
            self._configs.use(await uow.agent_configs.wanted())
        refresh_at = self._means.monotonic() + self.pace.registry_us
        while not self._lost.is_set():
            await self._wait(holder)
            if self._lost.is_set():
                break
            group = await holder.turn(self._drain())
            at = self._means.monotonic()
            await self._configure(holder, group.statuses, at)
            if at >= refresh_at or any(x.code == "E_DEVICE_UNKNOWN" for x in group.letters):
                refresh_at = at + self.pace.registry_us
                await self._refresh(holder)
        raise CellLost

    async def _refresh(self, holder: Holder) -> None:
        async with self._means.open_unit(self._means.site) as uow:
            rows = await uow.tracking.registry()
            waiting = await uow.tracking.waiting()
            self._configs.use(await uow.agent_configs.wanted())
        holder.use(rows, waiting)

    async def _configure(
        self, holder: Holder, statuses: Sequence[tuple[AgentStatus, Arrival]], at: int
    ) -> None:
        """Send what an agent asks for by its status; while the database is away it asks again."""
        for status, _ in statuses:
            version = self._configs.due(status, at)
            if version is None:
                continue
            means, stream = self._means, StreamKey(status.agent, status.boot)
            with contextlib.suppress(Unavailable):
                async with means.open_unit(means.site) as uow:
                    found = await uow.agent_configs.one(status.agent, version)
                log.info("config_sent", extra={"agent": status.agent, "version": version})
                means.speech.configure(
                    stream, holder.streams, version=version, document=found.document
                )

    async def _wait(self, holder: Holder) -> None:
        """Until something arrived (and its group had time to gather), or the clock is due."""
        if not self._inbox:
            self._arrived.clear()
            # Not `wait_for`: before Python 3.12 it may swallow a cancellation.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._idle_s(holder)):
                    await self._arrived.wait()
        if 0 < len(self._inbox) < self.pace.group_messages:
            await asyncio.sleep(self.pace.group_us / 1e6)

    def _idle_s(self, holder: Holder) -> float:
        busy = holder.tracker.open_portals() or holder.lights.next_at() is not None
        return (self.pace.tick_us if busy else self.pace.idle_tick_us) / 1e6

    def _drain(self) -> list[Arrival]:
        count = min(len(self._inbox), self.pace.group_messages)
        return [self._inbox.popleft() for _ in range(count)]
