"""The Sparkplug B driver: one edge node and its devices as sensors and outputs, over a broker.

The node is asked for its birth on every connection and after every gap, never in a storm. An output
is switched when the node's own data tells the new value.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from typing import Final

from contracts.bus import Bus, BusUnavailableError, Delivery
from edge.drivers.broker import OpenBus, heard, subscribed
from edge.drivers.feed import Feed
from edge.drivers.points import Point, Told
from edge.drivers.port import (
    DriverNotice,
    FatalError,
    OutputTimeoutError,
    RawReading,
    TransientError,
)
from edge.drivers.sparkplug_node import NodeName, Place, SparkplugNode
from edge.drivers.sparkplug_payload import DataType, Metric, Payload, Raw, encode_payload
from edge.drivers.sparkplug_topic import command_topic, data_filters

REBIRTH: Final = "Node Control/Rebirth"
FIRST_REBIRTH_US: Final = 5_000_000
LAST_REBIRTH_US: Final = 300_000_000


@dataclass(frozen=True, slots=True)
class SparkplugConfig:
    """Which node, which metrics are sensors and which are outputs (by port number)."""

    group: str
    node: str
    points: Mapping[Place, Point]
    outputs: Mapping[int, Place] = field(default_factory=dict)
    connect_s: float = 5.0
    answer_s: float = 2.0


class Rebirths:
    """When a birth may be asked for: at once, then ever more rarely until one is heard."""

    def __init__(self) -> None:
        self._pause = FIRST_REBIRTH_US
        self._next: int | None = None

    def ask(self, at: int) -> bool:
        """Whether to ask now (and count it as asked); `at` is a monotonic clock."""
        if self._next is not None and at < self._next:
            return False
        self._next = at + self._pause
        self._pause = min(self._pause * 2, LAST_REBIRTH_US)
        return True

    def heard(self) -> None:
        """A birth came; the pause that is running still holds."""
        self._pause = FIRST_REBIRTH_US


class Memory:
    """What outlives a connection."""

    def __init__(self) -> None:
        self.told = Told()
        self.rebirths = Rebirths()


class SparkplugDriver:
    """A node behind the driver port."""

    def __init__(
        self,
        config: SparkplugConfig,
        *,
        open_bus: OpenBus,
        memory: Memory,
        now_us: Callable[[], int],
        mono_us: Callable[[], int],
    ) -> None:
        self._config = config
        self._open_bus = open_bus
        self._memory = memory
        self._now_us = now_us
        self._mono_us = mono_us
        self._stack: AsyncExitStack | None = None
        self._bus: Bus | None = None
        self._feed = Feed()
        self._node = self._fresh_node()
        self._changed = asyncio.Event()

    def _fresh_node(self) -> SparkplugNode:
        config = self._config
        name = NodeName(config.group, config.node)
        watch = frozenset(config.outputs.values())
        return SparkplugNode(name, config.points, told=self._memory.told, watch=watch)

    async def connect(self) -> None:
        """Broker and subscriptions; the birth is asked for and comes with the readings."""
        await self.close()
        config = self._config
        filters = data_filters(config.group, config.node)
        bus, self._stack = await subscribed(self._open_bus, filters, within_s=config.connect_s)
        self._bus, self._node, self._feed = bus, self._fresh_node(), Feed()
        self._feed.start(self._listen(bus, self._feed), name="sparkplug")

    async def readings(self) -> AsyncIterator[RawReading]:
        """Readings in the node's order; `TransientError` when the broker is lost."""
        if self._bus is None:
            raise TransientError("not connected")
        feed = self._feed
        if not self._node.complete:
            yield DriverNotice("lost", self._now_us(), "no birth heard yet")
        async for reading in feed.readings():
            yield reading

    async def set_output(self, port: int, *, state: bool) -> None:
        """Write a metric and wait until the node's data tells that value."""
        place = self._config.outputs.get(port)
        bus = self._bus
        if bus is None:
            raise TransientError("not connected")
        if place is None:
            raise FatalError(f"the node has no output {port}")
        try:
            async with asyncio.timeout(self._config.answer_s):
                await self._until(lambda: self._node.alive and place in self._node.values)
                await bus.publish(*self._command(place, state=state))
                await self._until(lambda: self._node.values.get(place) == state)
        except TimeoutError:
            raise OutputTimeoutError("the node did not confirm the output in time") from None
        except BusUnavailableError:
            raise TransientError("the broker did not take the command") from None

    async def close(self) -> None:
        """Leave the broker; safe at any time, also twice."""
        stack, self._stack, self._bus = self._stack, None, None
        await self._feed.stop()
        if stack is not None:
            await stack.aclose()

    async def _listen(self, bus: Bus, feed: Feed) -> None:
        await self._ask_for_birth(bus)
        async with aclosing(heard(bus)) as deliveries:
            async for delivery in deliveries:
                if delivery is not None:
                    await self._take(delivery, feed)
                await self._ask_for_birth(bus)

    async def _take(self, delivery: Delivery, feed: Feed) -> None:
        readings = self._node.hear(
            delivery.topic, delivery.payload, self._now_us(), retained=delivery.retain
        )
        if not self._node.rebirth:
            self._memory.rebirths.heard()
        self._changed.set()
        for reading in readings:
            await feed.put(reading)

    async def _ask_for_birth(self, bus: Bus) -> None:
        if not self._node.rebirth or not self._memory.rebirths.ask(self._mono_us()):
            return
        try:
            await bus.publish(*self._command(("", REBIRTH), state=True))
        except BusUnavailableError:
            # Asked again after the pause; a lost connection is told by the caller.
            return

    def _command(self, place: Place, *, state: bool) -> tuple[str, bytes]:
        device, name = place
        ms = self._now_us() // 1000
        metric = Metric(name=name, timestamp=ms, datatype=DataType.BOOLEAN, raw=Raw(14, state))
        topic = command_topic(self._config.group, self._config.node, device)
        return topic, encode_payload(Payload(ms, (metric,)))

    async def _until(self, happened: Callable[[], bool]) -> None:
        while not happened():
            self._changed.clear()
            await self._changed.wait()
