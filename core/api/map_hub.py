"""One look at the floor for all who watch: a poller per scope, numbered deltas in a bounded ring.

A client holds only its place in the ring. One that falls out of the ring gets a new snapshot, so a
slow client costs nothing and loses nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from core.api.deps import Context, dumps
from core.api.fields import instant_text
from core.api.schemas.orders import shown
from core.application.map import SLOW, Sections, difference, read_map
from core.application.ports.map import Owners
from core.application.ports.uow import UnitOfWork, in_transaction
from core.domain.errors import Unavailable

log = logging.getLogger("dockledger.map")
TICK_S = 0.2  # at most 5 deltas a second
BEAT_S = 2.0
IDLE_S = 10.0  # without a client for so long, nobody looks
RING = 128
STOCK_EVERY, PLACES_EVERY, FLOW_EVERY = 2_000_000, 10_000_000, 30_000_000
LOST = "database.unreachable"
SHARE = 4  # looking takes at most a fifth of the time


@dataclass
class MapHub:
    """The latest picture of one scope, and how it came about."""

    context: Context
    owners: Owners
    epoch: str
    sections: Sections = field(default_factory=dict)
    as_of: int = 0
    number: int = 0
    clients: int = 0
    _ring: deque[tuple[int, bytes]] = field(default_factory=lambda: deque(maxlen=RING))
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None
    _stamp: tuple[str, int] = ("", -1)
    _read_at: dict[str, int] = field(default_factory=dict)
    _picture: tuple[int, bytes] | None = None
    _closing: bool = False

    async def look(self) -> None:
        """Read what may have changed and publish the difference."""
        now = self.context.clock()

        async def read(unit: UnitOfWork) -> tuple[Sections | None, tuple[str, int]]:
            stamp = await unit.map.stamp()
            slow = self._due(stamp, now)
            if stamp[0] == self._stamp[0] and not slow and now - self.as_of < 1_000_000:
                return None, stamp
            return await read_map(unit, owners=self.owners, now=now, slow=slow), stamp

        try:
            found, stamp = await in_transaction(
                self.context.open_unit, self.context.site, read, attempts=2
            )
        except Unavailable:
            self._lose(now)
            return
        if found is not None:
            self._take(found, stamp, now)

    def _due(self, stamp: tuple[str, int], now: int) -> set[str]:
        """Large sections that must be read now: by the ledger's stamp, or because it is time."""
        age = {name: now - self._read_at.get(name, 0) for name in SLOW}
        due = {name for name in ("site", "places") if age[name] >= PLACES_EVERY}
        moved = stamp[1] != self._stamp[1]
        if moved or (stamp[0] != self._stamp[0] and age["stock"] >= STOCK_EVERY):
            due.add("stock")
        if age["flow"] >= FLOW_EVERY:
            due.add("flow")
        return due

    def _take(self, found: Sections, stamp: tuple[str, int], now: int) -> None:
        self._stamp = stamp
        self._read_at |= {name: now for name in SLOW if name in found}
        self.as_of = now
        changed, gone = difference(self.sections, found)
        self.sections = {**self.sections, **found}
        if changed or gone:
            self._publish(changed, gone)

    def _lose(self, now: int) -> None:
        self._stamp = ("", -1)
        alarms = self.sections.get("alarms", {})
        if not self.number or LOST in alarms:
            return
        row = {
            "kind": LOST,
            "severity": "critical",
            "subject": "database",
            "message": "The database does not answer: what you see is old.",
            "opened_at": now,
            "acknowledged_at": None,
            "acknowledged_by": None,
        }
        self.sections = {**self.sections, "alarms": {**alarms, LOST: row}}
        self._publish({"alarms": {LOST: row}}, {})

    def _publish(self, changed: Sections, gone: dict[str, list[str]]) -> None:
        self.number += 1
        body = {
            "n": self.number,
            "as_of": instant_text(self.as_of),
            "set": _rows(changed),
            "gone": gone,
        }
        self._ring.append((self.number, self._frame("delta", self.number, body)))
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _frame(self, event: str, number: int, body: dict[str, Any]) -> bytes:
        return b"id: %s-%d\nevent: %s\ndata: %s\n\n" % (
            self.epoch.encode(),
            number,
            event.encode(),
            dumps(body),
        )

    def _times(self) -> dict[str, str | None]:
        """When the picture was read, and what time it is now."""
        return {"as_of": instant_text(self.as_of), "now": instant_text(self.context.clock())}

    def document(self) -> dict[str, Any]:
        """The whole picture as it is now."""
        body = {"n": self.number, **self._times()}
        return {**body, "epoch": self.epoch, "sections": _rows(self.sections)}

    def _snapshot(self) -> bytes:
        if self._picture is None or self._picture[0] != self.number:
            frame = self._frame("snapshot", self.number, self.document())
            self._picture = (self.number, frame)
        return self._picture[1]

    async def frames(self, last_event_id: str | None) -> AsyncIterator[bytes]:
        """What a client is sent: from its last number on, or from a snapshot."""
        self.clients += 1
        try:
            task = self._watch()
            while not self.number and not task.done():
                await self._wait(BEAT_S)
            seen = self._place(last_event_id)
            while not task.done() and not self._closing:
                frames, seen = self._since(seen)
                for frame in frames:
                    yield frame
                if not frames and not await self._wait(BEAT_S):
                    yield b"event: beat\ndata: %s\n\n" % dumps(self._times())
        finally:
            self.clients -= 1

    def _place(self, last_event_id: str | None) -> int | None:
        epoch, _, number = (last_event_id or "").partition("-")
        if epoch != self.epoch or not number.isascii() or not number.isdigit() or len(number) > 18:
            return None
        return int(number) if int(number) <= self.number else None

    def _since(self, seen: int | None) -> tuple[list[bytes], int]:
        """Frames behind `seen`; a snapshot where the ring does not reach back so far."""
        if seen == self.number:
            return [], self.number
        if seen is None or not self._ring or self._ring[0][0] > seen + 1:
            return [self._snapshot()], self.number
        return [frame for number, frame in self._ring if number > seen], self.number

    async def _wait(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
                return True
        return False

    def _watch(self) -> asyncio.Task[None]:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="map-hub")
        return self._task

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        watched = loop.time()
        while not self._closing:
            began = loop.time()
            await self.look()
            ended = loop.time()
            watched = ended if self.clients else watched
            if ended - watched > IDLE_S:
                log.info("map_unwatched", extra={"number": self.number})
                return
            await asyncio.sleep(max(TICK_S, SHARE * (ended - began)))

    async def fresh(self) -> dict[str, Any]:
        """The picture for one who asks once; read now unless somebody is watching anyway."""
        if self._task is None or self._task.done():
            await self.look()
        if not self.number:
            raise Unavailable("the floor could not be read")
        return self.document()

    def end_streams(self) -> None:
        """Let every client go, so that the server can stop."""
        self._closing = True
        self._news.set()

    async def close(self) -> None:
        """Stop looking."""
        self.end_streams()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def _rows(sections: Sections) -> Sections:
    """Instants as text, ids as text."""
    return {
        name: {key: shown(row) if isinstance(row, dict) else row for key, row in rows.items()}
        for name, rows in sections.items()
    }
