"""Telemetry: lines are handed over without waiting and stored in batches, through a spool on disk.

handed + inherited = stored + spooled + memory + dead + dropped, whatever the server or disk does.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dashboards.spool import Spool
from dashboards.transport import Away, Refused, Transport

log = logging.getLogger(__name__)
BATCH_LINES = 1_000
MEMORY_LINES = 10_000
LINE_CHARS = 4_096
STEP_S = 1.0
FIRST_PAUSE_US, LONGEST_PAUSE_US = 1_000_000, 30_000_000
# Batches in one step, so that a step ends in reasonable time.
STEP_BATCHES = 20


@dataclass(frozen=True, slots=True)
class Counters:
    """Lines since the start, by where they are now. `inherited` were in the spool at the start."""

    handed: int
    inherited: int
    stored: int
    spooled: int
    memory: int
    dead: int
    dropped: int


def _fits(text: str) -> bool:
    try:
        return len(text) <= LINE_CHARS and b"\n" not in text.encode()
    except UnicodeEncodeError:
        return False


class Telemetry:
    """The sink of one process. Only `step` and `close` talk to the server and the disk."""

    def __init__(
        self,
        transport: Transport,
        spool: Spool,
        *,
        clock: Callable[[], int],
        memory_lines: int = MEMORY_LINES,
        batch_lines: int = BATCH_LINES,
    ) -> None:
        self._transport = transport
        self._spool = spool
        self._clock = clock
        self._memory_lines = memory_lines
        self._batch_lines = batch_lines
        self._lock = threading.Lock()
        self._lines: deque[str] = deque()
        self._flying: list[str] = []
        self._inherited = spool.lines
        self._handed = self._stored = self._dead = self._dropped = 0
        self._pause = 0
        self._retry_at: int | None = None
        self._stopping = False

    def hand(self, lines: Iterable[str]) -> None:
        """Take lines; the oldest in memory make room. Empty ones are nothing."""
        fresh = [text for text in lines if text]
        fit = [text for text in fresh if _fits(text)]
        with self._lock:
            self._handed += len(fresh)
            self._dropped += len(fresh) - len(fit)
            self._lines.extend(fit)
            while len(self._lines) > self._memory_lines:
                self._lines.popleft()
                self._dropped += 1

    @property
    def counters(self) -> Counters:
        """Where every line is. Exact between two steps."""
        with self._lock:
            return Counters(
                handed=self._handed,
                inherited=self._inherited,
                stored=self._stored,
                spooled=self._spool.lines,
                memory=len(self._lines) + len(self._flying),
                dead=self._dead,
                dropped=self._dropped,
            )

    async def run(self) -> None:
        """Step for ever; when cancelled, what is in memory goes to the disk."""
        work: asyncio.Future[None] | None = None
        try:
            while True:
                work = asyncio.ensure_future(self.step(self._clock()))
                await asyncio.shield(work)
                await asyncio.sleep(STEP_S)
        finally:
            # A thread cannot be cancelled: it ends with its present request.
            self._stopping = True
            if work is not None:
                await asyncio.wait([work])
            await asyncio.to_thread(self.close)

    async def step(self, now: int) -> None:
        """Store what waits, from the disk first; keep it on disk while the server is away."""
        await asyncio.to_thread(self._step, now)

    def close(self) -> None:
        """Keep what is in memory on the disk."""
        while self._take():
            self._spill(self._flying)
        self._transport.close()

    def _step(self, now: int) -> None:
        # A clock that was set back must not hold the lines until it is that late again.
        if self._retry_at is None or not 0 < self._retry_at - now <= LONGEST_PAUSE_US:
            try:
                self._send()
                if self._retry_at is not None:
                    log.info("telemetry_back", extra={"spooled": self._spool.lines})
                self._pause, self._retry_at = 0, None
                return
            except Away as error:
                if self._retry_at is None:
                    log.warning("telemetry_away", extra={"why": str(error)})
                self._pause = min(max(self._pause * 2, FIRST_PAUSE_US), LONGEST_PAUSE_US)
                self._retry_at = now + self._pause
        while self._take():
            self._spill(self._flying)

    def _send(self) -> None:
        for _ in range(STEP_BATCHES):
            if self._stopping or not self._spool.lines:
                break
            self._send_segment()
        for _ in range(STEP_BATCHES):
            # Order within a series does not matter to the server; but the spool is the older.
            if self._stopping or self._spool.lines or not self._take():
                break
            rest = self._deliver(self._flying)
            if rest:
                self._spill(rest)
                raise Away("no answer")
            self._land(0)

    def _send_segment(self) -> None:
        try:
            lines = self._spool.oldest()
        except OSError:
            self._count(dropped=self._spool.give_up())
            return
        rest = self._deliver(lines)
        try:
            self._spool.settle(rest)
        except OSError:
            self._spool.give_up()
            self._count(dropped=len(rest))
        if rest:
            raise Away("no answer")

    def _take(self) -> bool:
        with self._lock:
            count = min(len(self._lines), self._batch_lines)
            self._flying = [self._lines.popleft() for _ in range(count)]
        return bool(self._flying)

    def _land(self, dropped: int) -> None:
        with self._lock:
            self._flying = []
            self._dropped += dropped

    def _spill(self, lines: Sequence[str]) -> None:
        """Lines in flight that were not settled go to the disk; without room they are lost."""
        try:
            dropped = self._spool.append(lines)
        except OSError:
            dropped = len(lines)
        self._land(dropped)

    def _deliver(self, lines: Sequence[str]) -> list[str]:
        """Store lines, halving what is refused until the bad one is alone; what must wait."""
        parts = deque([list(lines)])
        while parts:
            part = parts.popleft()
            try:
                if self._stopping:
                    raise Away("stopping")
                self._transport.write(part)
                self._count(stored=len(part))
            except Away:
                return [text for some in (part, *parts) for text in some]
            except Refused as error:
                if len(part) > 1:
                    middle = len(part) // 2
                    parts.extendleft([part[middle:], part[:middle]])
                else:
                    self._refuse(part[0], str(error))
        return []

    def _refuse(self, text: str, why: str) -> None:
        log.warning("telemetry_refused", extra={"why": why})
        try:
            self._spool.bury(text)
            self._count(dead=1)
        except OSError:
            self._count(dropped=1)

    def _count(self, *, stored: int = 0, dead: int = 0, dropped: int = 0) -> None:
        with self._lock:
            self._stored += stored
            self._dead += dead
            self._dropped += dropped
