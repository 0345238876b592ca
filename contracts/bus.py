"""The message bus as the roles see it: publish, subscribe, deliveries. No client library here.

A bus may lose, repeat and reorder; nothing above may depend on what it keeps: the cursor decides.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from msgspec import Struct


class Delivery(Struct, frozen=True):
    """One message as it arrived."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


class Publisher(Protocol):
    """What a sender needs of a bus."""

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand one message over with QoS 1; returns once the broker has taken it.

        Raises `BusUnavailable` when there is no connection or the broker refuses.
        """


class Bus(Publisher, Protocol):
    """A connection that reconnects by itself; iterate `deliveries()` for what arrives."""

    async def subscribe(self, topics: Sequence[str]) -> None:
        """Ask for these filters now and after every reconnect."""

    def deliveries(self) -> AsyncIterator[Delivery]:
        """Yield messages in arrival order; bounded, what is discarded beyond is counted."""

    @property
    def connected(self) -> bool:
        """Whether the broker is reachable right now."""

    @property
    def connects(self) -> int:
        """How often a connection was made; a rise tells a sender to go back to its cursor."""

    @property
    def discarded(self) -> int:
        """Messages dropped because the consumer was behind."""


class BusUnavailableError(Exception):
    """The broker cannot be reached or refused the message; try again later."""
