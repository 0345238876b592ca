"""Smoothing: raw reads to observations, one run per tag and antenna of a device.

Every raw read lies inside exactly one emitted observation of its EPC and antenna; nothing is
dropped, and when the memory limit is hit the oldest run is emitted early.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from contracts.v1 import Observation
from edge.device_clock import DeviceClock
from edge.drivers.port import RawRead

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


class _Run:
    __slots__ = (
        "best",
        "count",
        "first",
        "last",
        "opened",
        "peak",
        "rise_at",
        "squares",
        "total",
        "weighed",
    )

    def __init__(self, read: RawRead, at: int, rise_at: float) -> None:
        self.opened = at
        self.first = self.last = read.occurred_at
        self.count = read.count
        self.best = read
        self.rise_at = rise_at
        rssi = read.rssi_dbm
        self.peak = -math.inf if rssi is None else rssi
        self.weighed = 0 if rssi is None else read.count
        self.total = 0.0 if rssi is None else rssi * read.count
        self.squares = 0.0 if rssi is None else rssi * rssi * read.count


class Smoother:
    """The runs of one device. `at` is always the agent's monotonic clock in microseconds."""

    def __init__(
        self, *, device: str, profile: Profile, clock: DeviceClock, max_runs: int = MAX_RUNS
    ) -> None:
        self._device = device
        self._cut = profile.cut_us
        self._rise = profile.rise_db
        self._forget = profile.forget_us
        self._clock = clock
        self._max_runs = max_runs
        self._open: dict[Key, _Run] = {}
        self._seen: dict[Key, tuple[int, float]] = {}
        self._out: list[Observation] = []
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
            span = device_us - run.first
            cut = self._cut
            if (
                span >= cut
                or at - run.opened >= cut
                or run.last - device_us >= cut
                or run.count + read.count > MAX_COUNT
            ):
                self._emit(key, at)
                run = None
        if run is None:
            self._begin(key, read, at)
            return bool(self._out)
        if span < 0:
            run.first = device_us
        elif device_us > run.last:
            run.last = device_us
        count = read.count
        run.count += count
        rssi = read.rssi_dbm
        if rssi is not None:
            run.weighed += count
            run.total += rssi * count
            run.squares += rssi * rssi * count
            if rssi > run.peak:
                run.peak = rssi
                run.best = read
                if rssi >= run.rise_at:
                    self._emit(key, at)
        return bool(self._out)

    def _begin(self, key: Key, read: RawRead, at: int) -> None:
        known = self._seen.pop(key, None)
        first_sighting = known is None or at - known[0] >= self._forget
        rise_at = math.inf if known is None else known[1] + self._rise
        if math.isinf(rise_at) and rise_at < 0:
            rise_at = math.inf
        run = _Run(read, at, rise_at)
        self._open[key] = run
        if first_sighting or run.peak >= rise_at:
            self._emit(key, at)
        elif len(self._open) + len(self._seen) > self._max_runs:
            self._make_room()

    def _make_room(self) -> None:
        if len(self._seen) > 1 or not self._open:
            del self._seen[next(iter(self._seen))]
            return
        run = self._open.pop(next(iter(self._open)))
        self._out.append(observe(self._device, run, self._clock.offset))
        self.early += 1

    def _emit(self, key: Key, at: int) -> None:
        run = self._open.pop(key)
        self._seen.pop(key, None)
        self._seen[key] = (at, run.peak)
        if len(self._open) + len(self._seen) > self._max_runs:
            self._make_room()
        self._out.append(observe(self._device, run, self._clock.offset))

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
        """What was emitted since the last call, in order."""
        out, self._out = self._out, []
        return out

    def due(self) -> int | None:
        """When the oldest open run must be cut, or None."""
        for run in self._open.values():
            return run.opened + self._cut
        return None

    def held(self) -> int:
        """Runs and tags in memory."""
        return len(self._open) + len(self._seen)


def observe(device: str, run: _Run, offset: int) -> Observation:
    """The wire form of a run; times are corrected by the device's offset."""
    best = run.best
    mean: float | None = None
    spread: float | UnsetType = UNSET
    if run.weighed:
        mean = run.total / run.weighed
        spread = round(math.sqrt(max(run.squares / run.weighed - mean * mean, 0.0)), 3)
    return Observation(
        epc=best.epc.hex().upper(),
        device=device,
        antenna=best.antenna,
        rssi_dbm=best.rssi_dbm,
        occurred_at=best.occurred_at + offset,
        count=run.count,
        first_at=run.first + offset,
        last_at=run.last + offset,
        rssi_mean_dbm=None if mean is None else round(mean, 3),
        rssi_spread_db=spread,
        tid=UNSET if best.tid is None else best.tid,
        phase_deg=UNSET if best.phase_deg is None else best.phase_deg,
        frequency_khz=UNSET if best.frequency_khz is None else best.frequency_khz,
        tx_power_dbm=UNSET if best.tx_power_dbm is None else best.tx_power_dbm,
        doppler_hz=UNSET if best.doppler_hz is None else best.doppler_hz,
        pc=UNSET if best.pc is None else best.pc,
    )
