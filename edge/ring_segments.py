"""The ring's room on the disk: one segment is written, the oldest goes; the spool comes first.

Written without fsync, so kill -9 loses nothing of it and a power cut may. On a full disk the ring
gives its room back and pauses; nothing here raises.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.failpoints import Hit
from edge.ring_file import Segment, opening, segment_path, segments

log = logging.getLogger(__name__)

MIB = 1024 * 1024
SEGMENTS = 16
LEAST_SEGMENT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept: bytes, microseconds, and the bytes left free on the disk for the spool,
    whose ballast is 4 MiB."""

    max_bytes: int = 64 * MIB
    max_age_us: int = 24 * 3_600_000_000
    keep_free: int = 16 * MIB


DEFAULT_BOUNDS = Bounds()


@dataclass(frozen=True, slots=True)
class _Closed:
    segment: Segment
    size: int
    written_at: int


class SegmentWriter:
    """Appends blocks; `paused` while the disk has no room for them."""

    def __init__(
        self,
        folder: Path,
        *,
        bounds: Bounds,
        now_us: Callable[[], int],
        hit: Hit,
    ) -> None:
        self._folder = folder
        self._devices: list[str] = []
        self._bounds = bounds
        self._segment_bytes = max(bounds.max_bytes // SEGMENTS, LEAST_SEGMENT)
        self._now_us = now_us
        self._hit = hit
        self._handle: int | None = None
        self._segment = Segment(0, folder)
        self._size = 0
        self._begun_at = 0
        self._closed: deque[_Closed] = deque()
        self._closed_bytes = 0
        self.paused = False
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
        for segment in segments(folder):
            self._note_closed(segment)

    @property
    def held_bytes(self) -> int:
        """The size of all segments."""
        return self._closed_bytes + self._size

    def name_devices(self, names: Sequence[str]) -> None:
        """The devices of the lines to come: a segment names its own at its start."""
        self._close_segment()
        self._devices = list(names)

    def write(self, block: bytes, *, first: int) -> bool:
        """Append a block whose first line has this number; whether the system has it whole."""
        if self.paused:
            return False
        if self._size + len(block) > self._segment_bytes:
            self._close_segment()
        self._hit("edge_before_ring")
        try:
            if self._handle is None:
                self._begin_segment(first)
            self._put(block)
        except OSError as error:
            self._pause(os.strerror(error.errno) if error.errno else str(error))
            return False
        self._hit("edge_after_ring")
        return True

    def _put(self, data: bytes) -> None:
        if self._handle is None or os.write(self._handle, data) < len(data):
            raise OSError("the disk took a part of a block")
        self._size += len(data)

    def _begin_segment(self, first: int) -> None:
        while self._closed and self._closed_bytes + self._segment_bytes > self._bounds.max_bytes:
            self._drop_oldest()
        path = segment_path(self._folder, first)
        # What has this name already holds no whole block: its lines would have been counted.
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o640)
        self._segment, self._size, self._begun_at = Segment(first, path), 0, self._now_us()
        self._put(opening(self._devices, at=self._begun_at))
        self._hit("edge_new_segment")

    def _close_segment(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle, self._size = None, 0
            self._note_closed(self._segment)

    def _note_closed(self, segment: Segment) -> None:
        with contextlib.suppress(FileNotFoundError):
            stat = segment.path.stat()
            self._closed.append(_Closed(segment, stat.st_size, stat.st_mtime_ns // 1000))
            self._closed_bytes += stat.st_size

    def _drop_oldest(self) -> None:
        oldest = self._closed.popleft()
        self._closed_bytes -= oldest.size
        with contextlib.suppress(OSError):
            oldest.segment.path.unlink()

    def _free(self) -> int:
        try:
            stat = os.statvfs(self._folder)
        except OSError:
            return 0
        return stat.f_bavail * stat.f_frsize

    def _pause(self, why: str) -> None:
        """A torn block ends its segment, and all room goes to the spool."""
        if not self.paused:
            log.error("ring_paused", extra={"why": why, "bytes": self.held_bytes})
        self.paused = True
        self._close_segment()
        self._give_way()

    def _give_way(self) -> bool:
        """Drop the oldest while the disk has too little room; whether it has enough."""
        while self._free() < self._bounds.keep_free:
            if not self._closed:
                return False
            self._drop_oldest()
        return True

    def tend(self) -> None:
        """Four times a second: keep the bounds, give way to the spool, come back."""
        now = self._now_us()
        if self._handle is not None and now - self._begun_at > self._bounds.max_age_us // 4:
            self._close_segment()
        while self._closed and now - self._closed[0].written_at > self._bounds.max_age_us:
            self._drop_oldest()
        if not self._give_way():
            if not self.paused:
                self._pause("the disk is nearly full")
        elif self.paused:
            self.paused = False
            log.warning("ring_resumed", extra={"bytes": self.held_bytes})

    def close(self) -> None:
        """Close what is open."""
        self._close_segment()
