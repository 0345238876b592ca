"""A broker in memory behind the `Bus` protocol: immediate, ordered, bounded; can be taken away."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Self

from contracts.bus import BusUnavailableError, Delivery


class MemoryBroker:
    """Passes messages among its buses while it is up; keeps nothing."""

    def __init__(self) -> None:
        self.up = True
        self._buses: list[MemoryBus] = []

    def bus(self, *, max_inbox: int = 5_000) -> MemoryBus:
        """A new client of this broker."""
        bus = MemoryBus(self, max_inbox)
        self._buses.append(bus)
        return bus

    def stop(self) -> None:
        """Every connection breaks and none can be made."""
        self.up = False

    def start(self) -> None:
        """Clients are connected again, with their subscriptions."""
        if not self.up:
            self.up = True
            for bus in self._buses:
                bus.connects += 1

    def route(self, delivery: Delivery) -> None:
        """Hand one message to every matching client."""
        for bus in self._buses:
            bus.offer(delivery)


class MemoryBus:
    """`contracts.bus.Bus` in memory."""

    def __init__(self, broker: MemoryBroker, max_inbox: int) -> None:
        self.connects = 1
        self.discarded = 0
        self._broker = broker
        self._max_inbox = max_inbox
        self._patterns: list[re.Pattern[str]] = []
        self._inbox: deque[Delivery] = deque()
        self._arrived = asyncio.Event()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._closed = True
        self._arrived.set()

    @property
    def connected(self) -> bool:
        """Whether the broker is up."""
        return self._broker.up

    async def subscribe(self, topics: Sequence[str]) -> None:
        """Ask for these filters."""
        for topic in topics:
            pattern = re.escape(topic).replace(r"\+", "[^/]+").replace(r"\#", ".*")
            self._patterns.append(re.compile(pattern.replace("#", ".*")))

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Deliver at once."""
        if not self._broker.up:
            raise BusUnavailableError("no connection to the broker")
        self._broker.route(Delivery(topic, payload, 1, retain))

    def offer(self, delivery: Delivery) -> None:
        """Take a message if it was asked for and there is room."""
        if not any(pattern.fullmatch(delivery.topic) for pattern in self._patterns):
            return
        if len(self._inbox) >= self._max_inbox:
            self.discarded += 1
            return
        self._inbox.append(delivery)
        self._arrived.set()

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Yield messages in arrival order until the bus is closed."""
        while True:
            while self._inbox:
                yield self._inbox.popleft()
            if self._closed:
                return
            self._arrived.clear()
            await self._arrived.wait()
