"""Evidence archive: accepted messages as they came, one zstd frame a group, one segment an hour.

A frame is on disk before its group commits: readers drop doubles and what lies beyond the cursor.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import msgspec
import zstandard

from core.domain.errors import Unavailable

HOUR_US = 3_600_000_000
LEVEL = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted message; `payload` is what the agent published."""

    agent: str
    boot: int
    seq: int
    received_at: int
    payload: bytes


class Line(msgspec.Struct, frozen=True):
    """An archived message as it stands in a segment."""

    agent: str
    boot: int
    seq: int
    received_at: int
    message: msgspec.Raw


_lines = msgspec.json.Encoder()


def encode_frame(entries: Sequence[Entry], compressor: zstandard.ZstdCompressor) -> bytes:
    """The lines of one group as one zstd frame."""
    text = b"".join(
        _lines.encode(Line(e.agent, e.boot, e.seq, e.received_at, _document(e.payload))) + b"\n"
        for e in entries
    )
    return compressor.compress(text)


def _document(payload: bytes) -> msgspec.Raw:
    """The message itself; one that is no JSON stands as its bytes in base64."""
    if b"\n" not in payload:
        try:
            msgspec.json.decode(payload, type=msgspec.Raw)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            pass
        else:
            return msgspec.Raw(payload)
    coded = base64.b64encode(payload).decode()
    return msgspec.Raw(json.dumps({"bytes": coded}).encode())


def segment_name(hour: int, *, cell: str, epoch: int) -> str:
    """`{hour}-{cell}-{epoch}.jsonl.zst`, the hour as UTC digits."""
    stamp = time.strftime("%Y%m%dT%H", time.gmtime(hour * 3600))
    return f"{stamp}-{cell}-{epoch}.jsonl.zst"


class ArchiveUnwritable(Unavailable):
    """The disk did not take the evidence of a group, which therefore must not be committed."""


class Archive:
    """The writer of one holder of one cell; a new epoch writes new segments."""

    def __init__(
        self,
        directory: Path,
        *,
        site: str,
        cell: str,
        epoch: int,
        on_close: Callable[[Path], None] = lambda segment: None,
        retention_hours: int = 24 * 30,
    ) -> None:
        self._directory = directory / site
        self._cell = cell
        self._epoch = epoch
        self._on_close = on_close
        self._retention = retention_hours
        self._compressor = zstandard.ZstdCompressor(level=LEVEL)
        self._hour: int | None = None
        self._file: FileIO | None = None
        self.bytes_written = 0

    def append(self, entries: Sequence[Entry], *, now: int) -> None:
        """Write one group and hand it to the disk, before the group's commit.

        Raises `ArchiveUnwritable`; then nothing of the group stands in the archive.
        """
        if not entries:
            return
        frame = encode_frame(entries, self._compressor)
        try:
            file = self._segment(now // HOUR_US)
            end = file.seek(0, os.SEEK_END)
            try:
                rest = memoryview(frame)
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(file.fileno())
            except OSError:
                file.truncate(end)
                raise
        except OSError as failure:
            raise ArchiveUnwritable("the evidence archive cannot be written") from failure
        self.bytes_written += len(frame)

    def _segment(self, hour: int) -> FileIO:
        if self._file is None or hour != self._hour:
            return self._roll(hour)
        return self._file

    def _roll(self, hour: int) -> FileIO:
        self.close()
        self._directory.mkdir(parents=True, exist_ok=True)
        name = segment_name(hour, cell=self._cell, epoch=self._epoch)
        # Unbuffered: what a full disk refused must not be written later.
        self._file = (self._directory / name).open("ab", buffering=0)
        self._hour = hour
        self._expire(hour)
        return self._file

    def _expire(self, hour: int) -> None:
        oldest = time.strftime("%Y%m%dT%H", time.gmtime((hour - self._retention) * 3600))
        for path in self._directory.iterdir():
            if ".jsonl.zst" in path.name and path.name[: len(oldest)] < oldest:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """End the open segment and index it."""
        if self._file is not None:
            path = Path(self._file.name)
            self._file.close()
            self._file = None
            self._on_close(path)
