"""The antennas of one reader: what each heard in the last minute, and which one has gone deaf.

Silence alone is no fault: nothing may be there. An antenna is silent when another that used to hear
nearly all of its tags keeps hearing new ones and it hears none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import UNSET, UnsetType

from contracts.v1 import AntennaState, AntennaStatus, Observation

SECOND_US: Final = 1_000_000
WINDOW_US: Final = 60 * SECOND_US
BUCKET_US: Final = 10 * SECOND_US
# A tag is compared once it has had time to be heard by all antennas that can hear it.
SETTLE_US: Final = 30 * SECOND_US
SILENT_US: Final = 120 * SECOND_US
LEAST_SHARED, LEAST_SHARE, LEAST_MISSED = 50, 0.9, 40
MEMORY: Final = 1_000
MAX_TAGS: Final = 5_000
MAX_ANTENNAS: Final = 64


@dataclass(slots=True)
class _Bucket:
    reads: int = 0
    weighed: int = 0
    total: float = 0.0


@dataclass(slots=True)
class _Antenna:
    """Sums by bucket of 10 s, and when each tag was heard last (monotonic clock)."""

    buckets: dict[int, _Bucket] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)
    heard_at: int | None = None
    last_read_at: int | UnsetType = UNSET
    fault: bool = False


@dataclass(slots=True)
class _Tag:
    first: int
    last: int
    antennas: set[int]
    compared: bool = False


@dataclass(slots=True)
class _Pair:
    """Tags that one antenna heard: how many, how many of them the other heard too, and how many
    new ones it has missed since it fell quiet."""

    tags: int = 0
    shared: int = 0
    missed: int = 0

    def fold(self) -> None:
        """The other one speaks again: what it missed was out of its sight."""
        self.tags += self.missed
        self.missed = 0
        if self.tags > MEMORY:
            self.tags, self.shared = self.tags // 2, self.shared // 2


class Antennas:
    """All antennas of one device; `at` is the agent's monotonic clock."""

    def __init__(self, configured: Iterable[int] = ()) -> None:
        self._antennas = {port: _Antenna() for port in configured}
        self._tags: dict[str, _Tag] = {}
        self._pairs: dict[tuple[int, int], _Pair] = {}
        self._step_at = 0

    def heard(self, read: Observation, at: int) -> None:
        """Take one smoothed run."""
        port = read.antenna
        if port is None:
            return
        antenna = self._antennas.get(port)
        if antenna is None:
            if len(self._antennas) >= MAX_ANTENNAS:
                return
            antenna = self._antennas[port] = _Antenna()
        bucket = antenna.buckets.setdefault(at // BUCKET_US, _Bucket())
        bucket.reads += read.count
        level = read.rssi_mean_dbm
        if isinstance(level, float | int):
            bucket.weighed += read.count
            bucket.total += level * read.count
        antenna.heard_at = at
        antenna.fault = False
        if isinstance(read.last_at, int):
            antenna.last_read_at = read.last_at
        if len(antenna.tags) < MAX_TAGS or read.epc in antenna.tags:
            antenna.tags[read.epc] = at
        self._note(read.epc, port, at)

    def _note(self, epc: str, port: int, at: int) -> None:
        tag = self._tags.get(epc)
        if tag is None:
            if len(self._tags) < MAX_TAGS:
                self._tags[epc] = _Tag(at, at, {port})
            return
        tag.last = at
        tag.antennas.add(port)

    def fault(self, port: int, *, stands: bool) -> None:
        """The reader says that an antenna was lost or is back."""
        if port in self._antennas or len(self._antennas) < MAX_ANTENNAS:
            self._antennas.setdefault(port, _Antenna()).fault = stands

    def step(self, at: int) -> None:
        """Compare the tags that have settled, and forget what is older than the window."""
        if at < self._step_at:
            return
        self._step_at = at + BUCKET_US
        for epc, tag in list(self._tags.items()):
            if not tag.compared and at - tag.first >= SETTLE_US:
                tag.compared = True
                self._compare(tag.antennas, at)
            if at - tag.last >= WINDOW_US:
                del self._tags[epc]
        oldest = (at - WINDOW_US) // BUCKET_US
        for antenna in self._antennas.values():
            for number in [n for n in antenna.buckets if n <= oldest]:
                del antenna.buckets[number]
            gone = [epc for epc, last in antenna.tags.items() if at - last >= WINDOW_US]
            for epc in gone:
                del antenna.tags[epc]

    def _compare(self, heard_by: set[int], at: int) -> None:
        for one in heard_by:
            for other, antenna in self._antennas.items():
                if other == one or antenna.heard_at is None:
                    continue
                pair = self._pairs.setdefault((one, other), _Pair())
                if other in heard_by or at - antenna.heard_at < SETTLE_US:
                    pair.fold()
                    pair.tags += 1
                    pair.shared += other in heard_by
                else:
                    pair.missed += 1

    def _is_silent(self, port: int, at: int) -> bool:
        heard_at = self._antennas[port].heard_at
        if heard_at is None or at - heard_at < SILENT_US:
            return False
        return any(
            pair.missed >= LEAST_MISSED
            and pair.shared >= LEAST_SHARED
            and pair.shared >= LEAST_SHARE * pair.tags
            for (_, other), pair in self._pairs.items()
            if other == port
        )

    def statuses(self, at: int) -> Sequence[AntennaStatus]:
        """Each antenna by port, over the last minute."""
        self.step(at)
        return [self._status(port, at) for port in sorted(self._antennas)]

    def _status(self, port: int, at: int) -> AntennaStatus:
        antenna = self._antennas[port]
        state: AntennaState = "ok"
        if antenna.fault:
            state = "fault"
        elif self._is_silent(port, at):
            state = "silent"
        buckets = antenna.buckets.values()
        weighed = sum(bucket.weighed for bucket in buckets)
        total = sum(bucket.total for bucket in buckets)
        return AntennaStatus(
            antenna=port,
            state=state,
            reads=sum(bucket.reads for bucket in buckets),
            tags=len(antenna.tags),
            rssi_mean_dbm=round(total / weighed, 1) if weighed else UNSET,
            last_read_at=antenna.last_read_at,
        )
