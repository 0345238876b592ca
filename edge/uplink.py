"""Uplink: sends the spool in order, a window at a time, until the cursor says it is in the ledger.

On every connection it publishes the status and waits for its cursor first. A PUBACK deletes
nothing.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from contracts import topics
from contracts.bus import Bus, BusUnavailableError
from contracts.v1 import Cursor
from edge.batching import head
from edge.failpoints import Hit
from edge.spool import Spool
from edge.spool_file import Row
from edge.window import Window

log = logging.getLogger(__name__)

CHUNK = 32
MAX_CURSORS = 256
IDLE_US = 1_000_000
AWAY_US = 100_000
HOLD_US = 50_000
MAX_HOLD_US = 2_000_000


ReplayEnd = Literal["done", "refused"]


@dataclass(slots=True)
class Replay:
    """A range the gateway asked for again; `done` is told once it has gone out."""

    next_seq: int
    done: Callable[[ReplayEnd], None]


class Uplink:
    """One stream's sender. All state changes happen inside `step`."""

    def __init__(
        self,
        *,
        site: str,
        agent: str,
        spool: Spool,
        bus: Bus,
        rng: random.Random,
        now_us: Callable[[], int],
        hit: Hit,
        greet: Callable[[], bytes],
    ) -> None:
        self._site = site
        self._agent = agent
        self._spool = spool
        self._bus = bus
        self._now_us = now_us
        self._hit = hit
        self._greet = greet
        self._connects = -1
        self._greeted = False
        self._inbox: deque[Cursor] = deque(maxlen=MAX_CURSORS)
        self._replays: deque[Replay] = deque()
        self._newer_told = 0
        self._failures = 0
        self._hold_until = 0
        self.window = Window(rng=rng)
        self.wake = asyncio.Event()
        self.newest_boot = 0
        self.reborn = 0
        self.clock_offset_ms: float | None = None

    def on_cursor(self, cursor: Cursor) -> None:
        """Queue the gateway's word for the next step."""
        self._inbox.append(cursor)
        self.wake.set()

    def replay(self, from_seq: int, done: Callable[[ReplayEnd], None]) -> None:
        """Send rows from_seq … cursor again, oldest first."""
        self._replays.append(Replay(max(from_seq, 1), done))
        self.wake.set()

    async def step(self, at: int) -> None:
        """Hear cursors, go back where needed, send one chunk."""
        while self._inbox:
            await self._hear(self._inbox.popleft(), at)
        if self._bus.connects != self._connects:
            self._connects = self._bus.connects
            self.window.wait()
            self._greeted = False
            self._hold_until = at
        if not self._bus.connected or at < self._hold_until:
            return
        try:
            await self._send(at)
        except BusUnavailableError:
            log.info("send_failed", extra={"boot": self._spool.boot, "seq": self.window.next_seq})
            self._failures += 1
            self._hold_until = at + min(HOLD_US << min(self._failures, 8), MAX_HOLD_US)
        else:
            self._failures = 0

    async def _send(self, at: int) -> None:
        if self.window.waiting:
            if not self._greeted:
                await self._bus.publish(topics.up(self._site, self._agent, "status"), self._greet())
                self._greeted = True
            return
        if self.window.step(at):
            say = log.error if self.window.stalled else log.warning
            what = "cursor_stands_still" if self.window.stalled else "went_back"
            say(what, extra={"boot": self._spool.boot, "seq": self.window.acked})
        if self._replays:
            await self._send_replay()
        first, count = self.window.sendable(last=self._spool.last_seq, at=at, limit=CHUNK)
        if count:
            rows = await self._spool.fetch(first=first, limit=count)
            if not rows:
                return
            self.window.offer(rows[-1][0])
            await self._publish(rows)
            for seq, _ in rows:
                self.window.sent(seq, at=at)

    async def _send_replay(self) -> None:
        replay = self._replays[0]
        if replay.next_seq < await self._spool.oldest_seq():
            self._replays.popleft().done("refused")
            return
        count = min(CHUNK, self.window.acked - replay.next_seq + 1)
        rows = await self._spool.fetch(first=replay.next_seq, limit=count) if count > 0 else []
        await self._publish(rows)
        replay.next_seq = rows[-1][0] + 1 if rows else self.window.acked + 1
        if replay.next_seq > self.window.acked:
            self._replays.popleft()
            replay.done("done")

    async def _publish(self, rows: Sequence[tuple[int, Row]]) -> None:
        if not rows:
            return
        self._hit("edge_before_send")
        sent_at = self._now_us()
        outcomes = await asyncio.gather(
            *(
                self._bus.publish(
                    topics.up(self._site, self._agent, row.kind),
                    self._bytes(seq, row, sent_at),
                )
                for seq, row in rows
            ),
            return_exceptions=True,
        )
        self._hit("edge_after_send")
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    def _bytes(self, seq: int, row: Row, sent_at: int) -> bytes:
        opening = head(row.kind, site=self._site, agent=self._agent, boot=self._spool.boot, seq=seq)
        return opening + str(sent_at).encode() + row.tail

    async def _hear(self, cursor: Cursor, at: int) -> None:
        self.newest_boot = max(self.newest_boot, cursor.newest_boot)
        self.clock_offset_ms = (cursor.sent_at - self._now_us()) / 1000
        boot, spool = self._spool.boot, self._spool
        if not spool.confirmed and (
            cursor.newest_boot > boot
            or (cursor.boot == boot and cursor.seq > 0 and spool.sendable == 0)
        ):
            # A fresh file took a number that the ledger knows: nothing was sent, so all rows move.
            await self._be_reborn("boot_taken", keep_from=1, lost=None)
            return
        if cursor.boot != boot:
            if cursor.newest_boot > max(boot, self._newer_told):
                self._newer_told = cursor.newest_boot
                log.error("newer_boot_seen", extra={"boot": boot, "newest": cursor.newest_boot})
            return
        if self.window.is_stale(cursor.seq, sent_at=cursor.sent_at):
            return
        if cursor.retry_after_ms:
            self.window.pause(until=at + cursor.retry_after_ms * 1000)
        sent = max(self.window.highest_sent, self.window.acked)
        if cursor.seq > (sent if spool.ready else spool.sendable):
            keep = self.window.acked if spool.ready else spool.sendable
            await self._be_reborn("cursor_beyond_spool", keep_from=keep + 1, lost=None)
            return
        if cursor.seq < self.window.acked or self.window.waiting:
            oldest = await spool.oldest_seq()
            if cursor.seq + 1 < oldest:
                await self._be_reborn(
                    "rows_gone", keep_from=oldest, lost=(cursor.seq + 1, oldest - 1)
                )
                return
        if not spool.ready:
            # What an earlier process sent may still reach the ledger.
            self.window.offer(spool.sendable)
            await spool.confirm()
        outcome = self.window.on_cursor(cursor.seq, sent_at=cursor.sent_at, at=at)
        if outcome in ("advanced", "back"):
            await spool.passed(cursor.seq)
        if outcome == "back":
            log.warning("cursor_went_back", extra={"boot": boot, "seq": cursor.seq})

    async def _be_reborn(
        self, reason: str, *, keep_from: int, lost: tuple[int, int] | None
    ) -> None:
        boot = max(self.newest_boot, self._spool.boot) + 1
        log.error(
            "new_boot",
            extra={
                "reason": reason,
                "boot": self._spool.boot,
                "new_boot": boot,
                "keep_from": keep_from,
                "lost": list(lost) if lost else None,
            },
        )
        await self._spool.begin_boot(boot, keep_from=keep_from, lost=lost)
        self.reborn += 1
        self.window.restart()
        self._greeted = False
        self._inbox.clear()
        while self._replays:
            self._replays.popleft().done("refused")

    def due(self, at: int) -> int:
        """When the next step is worth while if nothing wakes it."""
        if not self._bus.connected:
            return at + AWAY_US
        if at < self._hold_until:
            return self._hold_until
        window = self.window.due(at)
        ready = self.window.sendable(last=self._spool.last_seq, at=at, limit=1)[1]
        if ready or (self._replays and not self.window.waiting):
            return at
        return at + IDLE_US if window is None else min(window, at + IDLE_US)
