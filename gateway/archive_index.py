"""The index of a closed segment: when its readings occurred, and each tag's frames by offset.

A text file beside the segment: one JSON line {first_at, last_at}, then a line `key TAB offsets` for
each tag, so that a question reads one line of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from contracts.gs1.epc import EpcError, key_of
from gateway.archive import Line

SUFFIX = ".index"


class Told(NamedTuple):
    """One reading of an archived message: its tag's normal key, its time, itself."""

    key: str
    occurred_at: int
    reading: dict[str, object]


class _Read(msgspec.Struct):
    epc: str
    occurred_at: int = 0


class _Reads(msgspec.Struct):
    reads: list[_Read] = []


class Span(NamedTuple):
    """When the readings of a segment occurred, microseconds UTC; both 0 where it has none."""

    first_at: int
    last_at: int


class Keys:
    """Normal keys of EPCs; the same tag comes again and again."""

    def __init__(self, limit: int = 100_000) -> None:
        self._known: dict[str, str | None] = {}
        self._limit = limit

    def of(self, epc: str) -> str | None:
        """The normal key, or None for what is no EPC."""
        if epc not in self._known:
            if len(self._known) >= self._limit:
                self._known.clear()
            self._known[epc] = _key(epc)
        return self._known[epc]


def _key(epc: str) -> str | None:
    try:
        return key_of(epc)
    except EpcError:
        return None


_reads = msgspec.json.Decoder(_Reads)
_whole = msgspec.json.Decoder()


def read_times(line: Line, keys: Keys) -> list[tuple[str, int]]:
    """(key, time) of each reading of a message whose tag has a normal key."""
    try:
        found = _reads.decode(line.message)
    except msgspec.MsgspecError:
        return []
    told = ((keys.of(read.epc), read.occurred_at) for read in found.reads)
    return [(key, at) for key, at in told if key is not None]


def readings_of(line: Line, key: str, keys: Keys) -> list[Told]:
    """The readings of one tag in a message, whole."""
    try:
        message = _whole.decode(line.message)
        reads = message["reads"]
        return [
            Told(key, int(read["occurred_at"]), read)
            for read in reads
            if keys.of(str(read["epc"])) == key
        ]
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
        return []


def index_of(segment: Path) -> Path:
    """Where a segment's index lies."""
    return segment.with_name(segment.name + SUFFIX)


def write(segment: Path, lines: Iterable[tuple[int, Line]]) -> None:
    """Index (frame offset, line) of a closed segment."""
    keys, frames = Keys(), dict[str, list[int]]()
    first, last = 0, 0
    for offset, line in lines:
        for key, at in read_times(line, keys):
            offsets = frames.setdefault(key, [])
            if not offsets or offsets[-1] != offset:
                offsets.append(offset)
            first, last = min(first or at, at), max(last, at)
    rows = (f"{key}\t{' '.join(map(str, frames[key]))}\n" for key in sorted(frames))
    head = json.dumps({"first_at": first, "last_at": last}) + "\n"
    scratch = segment.with_name(segment.name + ".new")
    scratch.write_text(head + "".join(rows), encoding="utf-8")
    scratch.replace(index_of(segment))


def span(segment: Path) -> Span | None:
    """When its readings occurred; None while it has no index."""
    try:
        with index_of(segment).open(encoding="utf-8") as file:
            head = json.loads(file.readline())
        return Span(int(head["first_at"]), int(head["last_at"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def offsets(segment: Path, key: str) -> list[int] | None:
    """The frames that name a tag, in order; None while there is no index."""
    try:
        data = index_of(segment).read_bytes()
    except OSError:
        return None
    start = data.find(b"\n%s\t" % key.encode())
    if start < 0:
        return []
    end = data.find(b"\n", start + 1)
    return [int(place) for place in data[start + 1 : end].partition(b"\t")[2].split()]
