"""The ring of raw reads: the agent's journal on disk, and the raw past for `reader record`.

A line costs a read no wait: lines go to the system in blocks, at the end of the event loop's turn
and before what they say goes to the spool. Reads that could not be written are counted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from edge.drivers.port import RawRead
from edge.failpoints import Hit, no_faults
from edge.journal import Told
from edge.ring_file import sealed
from edge.ring_segments import DEFAULT_BOUNDS, Bounds, SegmentWriter

log = logging.getLogger(__name__)

BLOCK_LINES = 500
_READ, _EMITTED, _TOLD, _KEPT = 1, 2, 3, 4
_encode = msgspec.msgpack.Encoder().encode

Line = tuple[object, ...]


def at_once(work: Callable[[], None]) -> None:
    """Write each line where it is told; an agent lets the event loop end its turn first."""
    work()


class Ring:
    """The journal of an agent. `last` is the last line ever told."""

    def __init__(
        self,
        folder: Path,
        *,
        last: int,
        now_us: Callable[[], int],
        bounds: Bounds = DEFAULT_BOUNDS,
        soon: Callable[[Callable[[], None]], object] = at_once,
        hit: Hit = no_faults,
    ) -> None:
        self._devices: list[str] = []
        self._files = SegmentWriter(folder, bounds=bounds, now_us=now_us, hit=hit)
        self._soon = soon
        self._lines: list[Line] = []
        self._due = False
        self.last = last
        self.unwritten_reads = 0
        self._unwritten_told = 0

    @property
    def paused(self) -> bool:
        """Whether the disk has no room: then a kill costs what the smoother holds."""
        return self._files.paused

    @property
    def held_bytes(self) -> int:
        """The size of all that is kept."""
        return self._files.held_bytes

    def device(self, name: str) -> int:
        """The device's number in the segments of this process; a new one begins a segment."""
        if name not in self._devices:
            self.flush()
            self._devices.append(name)
            self._files.name_devices(self._devices)
        return self._devices.index(name)

    def read(self, device: int, read: RawRead, offset: int, begins: bool, /) -> int:
        """A raw read; its number."""
        line: Line = (
            _READ,
            device,
            begins,
            offset,
            read.received_at,
            read.occurred_at,
            read.epc,
            read.antenna,
            read.rssi_dbm,
            read.count,
        )
        if (
            read.phase_deg is not None
            or read.frequency_khz is not None
            or read.tid is not None
            or read.pc is not None
            or read.doppler_hz is not None
            or read.tx_power_dbm is not None
        ):
            line += (
                read.tid,
                read.phase_deg,
                read.frequency_khz,
                read.tx_power_dbm,
                read.doppler_hz,
                read.pc,
            )
        return self._tell(line)

    def emitted(self, run: int, offset: int) -> int:
        """A run became an observation; its number."""
        return self._tell((_EMITTED, run, offset))

    def told(self, device: int, kind: Told, reading: bytes, offset: int, received_at: int) -> int:
        """A scan or a sensor edge; its number."""
        return self._tell((_TOLD, device, kind, reading, offset, received_at))

    def kept(self, done: int) -> None:
        """The spool has committed everything up to line `done`; it is written with what follows."""
        self._lines.append((_KEPT, done))
        self.last += 1

    def _tell(self, line: Line) -> int:
        self._lines.append(line)
        self.last = number = self.last + 1
        if not self._due:
            self._due = True
            self._soon(self.flush)
        elif len(self._lines) >= BLOCK_LINES:
            self.flush()
        return number

    def flush(self) -> None:
        """Hand what was told to the system: a kill of this process loses none of it any more."""
        self._due = False
        if not self._lines:
            return
        lines, self._lines = self._lines, []
        first = self.last - len(lines) + 1
        data = sealed(_encode(lines), first=first, count=len(lines))
        if not self._files.write(data, first=first):
            self.unwritten_reads += sum(line[0] == _READ for line in lines)

    def tend(self) -> None:
        """Four times a second: keep the bounds."""
        self.flush()
        self._files.tend()
        if not self.paused and self.unwritten_reads != self._unwritten_told:
            log.warning("ring_reads_unwritten", extra={"reads": self.unwritten_reads})
            self._unwritten_told = self.unwritten_reads

    def close(self) -> None:
        """Write what is left and close."""
        self.flush()
        self._files.close()
