"""Where each stream stands: the committed cursors, and how far a group would take them.

`seq` moves by one and never back; only a commit makes a step true.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from core.application.ports.tracking import CursorRow, StreamKey

Position = Literal["next", "duplicate", "conflict", "gap"]
_NEW = CursorRow(0, None)


class Streams:
    """The cursors of a cell's agents in memory; `begin` starts a group, `commit` makes it true."""

    def __init__(self, committed: Mapping[StreamKey, CursorRow]) -> None:
        self._committed = dict(committed)
        self._ahead: dict[StreamKey, CursorRow] = {}
        self._newest: dict[str, int] = {}
        for stream in self._committed:
            self._note(stream)

    def _note(self, stream: StreamKey) -> None:
        self._newest[stream.agent] = max(stream.boot, self._newest.get(stream.agent, 0))

    def begin(self) -> None:
        """Forget steps that were not committed."""
        self._ahead.clear()

    def position(self, stream: StreamKey, seq: int, digest: Callable[[], bytes]) -> Position:
        """Where a message of this stream falls, counting the steps of the group so far."""
        cursor = self._ahead.get(stream) or self._committed.get(stream, _NEW)
        if seq == cursor.seq + 1:
            return "next"
        if seq > cursor.seq:
            return "gap"
        if seq == cursor.seq and cursor.digest is not None and digest() != cursor.digest:
            return "conflict"
        return "duplicate"

    def step(self, stream: StreamKey, digest: bytes) -> int:
        """Take the next place in the group; returns its seq."""
        cursor = self._ahead.get(stream) or self._committed.get(stream, _NEW)
        self._ahead[stream] = CursorRow(cursor.seq + 1, digest)
        return cursor.seq + 1

    def commit(self) -> None:
        """The group is in the ledger."""
        for stream, cursor in self._ahead.items():
            self._committed[stream] = cursor
            self._note(stream)
        self._ahead.clear()

    def seq(self, stream: StreamKey) -> int:
        """The committed cursor, 0 for a new stream."""
        return self._committed.get(stream, _NEW).seq

    def newest_boot(self, agent: str) -> int:
        """The highest boot known of an agent, 0 for none."""
        return self._newest.get(agent, 0)

    def newest(self, agent: str) -> StreamKey:
        """The agent's newest stream; boot 1 when none is known."""
        return StreamKey(agent, self._newest.get(agent, 0) or 1)

    def is_new(self, stream: StreamKey) -> bool:
        """Whether nothing of this stream is in the ledger or in the group."""
        return stream not in self._committed and stream not in self._ahead
