"""Tags that are there twice: two places too soon after each other, or two chip numbers.

A bounded memory of where each tag was heard last and of chip numbers told to the book lately.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TypeVar

from msgspec import UNSET

from contracts.v1 import Observation
from core.application.ports.tags import Suspicion
from core.application.ports.tracking import PositionRow
from core.domain.travel import Sighting, Spot, Travel
from gateway.group import Message
from gateway.readings import Tags
from gateway.registry import Registry

T = TypeVar("T")
_TID = attrgetter("tid")
MAX_KEYS = 200_000
CHIP_KEPT_US = 10_000_000


@dataclass(slots=True)
class Doubts:
    """What a group says: tags under suspicion, and chip numbers that the book shall compare."""

    suspicions: dict[str, Suspicion] = field(default_factory=dict)
    chips: dict[str, list[str]] = field(default_factory=dict)


class Sightings:
    """One cell's memory of tags; times of readings are the agents', `at` is a monotonic clock."""

    def __init__(self) -> None:
        self._last: dict[str, Sighting] = {}
        self._chips: dict[str, tuple[str, int]] = {}

    def restore(self, positions: Iterable[PositionRow], spots: Mapping[str, Spot]) -> None:
        """Where the book says that tags were heard last, for a gateway that starts."""
        for row in positions:
            spot = spots.get(row.read_point or "")
            if spot is not None and row.subject not in self._last:
                self._last[row.subject] = Sighting(spot, row.since, row.last_seen_at)

    def judge(self, messages: Iterable[Message], registry: Registry, *, at: int) -> Doubts:
        """Take a group's readings into memory; what they say against each other."""
        doubts, travel = Doubts(), registry.travel
        for message in messages:
            if travel is None and not _tells_chips(message):
                continue
            agent = message.stream.agent
            for read, seen, _ in message.readings:
                if seen is None or seen.hold is not None or not isinstance(read, Observation):
                    continue
                if read.tid is not UNSET:
                    self._chip(seen.key, read.tid.upper(), doubts, at)
                if travel is not None and read.antenna is not None:
                    spot = registry.spots.get((agent, read.device, read.antenna))
                    if spot is not None:
                        first = read.occurred_at if read.first_at is UNSET else read.first_at
                        last = read.occurred_at if read.last_at is UNSET else read.last_at
                        self._place(seen.key, Sighting(spot, first, last), travel, doubts)
        return doubts

    def _chip(self, key: str, tid: str, doubts: Doubts, at: int) -> None:
        known, until = self._chips.get(key, ("", 0))
        told = doubts.chips.get(key)
        if until > at and tid == known:
            return
        if told is None:
            told = doubts.chips[key] = [known] if until > at else []
        if tid not in told:
            told.append(tid)
        if until <= at:
            self._chips.pop(key, None)
            self._chips[key] = (tid, at + CHIP_KEPT_US)
            _bound(self._chips)

    def _place(self, key: str, now: Sighting, travel: Travel, doubts: Doubts) -> None:
        before = self._last.get(key)
        if before is not None and before.spot == now.spot:
            now = Sighting(
                now.spot, min(before.first_at, now.first_at), max(before.last_at, now.last_at)
            )
        elif before is not None and travel.is_too_soon(before, now):
            facts = {
                "from": before.spot.name,
                "to": now.spot.name,
                "seconds": round(travel.gap_s(before, now), 1),
                "soonest_seconds": round(travel.soonest_s(before.spot, now.spot), 1),
            }
            doubts.suspicions.setdefault(key, Suspicion(key, "travel", facts))
        if before is None or now.last_at >= before.last_at:
            self._last.pop(key, None)
            self._last[key] = now
            _bound(self._last)


def _tells_chips(message: Message) -> bool:
    """Whether any of its tags came with a chip number."""
    found = message.readings
    return not isinstance(found, Tags) or set(map(_TID, found.reads)) != {UNSET}


def _bound(memory: dict[str, T]) -> None:
    """Forget the oldest entry beyond the bound."""
    if len(memory) > MAX_KEYS:
        del memory[next(iter(memory))]
