"""Lines that wait on disk while the server is away: segments in order, capped, oldest dropped.

A segment is deleted after its lines are stored or dead-lettered; writing a line twice is harmless.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SEGMENT_LINES = 1_000
SUFFIX = ".lines"
DEAD_FILE, DEAD_OLDER = "dead.txt", "dead.1.txt"
DEAD_BYTES = 4 * 1024 * 1024


@dataclass(slots=True)
class Segment:
    """One file: its number, its complete lines and their bytes."""

    number: int
    lines: int
    size: int


class Spool:
    """A directory of segments that belongs to one process."""

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = path
        self._max_bytes = max_bytes
        self._segments = deque(self._found())
        self._next = self._segments[-1].number + 1 if self._segments else 1
        self.lines = sum(segment.lines for segment in self._segments)
        self.size = sum(segment.size for segment in self._segments)

    def _found(self) -> list[Segment]:
        found = []
        for path in sorted(self._path.glob(f"*{SUFFIX}")):
            if not path.stem.isdecimal():
                continue
            data = path.read_bytes()
            # A crash may have left half a line at the end.
            whole = data.rfind(b"\n") + 1
            if whole < len(data):
                os.truncate(path, whole)
            if whole == 0:
                path.unlink()
                continue
            found.append(Segment(int(path.stem), data.count(b"\n"), whole))
        return sorted(found, key=lambda segment: segment.number)

    def _file(self, segment: Segment) -> Path:
        return self._path / f"{segment.number:012d}{SUFFIX}"

    def append(self, lines: Sequence[str]) -> int:
        """Keep lines behind the others; how many (the oldest) were dropped for the cap.

        Raises `OSError` when nothing was kept.
        """
        if not lines:
            return 0
        data = "".join(f"{text}\n" for text in lines).encode()
        last = self._segments[-1] if self._segments else None
        if last is None or last.lines + len(lines) > SEGMENT_LINES:
            last = Segment(self._next, 0, 0)
        self._write(last, data)
        if last.size == 0:
            self._segments.append(last)
            self._next += 1
        last.lines += len(lines)
        last.size += len(data)
        self.lines += len(lines)
        self.size += len(data)
        dropped = 0
        while self.size > self._max_bytes and self._segments:
            dropped += self._remove(self._segments[0])
        return dropped

    def _write(self, segment: Segment, data: bytes) -> None:
        path = self._file(segment)
        try:
            with path.open("ab", buffering=0) as file:
                written = file.write(data)
            if written != len(data):
                raise OSError("the disk is full")
        except OSError:
            if path.exists():
                os.truncate(path, segment.size)
            raise

    def oldest(self) -> list[str]:
        """The lines of the first segment; none when nothing waits. Raises `OSError`."""
        if not self._segments:
            return []
        data = self._file(self._segments[0]).read_bytes()[: self._segments[0].size]
        return data.decode(errors="replace").split("\n")[:-1]

    def settle(self, rest: Sequence[str] = ()) -> None:
        """The first segment is done, except for `rest`. Raises `OSError`, then nothing changed."""
        first = self._segments[0]
        if not rest:
            self._remove(first)
            return
        data = "".join(f"{text}\n" for text in rest).encode()
        path = self._file(first)
        draft = path.with_suffix(".draft")
        draft.write_bytes(data)
        draft.replace(path)
        self.lines += len(rest) - first.lines
        self.size += len(data) - first.size
        first.lines, first.size = len(rest), len(data)

    def give_up(self) -> int:
        """Drop the first segment, which cannot be read; how many lines it had."""
        return self._remove(self._segments[0])

    def _remove(self, segment: Segment) -> int:
        # A file that stays is sent again after a restart, which does no harm.
        with contextlib.suppress(OSError):
            self._file(segment).unlink()
        self._segments.remove(segment)
        self.lines -= segment.lines
        self.size -= segment.size
        return segment.lines

    def bury(self, text: str) -> None:
        """Keep a line that the server refuses, for somebody to read; the newest few MiB of them."""
        path = self._path / DEAD_FILE
        if path.exists() and path.stat().st_size > DEAD_BYTES:
            path.replace(self._path / DEAD_OLDER)
        with path.open("a", encoding="utf-8") as file:
            file.write(text + "\n")
