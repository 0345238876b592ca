"""What both kinds of barcode scanner share: scans into a feed, typed notices for what is none.

A scan carries the agent's clock of the moment it was whole, and the code as the scanner sent it.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence

from edge.drivers.feed import Feed
from edge.drivers.port import DriverNotice, FatalError, RawReading, RawScan, TransientError
from edge.drivers.scan_lines import Repeats, ScanFormat, Unread


class ScanFeed:
    """The readings of one connected scanner."""

    def __init__(
        self, form: ScanFormat, *, now_us: Callable[[], int], mono_us: Callable[[], int]
    ) -> None:
        self._now_us = now_us
        self._mono_us = mono_us
        self._feed = Feed()
        self._repeats = Repeats(form)
        self._timer: asyncio.TimerHandle | None = None
        self._dropped = 0

    def take(self, found: Sequence[str | Unread]) -> None:
        """Hand on what was cut, in order."""
        for item in found:
            now = self._now_us()
            if isinstance(item, Unread):
                detail = f"{item.reason}: {item.data.hex().upper()}"
                self._offer(DriverNotice("bad_frame", now, detail))
            elif self._repeats.is_repeat(item, self._mono_us()):
                self._offer(DriverNotice("repeated_scan", now))
            else:
                self._offer(RawScan(item, now, now))

    def _offer(self, reading: RawReading) -> None:
        # Nobody scans ten thousand labels while the agent stands still; a stuck scanner may.
        if self._dropped:
            lost = f"{self._dropped} scans were not taken in time"
            if not self._feed.offer(DriverNotice("overflow", self._now_us(), lost)):
                self._dropped += 1
                return
            self._dropped = 0
        if not self._feed.offer(reading):
            self._dropped += 1

    def watch(self, due: int | None, expire: Callable[[], None]) -> None:
        """Call `expire` when the half scan that is held has waited too long."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due is not None:
            delay_s = max(due - self._mono_us(), 0) / 1e6
            self._timer = asyncio.get_running_loop().call_later(delay_s, expire)

    def end(self, reason: str) -> None:
        """The scanner went away."""
        self._feed.end(TransientError(reason))

    async def readings(self) -> AsyncIterator[RawReading]:
        """Scans in order; `TransientError` when the scanner is gone."""
        yield DriverNotice("connected", self._now_us())
        async for reading in self._feed.readings():
            yield reading

    async def stop(self) -> None:
        """Forget the timer and the feed."""
        if self._timer is not None:
            self._timer.cancel()
        await self._feed.stop()


class Scanner(ABC):
    """A scanner behind the driver port; a kind of it opens its source and reads it."""

    def __init__(
        self, form: ScanFormat, *, now_us: Callable[[], int], mono_us: Callable[[], int]
    ) -> None:
        self._form = form
        self._now_us = now_us
        self._mono_us = mono_us
        self._descriptor: int | None = None
        self._scans: ScanFeed | None = None

    def _begin(self, descriptor: int) -> None:
        """The source is open: its bytes become scans from now on."""
        self._descriptor = descriptor
        self._scans = ScanFeed(self._form, now_us=self._now_us, mono_us=self._mono_us)
        asyncio.get_running_loop().add_reader(descriptor, self._read)

    @abstractmethod
    def _read(self) -> None:
        """There are bytes, or the end of them."""

    @abstractmethod
    def _shut(self, descriptor: int) -> None:
        """Give the source back."""

    def _drop(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            asyncio.get_running_loop().remove_reader(descriptor)
            self._shut(descriptor)

    async def readings(self) -> AsyncIterator[RawReading]:
        """Scans in order; `TransientError` when the scanner is gone."""
        if self._scans is None:
            raise TransientError("not connected")
        async for reading in self._scans.readings():
            yield reading

    async def set_output(self, port: int, *, state: bool) -> None:
        """There is none."""
        if self._descriptor is None:
            raise TransientError("not connected")
        raise FatalError(f"the scanner has no output {port}")

    async def close(self) -> None:
        """Give the source back; safe at any time, also twice."""
        self._drop()
        scans, self._scans = self._scans, None
        if scans is not None:
            await scans.stop()
