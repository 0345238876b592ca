"""An edge box for tests: intake, ring and spool on a real disk, killed wherever a test says.

Each read of a tag weighs four times the one before, so a sum of counts shows which reads it holds
and how often: its digits to base four are 0 lost, 1 once, 2 and more doubled.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar, cast

from contracts.v1 import SensorReading
from edge.batching import Batcher
from edge.drivers.port import RawRead, RawSensor
from edge.intake import Intake, Source
from edge.journal import NO_JOURNAL
from edge.ring import Ring, at_once
from edge.ring_replay import Recovered
from edge.ring_segments import Bounds
from edge.ring_start import open_ring, ring_folder
from edge.spool import Spool, inline
from edge.spool_file import open_spool

T0 = 1_795_000_000_000_000
SMALL = Bounds(max_bytes=1 << 20, keep_free=0)
Key = tuple[str, str, int]
EDGE: Key = ("edge", "", 0)


T = TypeVar("T")


def now(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as end:
        return cast(T, end.value)
    raise AssertionError("it waited")


class KilledError(Exception):
    """The process ended here."""


class Box:
    """`start`, then reads; `kill` leaves what the system has, `finish` says the rest."""

    def __init__(self, folder: Path, *, bounds: Bounds = SMALL, with_ring: bool = True) -> None:
        self.path = folder / "spool.db"
        self.now = T0
        self.fault: tuple[str, int] = ("", 0)
        self.later: list[Callable[[], None]] = []
        self.lazy = False
        self.bounds = bounds
        self.with_ring = with_ring
        self.weights: Counter[Key] = Counter()
        self.doubtful: set[tuple[Key, int]] = set()
        self.fresh: list[tuple[Key, int]] = []
        self.edges: list[int] = []
        self.starts: list[Recovered] = []
        self.ring: Ring | None = None
        self.spool: Spool
        self.intake: Intake
        self.sources: dict[str, Source] = {}

    def hit(self, name: str) -> None:
        """A failpoint: the end if it is the one that was asked for."""
        if name == self.fault[0]:
            self.fault = (name, self.fault[1] - 1)
            if self.fault[1] <= 0:
                self.fault = ("", 0)
                raise KilledError(name)

    def start(self) -> None:
        """A new process on this disk."""
        file = open_spool(self.path, boot=1, max_bytes=1 << 20, hit=self.hit)
        self.spool = Spool(file, now_us=lambda: self.now, offload=inline)
        found = None
        if self.with_ring:
            self.ring, found = now(
                open_ring(
                    ring_folder(self.path),
                    spool=self.spool,
                    offload=inline,
                    now_us=lambda: self.now,
                    bounds=self.bounds,
                    soon=self.later.append if self.lazy else at_once,
                    hit=self.hit,
                )
            )
        self.intake = Intake(
            batcher=Batcher(max_readings=3),
            deliver=self.spool.submit,
            journal=self.ring or NO_JOURNAL,
        )
        self.sources = {
            "door": self.intake.source("door", kind="portal", linger_us=20_000),
            "zone": self.intake.source("zone", kind="zone", linger_us=20_000),
        }
        if found is not None and self.spool.mark is not None:
            self.starts.append(found)
            self.intake.restore(found, self.spool.mark, self.now)

    def turn(self) -> None:
        """The event loop's turn ends."""
        while self.later:
            self.later.pop(0)()
        self.fresh.clear()

    def read(self, device: str, tag: int, *, antenna: int = 1, rssi: float = -60.0) -> None:
        """A raw read; it must come out once, unless it was killed on its way to the ring."""
        key = (device, f"30{tag:02X}0000", antenna)
        weight = 4 ** self.weights[key]
        self.weights[key] += 1
        self.fresh.append((key, weight))
        read = RawRead(bytes.fromhex(key[1]), antenna, rssi, self.now, self.now, weight)
        self.intake.take(self.sources[device], read, self.now)
        if not self.lazy:
            self.fresh.clear()

    def edge(self, device: str) -> None:
        """A beam is broken."""
        self.edges.append(self.now)
        self.fresh.append((EDGE, self.now))
        fields: dict[str, str | int | float] = {"port": 1, "state": "high"}
        self.intake.take(
            self.sources[device], RawSensor("gpi", self.now, self.now, fields), self.now
        )
        if not self.lazy:
            self.fresh.clear()

    def answer(self) -> None:
        """The agent says something of its own: it has no line in the ring."""
        reading = SensorReading("door", "command", self.now, id="c-1", state="done")
        self.intake.answer(reading, self.now)

    def commit(self) -> None:
        """The spool takes what waits."""
        while now(self.spool.flush()):
            if self.ring is not None and self.spool.mark is not None:
                self.ring.kept(self.spool.mark.done)

    def kill(self) -> None:
        """Nothing is said any more; what the system has stays."""
        self.later.clear()
        self.doubtful.update(self.fresh)
        self.fresh.clear()
        self.spool.close()
        if self.ring is not None:
            handle = self.ring._files._handle
            if handle is not None:
                with contextlib.suppress(OSError):
                    os.close(handle)
            self.ring._files._handle = None
            self.ring = None

    def finish(self) -> None:
        """An orderly end."""
        self.turn()
        self.intake.flush(self.now)
        self.commit()
        if self.ring is not None:
            self.ring.close()
        self.spool.close()

    def said(self) -> list[dict[str, Any]]:
        """All readings in the spool, in order."""
        file = open_spool(self.path, boot=1, max_bytes=1 << 20, hit=lambda _: None)
        rows = file.read(first=0, limit=1_000_000)
        file.close()
        return [one for row in rows for one in json.loads(b"{" + row.tail[1:])[row.kind]]

    def faults(self) -> tuple[list[str], list[str]]:
        """(lost, doubled), in words; empty when every read is in the spool once."""
        sums: Counter[Key] = Counter()
        edges: list[int] = []
        for one in self.said():
            if "epc" in one:
                sums[one["device"], one["epc"], one["antenna"]] += one.get("count", 1)
            elif one["kind"] == "gpi":
                edges.append(one["occurred_at"])
        lost, doubled = [], []
        for key, reads in self.weights.items():
            for n in range(reads):
                digit = sums[key] // 4**n % 4
                if digit == 0 and (key, 4**n) not in self.doubtful:
                    lost.append(f"{key} read {n}")
                if digit > 1:
                    doubled.append(f"{key} read {n}: {digit} times")
        times = Counter(edges)
        doubled += [f"edge {at}: {n} times" for at, n in times.items() if n > 1]
        known = times.keys() | {at for key, at in self.doubtful if key == EDGE}
        lost += [f"edge {at}" for at in self.edges if at not in known]
        return lost, doubled
