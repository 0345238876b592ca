"""How fast LLRP reports become raw reads, beside what walking the same bytes costs at least."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bench.figure import Figure
from edge.drivers.llrp_codec import HEADER_BYTES, FrameSplitter, parameters
from edge.drivers.llrp_reads import ReadingDecoder

TAGS_PER_FRAME: Final = 8
_FRAMES: Final = 500
_SEEN: Final = 1_772_442_900_000_000


@dataclass(frozen=True, slots=True)
class LlrpFigures:
    """`limit_reads_s` is the walk over every parameter's header alone, measured in the same run."""

    frames_s: float
    reads_s: float
    limit_reads_s: float

    @property
    def ratio(self) -> float:
        """The share of the limit that is reached."""
        return self.reads_s / self.limit_reads_s

    def figures(self) -> list[Figure]:
        """As lines of the report."""
        method = f"{self.frames_s:,.0f} frames/s with vendor fields; limit: parameter walk"
        return [Figure("LLRP decode", self.reads_s, "raw reads/s", self.limit_reads_s, method)]


def run(seconds: float = 1.0) -> LlrpFigures:
    """Both loops run interleaved for about `seconds` together; the best round of each counts."""
    stream = b"".join(_frame(number) for number in range(_FRAMES))
    reads = _FRAMES * TAGS_PER_FRAME
    decode = walk = float("inf")
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        walk = min(walk, _timed(lambda: _walk(stream)))
        decode = min(decode, _timed(lambda: _decode(stream)))
    return LlrpFigures(_FRAMES / decode, reads / decode, reads / walk)


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _decode(stream: bytes) -> None:
    splitter, decoder = FrameSplitter(), ReadingDecoder([865_700, 866_300])
    count = 0
    for frame in splitter.feed(stream):
        count += len(decoder.report(frame, _SEEN))
    if count != _FRAMES * TAGS_PER_FRAME:
        raise RuntimeError("a read was lost in the benchmark")


def _walk(stream: bytes) -> None:
    at = 0
    while at < len(stream):
        end = at + int.from_bytes(stream[at + 2 : at + 6])
        for _, start, stop in parameters(stream, at + HEADER_BYTES, end):
            for _ in parameters(stream, start, stop):
                pass
        at = end


def _frame(number: int) -> bytes:
    """A report as an Impinj reader with its extensions on sends it."""
    body = b"".join(_tag(number * TAGS_PER_FRAME + place) for place in range(TAGS_PER_FRAME))
    return struct.pack(">HII", 0x043D, HEADER_BYTES + len(body), number) + body


def _tag(number: int) -> bytes:
    impinj = b"".join(
        struct.pack(">HHIIh", 1023, 14, 25882, subtype, value)
        for subtype, value in ((57, -5512), (56, 1024), (68, -24))
    )
    value = (
        b"\x8d"
        + struct.pack(">IQ", 0x3034257B, number)
        + struct.pack(">BIBHBbBH", 0x89, 1407, 0x81, 1 + number % 2, 0x86, -55, 0x87, 1)
        + struct.pack(">BQBQBH", 0x82, _SEEN + number, 0x84, _SEEN + number, 0x88, 1)
        + struct.pack(">BH", 0x8C, 0x3000)
        + impinj
    )
    return struct.pack(">HH", 240, 4 + len(value)) + value
