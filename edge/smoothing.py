"""Smoothing: raw reads to observations, one run per tag and antenna of a device.

Every raw read lies inside exactly one emitted observation of its EPC and antenna; nothing is
dropped, and when the memory limit is hit the oldest run is emitted early.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from contracts.v1 import Observation
from edge.device_clock import DeviceClock
from edge.drivers.port import RawRead
from edge.journal import NO_JOURNAL, Journal
from edge.runs import Run, observe

MAX_RUNS = 50_000
MAX_COUNT = 1_000_000


@dataclass(frozen=True, slots=True)
class Profile:
    """How a read point smooths: cut of a run, rise that is told at once, silence that forgets."""

    cut_us: int
    rise_db: float
    forget_us: int


# portal.md 1: cut every 250 ms so that the order of peaks survives; zones 2 s or a rise of 3 dB.
PORTAL = Profile(cut_us=250_000, rise_db=math.inf, forget_us=3_000_000)
ZONE = Profile(cut_us=2_000_000, rise_db=3.0, forget_us=60_000_000)

Key = tuple[bytes, int | None]


class Smoother:
    """The runs of one device. `at` is always the agent's monotonic clock in microseconds."""

    def __init__(
        self,
        *,
        device: str,
        profile: Profile,
        clock: DeviceClock,
        max_runs: int = MAX_RUNS,
        journal: Journal = NO_JOURNAL,
    ) -> None:
        self._device = device
        self._number = journal.device(device)
        self._journal = journal
        self._note = journal.read
        self._cut = profile.cut_us
        self._rise = profile.rise_db
        self._forget = profile.forget_us
        self._clock = clock
        self._max_runs = max_runs
        self._open: dict[Key, Run] = {}
        self._seen: dict[Key, tuple[int, float]] = {}
        self._out: list[Observation] = []
        self.places: list[int] = []
        self.early = 0

    def add(self, read: RawRead, at: int) -> bool:
        """Take one raw read; True when there is something to `take`."""
        device_us = read.occurred_at
        clock = self._clock
        if clock.jumped(device_us, read.received_at, at):
            self.flush(at)
            clock.restart(device_us, read.received_at, at)
        else:
            clock.sample(device_us, read.received_at, at)
        key = (read.epc, read.antenna)
        run = self._open.get(key)
        if run is not None:
            cut = self._cut
            if (
                device_us - run.first >= cut
                or at - run.opened >= cut
                or run.last - device_us >= cut
                or run.count + read.count > MAX_COUNT
            ):
                self._emit(key, at)
                run = None
        if run is None:
            self._begin(key, read, at)
            return bool(self._out)
        self._note(self._number, read, clock.offset, False)
        run.add(read)
        if run.peak >= run.rise_at:
            self._emit(key, at)
        return bool(self._out)

    def _begin(self, key: Key, read: RawRead, at: int) -> None:
        known = self._seen.pop(key, None)
        first_sighting = known is None or at - known[0] >= self._forget
        rise_at = math.inf if known is None else known[1] + self._rise
        if math.isinf(rise_at) and rise_at < 0:
            rise_at = math.inf
        place = self._note(self._number, read, self._clock.offset, True)
        run = Run(read, at, rise_at, place)
        self._open[key] = run
        if first_sighting or run.peak >= rise_at:
            self._emit(key, at)
        elif len(self._open) + len(self._seen) > self._max_runs:
            self._make_room()

    def _make_room(self) -> None:
        if len(self._seen) > 1 or not self._open:
            del self._seen[next(iter(self._seen))]
            return
        self._tell(self._open.pop(next(iter(self._open))))
        self.early += 1

    def _emit(self, key: Key, at: int) -> None:
        run = self._open.pop(key)
        self._seen.pop(key, None)
        self._seen[key] = (at, run.peak)
        if len(self._open) + len(self._seen) > self._max_runs:
            self._make_room()
        self._tell(run)

    def _tell(self, run: Run) -> None:
        offset = self._clock.offset
        self.places.append(self._journal.emitted(run.place, offset))
        self._out.append(observe(self._device, run, offset))

    def step(self, at: int) -> None:
        """Emit the runs that are due and forget tags not heard for long."""
        limit = at - self._cut
        while self._open:
            key, run = next(iter(self._open.items()))
            if run.opened > limit:
                break
            self._emit(key, at)
        limit = at - self._forget
        while self._seen:
            key, (last, _) = next(iter(self._seen.items()))
            if last > limit:
                break
            del self._seen[key]

    def flush(self, at: int) -> None:
        """Emit every open run now, so that what follows comes after it in the stream."""
        for key in list(self._open):
            self._emit(key, at)

    def take(self) -> list[Observation]:
        """What was emitted since the last call, in order; before it `places` has their numbers."""
        out, self._out = self._out, []
        self.places = []
        return out

    def due(self) -> int | None:
        """When the oldest open run must be cut, or None."""
        for run in self._open.values():
            return run.opened + self._cut
        return None

    def oldest(self) -> int | None:
        """Where the first read of the oldest open run stands in the journal, or None."""
        for run in self._open.values():
            return run.place
        return None

    def held(self) -> int:
        """Runs and tags in memory."""
        return len(self._open) + len(self._seen)
