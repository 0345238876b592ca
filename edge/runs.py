"""A run: the raw reads of one tag at one antenna that become one observation."""

from __future__ import annotations

import math

from msgspec import UNSET, UnsetType

from contracts.v1 import Observation
from edge.drivers.port import RawRead


class Run:
    """Open until it is observed. `place` is where its first read stands in the ring."""

    __slots__ = (
        "best",
        "count",
        "first",
        "last",
        "opened",
        "peak",
        "place",
        "rise_at",
        "squares",
        "total",
        "weighed",
    )

    def __init__(self, read: RawRead, at: int, rise_at: float, place: int) -> None:
        self.opened = at
        self.place = place
        self.first = self.last = read.occurred_at
        self.count = read.count
        self.best = read
        self.rise_at = rise_at
        rssi = read.rssi_dbm
        self.peak = -math.inf if rssi is None else rssi
        self.weighed = 0 if rssi is None else read.count
        self.total = 0.0 if rssi is None else rssi * read.count
        self.squares = 0.0 if rssi is None else rssi * rssi * read.count

    def add(self, read: RawRead) -> None:
        """Take one more read of the same tag and antenna."""
        device_us = read.occurred_at
        if device_us < self.first:
            self.first = device_us
        elif device_us > self.last:
            self.last = device_us
        count = read.count
        self.count += count
        rssi = read.rssi_dbm
        if rssi is not None:
            self.weighed += count
            self.total += rssi * count
            self.squares += rssi * rssi * count
            if rssi > self.peak:
                self.peak = rssi
                self.best = read


def observe(device: str, run: Run, offset: int) -> Observation:
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
