"""After a start or a takeover: the readings of open passes are asked for again, into memory only.

Until they are here the agents' new messages wait; what does not come in time closes undecided.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from core.application.ports.tracking import OpenPass, StreamKey

Row = TypeVar("Row")
PATIENCE_US = 5_000_000
AGAIN_US = 1_000_000


@dataclass(slots=True)
class Range(Generic[Row]):
    """What is asked of one stream: places `from_seq` to `to_seq`; `next_seq` is the one due.

    `early` holds rows that overtook it: the broker promises order within one topic only.
    """

    from_seq: int
    to_seq: int
    next_seq: int
    early: dict[int, Row] = field(default_factory=dict)


class Rebuild(Generic[Row]):
    """The ranges still to come; `at` is a monotonic clock."""

    def __init__(self) -> None:
        self.ranges: dict[StreamKey, Range[Row]] = {}
        self._until = 0
        self._again_at = 0

    def begin(
        self, passes: Iterable[OpenPass], cursors: dict[StreamKey, int], *, at: int
    ) -> dict[StreamKey, int]:
        """What to ask for: first place per stream."""
        for standing in passes:
            stream = StreamKey(standing.agent, standing.boot)
            last = cursors.get(stream, 0)
            if standing.seq > last:
                continue
            found = self.ranges.setdefault(stream, Range(standing.seq, last, standing.seq))
            found.from_seq = found.next_seq = min(found.from_seq, standing.seq)
        self._until = at + PATIENCE_US
        self._again_at = at + AGAIN_US
        return {stream: wanted.from_seq for stream, wanted in self.ranges.items()}

    @property
    def waiting(self) -> frozenset[str]:
        """Agents whose memory is not whole yet."""
        return frozenset(stream.agent for stream in self.ranges)

    def take(self, stream: StreamKey, seq: int, row: Row) -> list[Row]:
        """The rows that are due now, in order; the last one ends the range."""
        wanted = self.ranges.get(stream)
        if wanted is None or not wanted.next_seq <= seq <= wanted.to_seq:
            return []
        wanted.early[seq] = row
        due = []
        while wanted.next_seq in wanted.early:
            due.append(wanted.early.pop(wanted.next_seq))
            wanted.next_seq += 1
        if wanted.next_seq > wanted.to_seq:
            del self.ranges[stream]
        return due

    def again(self, at: int) -> dict[StreamKey, int]:
        """What to ask for once more: the request, its answer or a part of it went astray."""
        if not self.ranges or at < self._again_at:
            return {}
        self._again_at = at + AGAIN_US
        return {stream: wanted.next_seq for stream, wanted in self.ranges.items()}

    def overdue(self, at: int) -> frozenset[str]:
        """Agents that did not answer in time; their ranges are given up."""
        if not self.ranges or at < self._until:
            return frozenset()
        late = self.waiting
        self.ranges.clear()
        return late
