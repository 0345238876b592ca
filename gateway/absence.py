"""When a tag has left its zone: a window that adapts to how often this very tag is read.

The width is SMURF's (Jeffery et al., VLDB 2006): ln(1/DELTA) / p epochs, p the share of epochs that
read the tag. Silence is told by the reader's own clock: an agent that is cut off, or a backlog,
makes nobody leave.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from contracts.v1 import DeviceStatus
from core.application.ports.tracking import StreamKey
from gateway.presence import ZONE

# A zone read point cuts its runs every 2 s. The paper's 0.05 is the risk of one window; a tag that
# stays for days opens thousands, so the risk of each is far smaller here.
EPOCH_US = 2_000_000
DELTA = 1e-4
SHORTEST_US = 10_000_000
LONGEST_US = ZONE.lost_us
GAPS_REMEMBERED = 32
LEAST_GAPS = 8
MAX_TAGS = 100_000
LATER = 1 << 62


class Source(NamedTuple):
    """A reader, with a clock of its own."""

    agent: str
    device: str


class Told(NamedTuple):
    """Where a sighting stands: its read point and its place in a stream."""

    read_point: str
    stream: StreamKey
    seq: int


class Gone(NamedTuple):
    """A tag that left its zone, as it was heard last by the reader's time."""

    key: str
    at: int
    source: Source
    told: Told


@dataclass(slots=True, eq=False)
class Reader:
    """A reader's clock, and when to look at which of its tags again."""

    source: Source
    clock: int = 0
    due: list[tuple[int, str]] = field(default_factory=list)
    reminders: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Tag:
    at: int
    reader: Reader
    told: Told
    gaps: int = 0
    mean_gap: float = 1.0
    lost: bool = False

    @property
    def window_us(self) -> int:
        """How long a silence this tag may keep; the longest until its rate is known."""
        if self.gaps < LEAST_GAPS:
            return LONGEST_US
        width = math.ceil(math.log(1 / DELTA) * self.mean_gap) * EPOCH_US
        return min(max(width, SHORTEST_US), LONGEST_US)


class Absence:
    """The tags of one cell's zones; bounded, the tag known longest is forgotten first."""

    def __init__(self) -> None:
        self._tags: dict[str, _Tag] = {}
        self._readers: dict[Source, Reader] = {}

    @property
    def waiting(self) -> int:
        """Reminders held: one for each tag and reader that heard it in the last window."""
        return sum(len(reader.due) for reader in self._readers.values())

    def reader(self, source: Source) -> Reader:
        """The memory of one reader."""
        found = self._readers.get(source)
        if found is None:
            found = self._readers[source] = Reader(source)
        return found

    def hear(self, key: str, at: int, reader: Reader, told: Told) -> bool:
        """Take a sighting; True when the tag had left and is back."""
        if at > reader.clock:
            reader.clock = at
        tag = self._tags.get(key)
        if tag is None:
            tag = self._tags[key] = _Tag(at, reader, told)
            if len(self._tags) > MAX_TAGS:
                del self._tags[next(iter(self._tags))]
            _wait(key, tag)
            return False
        silent = at - tag.at
        if silent < 0 and not tag.lost:
            return False
        back = tag.lost
        wait = back or reader is not tag.reader
        tag.at, tag.reader, tag.told = at, reader, told
        if back:
            tag.lost = False
        elif silent >= EPOCH_US // 2:
            if tag.gaps < GAPS_REMEMBERED:
                tag.gaps += 1
            tag.mean_gap += (max(1.0, silent / EPOCH_US) - tag.mean_gap) / tag.gaps
            wait = wait or tag.gaps == LEAST_GAPS
        # A reminder that rings before the shortest window ends serves any window.
        if wait and reader.reminders.get(key, LATER) > at + SHORTEST_US:
            _wait(key, tag)
        return back

    def alive(self, agent: str, devices: Iterable[DeviceStatus], at: int) -> None:
        """By the agent's clock its live readers listen and nothing of theirs is under way."""
        for device in devices:
            if device.state == "live":
                reader = self.reader(Source(agent, device.device))
                reader.clock = max(at, reader.clock)

    def step(self) -> list[Gone]:
        """The tags that have left since the last call, as they were heard last."""
        gone = []
        for reader in self._readers.values():
            now, due = reader.clock, reader.due
            while due and due[0][0] <= now:
                when, key = heapq.heappop(due)
                if reader.reminders.get(key) != when:
                    continue
                del reader.reminders[key]
                tag = self._tags.get(key)
                if tag is None or tag.lost or tag.reader is not reader:
                    continue
                if tag.at + tag.window_us <= now:
                    tag.lost = True
                    gone.append(Gone(key, tag.at, reader.source, tag.told))
                else:
                    _wait(key, tag)
        return gone


def _wait(key: str, tag: _Tag) -> None:
    """Look again when the window ends; an earlier reminder of this reader serves as well."""
    reader = tag.reader
    due = tag.at + tag.window_us
    if reader.reminders.get(key, LATER) > due:
        reader.reminders[key] = due
        heapq.heappush(reader.due, (due, key))
