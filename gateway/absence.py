"""When a tag has left its zone: a window that adapts to how often this very tag is read.

The width is SMURF's (Jeffery et al., VLDB 2006): ln(1/DELTA) / p epochs, p the share of epochs that
read the tag. Silence is told by the reader's own clock: an agent that is cut off, or a backlog,
makes nobody leave.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
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


class Source(NamedTuple):
    """A reader, with a clock of its own."""

    agent: str
    device: str


class Heard(NamedTuple):
    """A tag heard in a zone, by the reader's time and its stream place."""

    key: str
    at: int
    source: Source
    read_point: str
    stream: StreamKey
    seq: int


@dataclass(slots=True)
class _Tag:
    last: Heard
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
        self._clocks: dict[Source, int] = {}
        self._due: defaultdict[Source, list[tuple[int, str]]] = defaultdict(list)
        self._reminders: defaultdict[Source, dict[str, int]] = defaultdict(dict)

    @property
    def waiting(self) -> int:
        """Reminders held: one for each tag and reader that heard it in the last window."""
        return sum(map(len, self._due.values()))

    def hear(self, heard: Heard) -> bool:
        """Take a sighting; True when the tag had left and is back."""
        source = heard.source
        if heard.at > self._clocks.get(source, 0):
            self._clocks[source] = heard.at
        tag = self._tags.get(heard.key)
        if tag is None:
            tag = self._tags[heard.key] = _Tag(heard)
            if len(self._tags) > MAX_TAGS:
                del self._tags[next(iter(self._tags))]
            self._wait(tag)
            return False
        silent = heard.at - tag.last.at
        if silent < 0 and not tag.lost:
            return False
        back, tag.lost = tag.lost, False
        moved = source != tag.last.source
        tag.last = heard
        if not back and silent >= EPOCH_US // 2:
            tag.gaps = min(tag.gaps + 1, GAPS_REMEMBERED)
            tag.mean_gap += (max(1.0, silent / EPOCH_US) - tag.mean_gap) / tag.gaps
        if back or moved or tag.gaps == LEAST_GAPS:
            self._wait(tag)
        return back

    def alive(self, agent: str, devices: Iterable[DeviceStatus], at: int) -> None:
        """By the agent's clock its live readers listen and nothing of theirs is under way."""
        for device in devices:
            if device.state == "live":
                source = Source(agent, device.device)
                self._clocks[source] = max(at, self._clocks.get(source, 0))

    def step(self) -> list[Heard]:
        """The tags that have left since the last call, as they were heard last."""
        gone = []
        for source, due in self._due.items():
            now = self._clocks.get(source, 0)
            while due and due[0][0] <= now:
                when, key = heapq.heappop(due)
                reminders = self._reminders[source]
                if reminders.get(key) != when:
                    continue
                del reminders[key]
                tag = self._tags.get(key)
                if tag is None or tag.lost or tag.last.source != source:
                    continue
                if tag.last.at + tag.window_us <= now:
                    tag.lost = True
                    gone.append(tag.last)
                else:
                    self._wait(tag)
        return gone

    def _wait(self, tag: _Tag) -> None:
        """Look again when the window ends; an earlier reminder of this reader serves as well."""
        source, key = tag.last.source, tag.last.key
        due = tag.last.at + tag.window_us
        reminders = self._reminders[source]
        if reminders.get(key, due + 1) > due:
            reminders[key] = due
            heapq.heappush(self._due[source], (due, key))
