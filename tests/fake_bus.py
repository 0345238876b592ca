"""A lossy bus in virtual time and a model of the gateway's cursor, for the edge's tests.

The network loses, doubles, delays and reorders; the model applies `seq == cursor + 1` and no other.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from contracts import topics
from contracts.bus import BusUnavailableError, Delivery
from contracts.v1 import Cursor

T0 = 1_795_000_000_000_000


@dataclass(frozen=True, slots=True)
class Faults:
    """Chances per message, and the longest delay."""

    loss: float = 0.0
    doubled: float = 0.0
    refused: float = 0.0
    delay_us: int = 0


class Clock:
    """Virtual time: monotonic from 0, wall clock from T0."""

    def __init__(self) -> None:
        self.at = 0

    def mono_us(self) -> int:
        return self.at

    def now_us(self) -> int:
        return T0 + self.at


class FakeBus:
    """One agent's connection; hands what it carries to `gateway` and `agent` when it is due."""

    def __init__(self, *, clock: Clock, rng: random.Random, faults: Faults) -> None:
        self._clock = clock
        self._rng = rng
        self._faults = faults
        self._flying: list[tuple[int, int, bool, str, bytes]] = []
        self._count = 0
        self.connected = True
        self.connects = 1
        self.discarded = 0
        self.sent: list[tuple[str, bytes]] = []
        self.gateway: Callable[[str, bytes], None] = lambda topic, payload: None
        self.agent: Callable[[str, bytes], None] = lambda topic, payload: None

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        if not self.connected or self._rng.random() < self._faults.refused:
            raise BusUnavailableError("away")
        self.sent.append((topic, payload))
        self._fly(topic, payload, up=True)

    def answer(self, topic: str, payload: bytes) -> None:
        self._fly(topic, payload, up=False)

    def _fly(self, topic: str, payload: bytes, *, up: bool) -> None:
        copies = 0 if self._rng.random() < self._faults.loss else 1
        copies += self._rng.random() < self._faults.doubled
        for _ in range(copies):
            self._count += 1
            due = self._clock.at + self._rng.randint(0, self._faults.delay_us)
            heapq.heappush(self._flying, (due, self._count, up, topic, payload))

    def carry(self) -> None:
        """Deliver what is due."""
        while self._flying and self._flying[0][0] <= self._clock.at:
            _, _, up, topic, payload = heapq.heappop(self._flying)
            if up:
                self.gateway(topic, payload)
            elif self.connected:
                self.agent(topic, payload)

    def cut(self) -> None:
        """The connection breaks; what flies is lost or arrives late."""
        self.connected = False

    def heal(self) -> None:
        self.connected = True
        self.connects += 1

    async def subscribe(self, topics: Sequence[str]) -> None:
        return

    async def deliveries(self) -> AsyncIterator[Delivery]:
        for _ in ():
            yield _


class Header(msgspec.Struct):
    """What the model reads of a message."""

    schema: str
    boot: int
    seq: int
    reads: list[dict[str, object]] = []
    sensors: list[dict[str, object]] = []


@dataclass
class ModelGateway:
    """Cursors per boot and what was applied, in order; `takes_all` is the control."""

    bus: FakeBus
    clock: Clock
    site: str = "demo"
    agent: str = "dock-1"
    takes_all: bool = False
    cursors: dict[int, int] = field(default_factory=dict)
    applied: list[tuple[int, int, list[dict[str, object]]]] = field(default_factory=list)
    again: list[int] = field(default_factory=list)
    boots: set[int] = field(default_factory=set)
    retry_after_ms: int = 0

    def hear(self, topic: str, payload: bytes) -> None:
        message = msgspec.json.decode(payload, type=Header)
        place = topics.parse_up(topic)
        if place is None or not message.schema.startswith(place.kind):
            raise ValueError("topic and schema differ")
        self.boots.add(message.boot)
        cursor = self.cursors.setdefault(message.boot, 0)
        if place.kind != "status":
            if message.seq == cursor + 1 or self.takes_all:
                self.cursors[message.boot] = max(cursor, message.seq)
                self.applied.append((message.boot, message.seq, message.reads + message.sensors))
            elif message.seq <= cursor:
                self.again.append(message.seq)
        self.say(message.boot)

    def say(self, boot: int) -> None:
        cursor = Cursor(
            schema="cursor.v1",
            site=self.site,
            agent=self.agent,
            boot=boot,
            seq=self.cursors.get(boot, 0),
            sent_at=self.clock.now_us(),
            newest_boot=max(self.boots, default=0),
        )
        if self.retry_after_ms:
            cursor = msgspec.structs.replace(cursor, retry_after_ms=self.retry_after_ms)
        topic = topics.down(self.site, self.agent, "cursor")
        self.bus.answer(topic, msgspec.json.encode(cursor))
