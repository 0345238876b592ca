"""What a drained group is: its accepted messages, dead letters, steps of cursors and answers.

Nothing here changes the book or the cursors in memory; a commit does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import attrgetter, itemgetter

from contracts.gs1.epc import Seen
from contracts.v1 import AgentStatus
from core.application.ports.tracking import CursorAdvance, DeadLetter, StreamKey
from gateway.archive import Entry
from gateway.messages import Arrival
from gateway.readings import Accepted, Tags

_FIRST, _SECOND = itemgetter(0), itemgetter(1)
_DEVICE = attrgetter("device")


@dataclass(frozen=True)
class Message:
    """An accepted message at its place, with the readings that count."""

    stream: StreamKey
    seq: int
    kind: str
    readings: Accepted
    received_at: int
    at: int

    @cached_property
    def devices(self) -> Counter[str]:
        """How many of the readings by device."""
        found = self.readings
        reads = found.reads if isinstance(found, Tags) else map(_FIRST, found)
        return Counter(map(_DEVICE, reads))

    @property
    def identities(self) -> Sequence[Seen]:
        """What the tags among the readings stand for, in their order."""
        found = self.readings
        if isinstance(found, Tags):
            return found.identities
        return tuple(filter(None, map(_SECOND, found)))


@dataclass(slots=True)
class Group:
    """What one group would do. `answers`: cursors to say, with a wait in ms where throttled."""

    messages: list[Message] = field(default_factory=list)
    replayed: list[Message] = field(default_factory=list)
    statuses: list[tuple[AgentStatus, Arrival]] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    advances: dict[StreamKey, CursorAdvance] = field(default_factory=dict)
    answers: dict[StreamKey, int] = field(default_factory=dict)
    alarms: list[tuple[str, str]] = field(default_factory=list)
    belts: dict[str, int | None] = field(default_factory=dict)
    gaps: int = 0
    duplicates: int = 0

    def answer(self, stream: StreamKey, wait_ms: int = 0) -> None:
        """The cursor of this stream is to be said."""
        self.answers[stream] = max(wait_ms, self.answers.get(stream, 0))

    def figures(self) -> dict[str, float]:
        """What the group was, in numbers."""
        return {
            "messages": len(self.messages),
            "readings": sum(len(message.readings) for message in self.messages),
            "dead_letters": len(self.letters),
            "gaps": self.gaps,
            "duplicates": self.duplicates,
        }

    def tags(self) -> Collection[Seen]:
        """What the tags of all messages stand for, each once."""
        found: dict[int, Seen] = {}
        for message in self.messages:
            # They are cached: one tag is one object, and a number is hashed faster than its text.
            identities = message.identities
            found.update(zip(map(id, identities), identities, strict=True))
        return found.values()

    def reads(self) -> Counter[tuple[str, str]]:
        """How many readings by agent and device."""
        found: Counter[tuple[str, str]] = Counter()
        for message in self.messages:
            for device, count in message.devices.items():
                found[message.stream.agent, device] += count
        return found

    def advance(self, stream: StreamKey, seq: int, digest: bytes, **counts: int) -> None:
        """One more place of a stream is taken."""
        row = self.advances.get(stream)
        if row is None:
            row = CursorAdvance(agent=stream.agent, boot=stream.boot, seq=seq, digest=digest)
        counted = {name: getattr(row, name) + value for name, value in counts.items()}
        self.advances[stream] = replace(row, seq=seq, digest=digest, **counted)
