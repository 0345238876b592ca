"""The ring on disk: segments of blocks of numbered lines, each block under its own checksum.

A reader takes what is whole and in order; a torn or spoilt block ends its segment, and what is
missing between two blocks is told as a gap. Lines are MessagePack arrays.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct

from edge.drivers.port import RawRead
from edge.journal import Told

MAGIC = b"DLRING1\n"
SUFFIX = ".ring"
_OPENING = struct.Struct("<II")
_BLOCK = struct.Struct("<IIIQ")
_HEAD = _BLOCK.size
_CHECK = struct.Struct("<I")


class ReadLine(Struct, frozen=True, array_like=True, tag=1):
    """A raw read as the driver yielded it, and the offset that corrects its times."""

    device: int
    begins: bool
    offset: int
    received_at: int
    occurred_at: int
    epc: bytes
    antenna: int | None
    rssi_dbm: float | None
    count: int
    tid: str | None = None
    phase_deg: float | None = None
    frequency_khz: int | None = None
    tx_power_dbm: float | None = None
    doppler_hz: float | None = None
    pc: str | None = None

    def read(self) -> RawRead:
        """The raw read again."""
        return RawRead(
            epc=self.epc,
            antenna=self.antenna,
            rssi_dbm=self.rssi_dbm,
            occurred_at=self.occurred_at,
            received_at=self.received_at,
            count=self.count,
            tid=self.tid,
            phase_deg=self.phase_deg,
            frequency_khz=self.frequency_khz,
            tx_power_dbm=self.tx_power_dbm,
            doppler_hz=self.doppler_hz,
            pc=self.pc,
        )


class EmittedLine(Struct, frozen=True, array_like=True, tag=2):
    """The run that began at line `run` became an observation."""

    run: int
    offset: int


class ToldLine(Struct, frozen=True, array_like=True, tag=3):
    """A scan or a sensor edge: JSON of its wire form, times corrected by `offset`."""

    device: int
    kind: Told
    body: bytes
    offset: int
    received_at: int


class KeptLine(Struct, frozen=True, array_like=True, tag=4):
    """The spool holds every observation up to line `done`."""

    done: int


Line = ReadLine | EmittedLine | ToldLine | KeptLine
_lines = msgspec.msgpack.Decoder(list[Line])
_opening = msgspec.msgpack.Decoder(tuple[int, list[str]])


@dataclass(frozen=True, slots=True)
class Segment:
    """One file: its first line's number is its name."""

    first: int
    path: Path


@dataclass(frozen=True, slots=True)
class Block:
    """Lines `first`, `first` + 1, … of a segment begun at `begun_at`, whose devices have these
    names."""

    first: int
    begun_at: int
    devices: list[str]
    lines: list[Line]


def segment_path(folder: Path, first: int) -> Path:
    """Where the segment that starts with this line lies."""
    return folder / f"{first:020d}{SUFFIX}"


def segments(folder: Path) -> list[Segment]:
    """The segments there are, oldest first."""
    found = [path for path in folder.glob(f"*{SUFFIX}") if path.stem.isdigit()]
    return sorted((Segment(int(path.stem), path) for path in found), key=lambda one: one.first)


def opening(devices: list[str], *, at: int) -> bytes:
    """The first bytes of a segment begun at `at`."""
    body = msgspec.msgpack.encode((at, devices))
    return MAGIC + _OPENING.pack(len(body), zlib.crc32(body)) + body


def sealed(body: bytes, *, first: int, count: int) -> bytes:
    """A block around its lines, the first of which has this number."""
    head = _BLOCK.pack(0, len(body), count, first)[4:]
    return _CHECK.pack(zlib.crc32(body, zlib.crc32(head))) + head + body


def blocks(segment: Segment, *, from_line: int = 0) -> Iterator[Block]:
    """The whole blocks that hold a line from `from_line` on; ends at the first that is torn."""
    try:
        data = segment.path.read_bytes()
    except OSError:
        # Dropped meanwhile, or not readable: what is missing shows as a gap.
        return
    start = len(MAGIC) + _OPENING.size
    if len(data) < start or not data.startswith(MAGIC):
        return
    size, check = _OPENING.unpack_from(data, len(MAGIC))
    place = start + size
    if zlib.crc32(data[start:place]) != check:
        return
    begun_at, devices = _opening.decode(data[start:place])
    view = memoryview(data)
    while place + _HEAD <= len(data):
        check, size, count, first = _BLOCK.unpack_from(data, place)
        end = place + _HEAD + size
        if end > len(data) or zlib.crc32(view[place + 4 : end]) != check:
            return
        if first + count > from_line:
            try:
                lines = _lines.decode(view[place + _HEAD : end])
            except msgspec.DecodeError:
                # Whole, but of a newer version.
                return
            yield Block(first, begun_at, devices, lines)
        place = end


def read_ring(folder: Path, *, from_line: int = 0) -> Iterator[Block]:
    """All whole blocks from this line on, in order."""
    found = segments(folder)
    for n, segment in enumerate(found):
        if n + 1 == len(found) or found[n + 1].first > from_line:
            yield from blocks(segment, from_line=from_line)


def last_line(folder: Path) -> int:
    """The number of the last line that is whole; 0 = none."""
    for segment in reversed(segments(folder)):
        last = 0
        for block in blocks(segment):
            last = block.first + len(block.lines) - 1
        if last:
            return last
    return 0
