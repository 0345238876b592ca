"""Reading the evidence archive: each message once, up to the cursor; a tag's readings by index."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from core.application.ports.tracking import StreamKey
from gateway import archive_index
from gateway.archive import HOUR_US, Line
from gateway.archive_index import Keys, Told, read_times, readings_of

RETENTION_HOURS = 24 * 30
# A reading is accepted up to seven days after it occurred.
LATE_HOURS = 24 * 7
PIECE = 1 << 16
_decoder = msgspec.json.Decoder(Line)
_MAGIC = b"\x28\xb5\x2f\xfd"


def hour_stamp(hour: int) -> str:
    """An hour since 1970 as it leads a segment's name."""
    return time.strftime("%Y%m%dT%H", time.gmtime(hour * 3600))


def frames(segment: Path) -> Iterator[tuple[int, bytes]]:
    """(offset, text) of each whole frame; a torn last frame is left out."""
    data = segment.read_bytes()
    offset = 0
    while data[offset : offset + len(_MAGIC)] == _MAGIC:
        unpacker = zstandard.ZstdDecompressor().decompressobj()
        pieces, end = [], offset
        try:
            while not unpacker.eof and end < len(data):
                pieces.append(unpacker.decompress(data[end : end + PIECE]))
                end += PIECE
        except zstandard.ZstdError:
            return
        if not unpacker.eof:
            return
        yield offset, b"".join(pieces)
        offset = min(end, len(data)) - len(unpacker.unused_data)


def lines(segment: Path) -> Iterator[tuple[int, Line]]:
    """(frame offset, line) of a segment in the order of writing."""
    for offset, text in frames(segment):
        for line in text.splitlines():
            yield offset, _decoder.decode(line)


def segments(directory: Path, *, site: str) -> list[Path]:
    """The site's segments, oldest hour first."""
    folder = directory / site
    return sorted(folder.glob("*.jsonl.zst"), key=_place) if folder.is_dir() else []


def _place(segment: Path) -> tuple[str, str, int]:
    hour, _, rest = segment.name.removesuffix(".jsonl.zst").partition("-")
    cell, _, epoch = rest.rpartition("-")
    return hour, cell, int(epoch) if epoch.isdigit() else 0


def archived(
    directory: Path, *, site: str, cursors: Mapping[StreamKey, int] | None = None
) -> Iterator[Line]:
    """Every archived message once, in the order of writing; beyond a given cursor, none."""
    last: dict[StreamKey, int] = {}
    for segment in segments(directory, site=site):
        for _, line in lines(segment):
            stream = StreamKey(line.agent, line.boot)
            beyond = cursors is not None and line.seq > cursors.get(stream, 0)
            if beyond or line.seq <= last.get(stream, 0):
                continue
            last[stream] = line.seq
            yield line


def write_index(segment: Path) -> None:
    """Beside a closed segment: when its readings occurred and each tag's frames."""
    archive_index.write(segment, lines(segment))


def find(segment: Path, epc_key: str) -> list[Line]:
    """The archived messages of a segment that name a tag, by its index where there is one."""
    keys = Keys()
    return [
        line
        for line in _candidates(segment, epc_key)
        if any(key == epc_key for key, _ in read_times(line, keys))
    ]


def _candidates(segment: Path, epc_key: str) -> Iterator[Line]:
    """Messages of the frames that the index names; all of them while there is none."""
    offsets = archive_index.offsets(segment, epc_key)
    if offsets is None:
        yield from (line for _, line in lines(segment))
        return
    with segment.open("rb") as file:
        for offset in offsets:
            file.seek(offset)
            unpacker = zstandard.ZstdDecompressor().decompressobj()
            text = b""
            while not unpacker.eof and (piece := file.read(PIECE)):
                text += unpacker.decompress(piece)
            yield from (_decoder.decode(line) for line in text.splitlines())


class ArchiveReader:
    """`Evidence` in the archive directory of one site."""

    def __init__(self, directory: Path, *, site: str, kept_us: int = RETENTION_HOURS * HOUR_US):
        self._directory = directory
        self._site = site
        self.kept_us = kept_us

    def observations(
        self,
        epc_key: str,
        *,
        since: int,
        until: int,
        cursors: Mapping[StreamKey, int],
        limit: int,
    ) -> list[dict[str, Any]]:
        """Readings of a tag that occurred from `since` up to `until`, in order of time."""
        keys, found, taken = Keys(), list[dict[str, Any]](), set[tuple[str, int, int]]()
        for segment in self._segments(since, until):
            for line in _candidates(segment, epc_key):
                place = (line.agent, line.boot, line.seq)
                beyond = line.seq > cursors.get(StreamKey(line.agent, line.boot), 0)
                if beyond or place in taken:
                    continue
                taken.add(place)
                found += [
                    _row(line, told)
                    for told in readings_of(line, epc_key, keys)
                    if since <= told.occurred_at < until
                ]
        found.sort(key=lambda row: (row["occurred_at"], row["agent"], row["seq"]))
        return found[:limit]

    def _segments(self, since: int, until: int) -> Iterator[Path]:
        """Segments that may hold readings of that time: they come late, never much too early."""
        first, last = hour_stamp(since // HOUR_US - 1), hour_stamp(until // HOUR_US + LATE_HOURS)
        for segment in segments(self._directory, site=self._site):
            if not first <= segment.name[: len(first)] <= last:
                continue
            span = archive_index.span(segment)
            if span is None or (span.first_at < until and span.last_at >= since):
                yield segment


def _row(line: Line, told: Told) -> dict[str, Any]:
    return {
        "agent": line.agent,
        "boot": line.boot,
        "seq": line.seq,
        "received_at": line.received_at,
        **told.reading,
    }
