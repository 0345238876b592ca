"""Spool: what the agent has taken is durable before it is sent, in groups, off the event loop.

Holds the newest rows in memory for the uplink; the ledger's cursor alone decides what is passed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from edge.batching import Message
from edge.journal import Mark
from edge.spool_errors import SpoolFullError
from edge.spool_file import Row, SpoolFile

log = logging.getLogger(__name__)

KEEP_PASSED_US = 3_600_000_000
TEND_EVERY_US = 10_000_000
RECENT_ROWS = 1_000
RECENT_BYTES = 4 * 1024 * 1024
MAX_PENDING = 256
# One commit's share of the log stays below the ballast.
GROUP_BYTES = 1024 * 1024
READ_BYTES_ROWS = 64

T = TypeVar("T")


class Offload(Protocol):
    """Where blocking work is done: a thread of its own, or in place."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


async def inline(work: Callable[[], T]) -> T:
    """Run the work where it stands; for tests and simulations."""
    return work()


@dataclass(slots=True)
class Counters:
    """What the spool has taken, in messages and readings."""

    messages: int = 0
    readings: int = 0
    refused_readings: int = 0


class Spool:
    """The agent's log. Sequence numbers here are those of the stream, from 1."""

    def __init__(self, file: SpoolFile, *, now_us: Callable[[], int], offload: Offload) -> None:
        self._file = file
        self._now_us = now_us
        self._offload = offload
        self._pending: list[Message] = []
        self._recent: deque[Row] = deque()
        self._recent_bytes = 0
        self._work = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._next_tend = 0
        self._last = file.life.last
        self._passed = file.last_mark()
        self._marked = self._passed
        self.full = False
        self.counters = Counters()
        self.free_bytes = file.free_bytes()
        self.oldest_at: int | None = None
        self.on_commit: Callable[[], None] = lambda: None

    # -- what the stream looks like ----------------------------------------------------------

    @property
    def boot(self) -> int:
        """The stream's boot."""
        return self._file.life.boot

    @property
    def last_seq(self) -> int:
        """The last sequence number spooled; 0 = none."""
        return self._last - self._file.life.base

    @property
    def mark(self) -> Mark | None:
        """Where the spool stands in the ring; None in a file that never met one."""
        return self._file.mark

    async def put_mark(self, mark: Mark) -> None:
        """Note where the spool stands in the ring, durably."""
        await self._offload(lambda: self._file.put_mark(mark))

    @property
    def confirmed(self) -> bool:
        """Whether the gateway has answered for this boot."""
        return self._file.life.confirmed

    @property
    def ready(self) -> bool:
        """Whether the gateway has answered since the file was opened."""
        return self._file.life.quiet_from is None

    @property
    def sendable(self) -> int:
        """The highest seq that may have been sent before the gateway's first answer."""
        quiet = self._file.life.quiet_from
        return self.last_seq if quiet is None else quiet - self._file.life.base

    @property
    def unsent(self) -> int:
        """Messages beyond the cursor."""
        return self._last - max(self._passed, self._file.life.base)

    # -- taking in ---------------------------------------------------------------------------

    def submit(self, messages: Sequence[Message]) -> None:
        """Queue closed messages for the next group commit."""
        if not messages:
            return
        self._pending.extend(messages)
        if len(self._pending) >= MAX_PENDING:
            self._room.clear()
        self._work.set()

    @property
    def has_room(self) -> bool:
        """Whether the queue to the disk takes more."""
        return self._room.is_set()

    async def room(self) -> None:
        """Wait until the queue to the disk has room again."""
        await self._room.wait()

    async def flush(self) -> int:
        """Commit everything queued in one transaction; returns the messages stored."""
        group = self._next_group()
        if not group:
            self._work.clear()
            return 0
        now = self._now_us()
        try:
            rows: list[Row] = await self._offload(lambda: self._file.append(group, now=now))
        except SpoolFullError:
            await self.tend(force=True)
            rows = await self._one_by_one(group, now)
        else:
            if self.full:
                log.warning("spool_has_room", extra={"boot": self.boot, "seq": self.last_seq})
            self.full = False
        self._room.set()
        self._remember(rows)
        self.on_commit()
        return len(rows)

    def _next_group(self) -> list[Message]:
        size = count = 0
        for message in self._pending:
            size += len(message.tail)
            if count and size > GROUP_BYTES:
                break
            count += 1
        group, self._pending = self._pending[:count], self._pending[count:]
        return group

    async def _one_by_one(self, group: Sequence[Message], now: int) -> list[Row]:
        stored: list[Row] = []
        refused = 0
        for message in group:
            try:
                stored += await self._offload(partial(self._file.append, [message], now=now))
            except SpoolFullError:
                refused += message.readings
                await self._offload(partial(self._give_up, message))
        self.counters.refused_readings += refused
        if refused and not self.full:
            log.error("spool_full", extra={"boot": self.boot, "refused_readings": refused})
        self.full = refused > 0
        return stored

    def _give_up(self, message: Message) -> None:
        """What was refused and counted is not said again after a kill either."""
        with contextlib.suppress(sqlite3.OperationalError):
            self._file.put_mark(Mark(message.done, message.base))

    def _remember(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self.counters.messages += 1
            self.counters.readings += row.readings
            self._recent.append(row)
            self._last = row.id
            self._recent_bytes += len(row.tail)
        while len(self._recent) > RECENT_ROWS or self._recent_bytes > RECENT_BYTES:
            self._recent_bytes -= len(self._recent.popleft().tail)

    async def run(self) -> None:
        """Commit groups as they come."""
        while True:
            await self._work.wait()
            await self.flush()

    # -- giving out --------------------------------------------------------------------------

    async def fetch(self, *, first: int, limit: int) -> list[tuple[int, Row]]:
        """(seq, row) from `first` on, in order, without holes; from memory where possible."""
        start = first + self._file.life.base
        base = self._file.life.base
        if self._recent and self._recent[0].id <= start:
            offset = start - self._recent[0].id
            stop = min(offset + limit, len(self._recent))
            return [(row.id - base, row) for row in (self._recent[i] for i in range(offset, stop))]
        count = min(limit, READ_BYTES_ROWS)
        rows: list[Row] = await self._offload(lambda: self._file.read(first=start, limit=count))
        return [(row.id - base, row) for row in rows if row.id - base >= 1]

    async def oldest_seq(self) -> int:
        """Seq of the oldest row kept, or one past the last."""
        oldest: int = await self._offload(self._file.oldest)
        return max(oldest - self._file.life.base, 1)

    # -- the cursor's word -------------------------------------------------------------------

    async def passed(self, seq: int) -> None:
        """The ledger stands at `seq`."""
        row_id = seq + self._file.life.base
        went_back = row_id < self._passed
        self._passed = row_id
        if went_back:
            self._marked = min(self._marked, row_id)
            await self._offload(lambda: self._file.unmark(row_id))

    async def confirm(self) -> None:
        """The gateway answered for this boot."""
        await self._offload(self._file.confirm)

    async def begin_boot(self, boot: int, *, keep_from: int, lost: tuple[int, int] | None) -> None:
        """Start a new boot whose first message is the one that was `keep_from`."""
        base = keep_from - 1 + self._file.life.base
        now = self._now_us()
        await self._offload(lambda: self._file.begin_boot(boot, base=base, lost=lost, now=now))
        self._passed = self._marked = base

    async def tend(self, *, force: bool = False) -> None:
        """Every ten seconds: note what is passed, delete what was passed an hour ago, measure."""
        now = self._now_us()
        if not force and 0 <= self._next_tend - now <= TEND_EVERY_US:
            return
        self._next_tend = now + TEND_EVERY_US
        passed, mark = self._passed, self._passed > self._marked
        self._marked = max(self._marked, passed)
        await self._offload(lambda: self._tend(now, passed=passed, mark=mark))

    def _tend(self, now: int, *, passed: int, mark: bool) -> None:
        if mark:
            self._file.mark_passed(passed, now=now)
        self._file.delete_passed(before=now - KEEP_PASSED_US)
        self._file.restore_ballast()
        self.free_bytes = self._file.free_bytes()
        self.oldest_at = self._file.at_of(passed + 1)

    def gaps(self) -> list[tuple[int, int, int]]:
        """(boot, first, last) of ranges that were gone when the ledger asked for them."""
        return self._file.gaps()

    def close(self) -> None:
        """Close the file; call it when nothing runs any more."""
        self._file.close()
