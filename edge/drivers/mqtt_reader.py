"""Readers that publish JSON: one client subscribes to a device's topics and decodes what comes.

The topic owns the device: most payloads name nobody. Silence is no fault; a lost broker is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import Final

from contracts.bus import Bus, Delivery
from edge.drivers.broker import OpenBus, heard, subscribed
from edge.drivers.feed import Feed
from edge.drivers.formats import Decoder
from edge.drivers.port import DriverNotice, FatalError, RawReading, TransientError
from edge.drivers.refusals import Refused

# A device that sends nothing but faults is told once per this time, with how many there were.
NOTICE_US: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class MqttReaderConfig:
    """The topic filters of one device."""

    topics: tuple[str, ...]
    connect_s: float = 5.0


class MqttReader:
    """A publishing device behind the driver port. `decoder` outlives connections: its sums and
    event numbers belong to the device."""

    def __init__(
        self,
        config: MqttReaderConfig,
        *,
        decoder: Decoder,
        open_bus: OpenBus,
        now_us: Callable[[], int],
    ) -> None:
        self._config = config
        self._decoder = decoder
        self._open_bus = open_bus
        self._now_us = now_us
        self._stack: AsyncExitStack | None = None
        self._feed = Feed()
        self._told_at: dict[str, int] = {}
        self.refused: dict[str, int] = {}

    async def connect(self) -> None:
        """Broker and subscription; a silent device is connected too."""
        await self.close()
        config = self._config
        bus, self._stack = await subscribed(
            self._open_bus, config.topics, within_s=config.connect_s
        )
        self._feed = Feed()
        self._feed.start(self._listen(bus, self._feed), name="mqtt reader")
        # The task takes its work over; else a close at once would leave it unawaited.
        await asyncio.sleep(0)

    async def readings(self) -> AsyncIterator[RawReading]:
        """Readings in arrival order; `TransientError` when the broker is lost."""
        if self._stack is None:
            raise TransientError("not connected")
        yield DriverNotice("connected", self._now_us())
        async for reading in self._feed.readings():
            yield reading

    async def set_output(self, port: int, *, state: bool) -> None:
        """These devices are only listened to."""
        if self._stack is None:
            raise TransientError("not connected")
        raise FatalError(f"the device has no output {port}")

    async def close(self) -> None:
        """Leave the broker; safe at any time, also twice."""
        stack, self._stack = self._stack, None
        await self._feed.stop()
        if stack is not None:
            await stack.aclose()

    async def _listen(self, bus: Bus, feed: Feed) -> None:
        discarded = bus.discarded
        async with aclosing(heard(bus)) as deliveries:
            async for delivery in deliveries:
                if bus.discarded != discarded:
                    discarded = bus.discarded
                    lost = f"{discarded} messages were not taken in time"
                    await feed.put(DriverNotice("overflow", self._now_us(), lost))
                for reading in [] if delivery is None else self._taken(delivery):
                    await feed.put(reading)

    def _taken(self, delivery: Delivery) -> list[RawReading]:
        at = self._now_us()
        readings: list[RawReading] = []
        items = (
            [Refused("E_RETAINED")]
            if delivery.retain
            else self._decoder.decode(delivery.payload, at, delivery.topic)
        )
        for item in items:
            if not isinstance(item, Refused):
                readings.append(item)
                continue
            total = self.refused[item.code] = self.refused.get(item.code, 0) + 1
            # What is expected on the topic is counted only; a fault is told, not flooded.
            told = self._told_at.get(item.code)
            if item.code.startswith("E_") and (told is None or at - told >= NOTICE_US):
                self._told_at[item.code] = at
                detail = f"{item.code} ({total} so far): {item.sentence}"
                readings.append(DriverNotice("bad_frame", at, detail))
        return readings
