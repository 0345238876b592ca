"""Outputs of one device: brings its light, its GPOs and its diverter to what was ordered.

The light is a level, the newest wins; GPO orders are done in their order, or told expired.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from contracts.v1 import Colour
from edge.drivers.port import Driver, FatalError, OutputTimeoutError, TransientError

log = logging.getLogger(__name__)

MAX_ORDERS = 64
# A diverter is held this long for its load, then let go.
DIVERT_US = 1_500_000
# A lamp or a release that was not confirmed is tried again after this.
RETRY_US = 1_000_000

Result = Literal["done", "refused", "expired"]
COLOURS: tuple[Colour, ...] = ("green", "amber", "red")


@dataclass(frozen=True, slots=True)
class Order:
    """One GPO to switch until a deadline; a pulse is let go again after `hold_us`."""

    port: int
    state: bool
    deadline: int
    done: Callable[[Result], None]
    hold_us: int | None = None


class Outputs:
    """What a device's outputs should be and what they were last set to."""

    def __init__(
        self, *, device: str, light: Mapping[Colour, int], mono_us: Callable[[], int]
    ) -> None:
        self._device = device
        self._light = dict(light)
        self._mono_us = mono_us
        self._driver: Driver | None = None
        self._wanted: Colour = "amber"
        self._shown: dict[int, bool] = {}
        self._orders: deque[Order] = deque()
        self._held: dict[int, int] = {}
        self._light_due: int | None = None
        self.wake = asyncio.Event()

    @property
    def has_light(self) -> bool:
        """Whether a stack light hangs on this device."""
        return bool(self._light)

    def attach(self, driver: Driver | None) -> None:
        """The device came (its outputs are unknown then) or went."""
        self._driver = driver
        self._shown.clear()
        self._light_due = None
        self.wake.set()

    def show(self, colour: Colour) -> None:
        """Want a colour."""
        if colour != self._wanted:
            self._wanted = colour
            self._light_due = None
            self.wake.set()

    def order(self, order: Order) -> None:
        """Queue a GPO order; refused when too many wait."""
        if len(self._orders) >= MAX_ORDERS:
            order.done("refused")
            return
        self._orders.append(order)
        self.wake.set()

    async def step(self, at: int) -> None:
        """Do what can be done now."""
        driver = self._driver
        while self._orders and self._orders[0].deadline <= at:
            self._orders.popleft().done("expired")
        if driver is None:
            return
        try:
            if self._light_due is None or self._light_due <= at:
                await self._light_up(driver)
            while self._orders:
                await self._apply(driver, self._orders.popleft())
            for port in [p for p, until in self._held.items() if until <= at]:
                await self._release(driver, port)
        except TransientError:
            if self._driver is driver:
                self._driver = None
            log.warning("output_failed", extra={"device": self._device})
        except FatalError:
            self._light = {}
            log.error("light_port_missing", extra={"device": self._device})

    async def _light_up(self, driver: Driver) -> None:
        try:
            await self._apply_light(driver)
        except OutputTimeoutError:
            self._light_due = self._mono_us() + RETRY_US
            self._warn_late("light")
        else:
            self._light_due = None

    async def _release(self, driver: Driver, port: int) -> None:
        try:
            await driver.set_output(port, state=False)
        except OutputTimeoutError:
            self._held[port] = self._mono_us() + RETRY_US
            self._warn_late("release", port)
        else:
            del self._held[port]

    def _warn_late(self, what: str, port: int | None = None) -> None:
        extra = {"device": self._device, "what": what, "port": port}
        log.warning("output_unconfirmed", extra=extra)

    async def _apply_light(self, driver: Driver) -> None:
        # The wanted lamp first: what a person must see does not wait for the others to go out.
        wanted = self._wanted
        lamps = sorted(self._light.items(), key=lambda lamp: lamp[0] != wanted)
        for colour, port in lamps:
            state = colour == wanted
            if self._shown.get(port) is not state:
                await driver.set_output(port, state=state)
                self._shown[port] = state
        if self._wanted != wanted:
            self.wake.set()

    async def _apply(self, driver: Driver, order: Order) -> None:
        if order.deadline <= self._mono_us():
            order.done("expired")
            return
        try:
            await self._in_time(driver, order)
        except FatalError:
            order.done("refused")
        except OutputTimeoutError:
            # It may have switched all the same, so a pulse is let go.
            self._hold(order)
            self._warn_late("order", order.port)
            order.done("expired")
        except TransientError:
            self._orders.appendleft(order)
            raise
        else:
            self._hold(order)
            order.done("done")

    async def _in_time(self, driver: Driver, order: Order) -> None:
        left_us = order.deadline - self._mono_us()
        try:
            async with asyncio.timeout(left_us / 1e6):
                await driver.set_output(order.port, state=order.state)
        except TimeoutError:
            raise OutputTimeoutError("not confirmed before its deadline") from None

    def _hold(self, order: Order) -> None:
        if order.hold_us is not None:
            self._held[order.port] = self._mono_us() + order.hold_us

    def due(self) -> int | None:
        """When a pulse ends, an order expires or the light is tried again."""
        times = [*self._held.values()] if self._driver is not None else []
        if self._driver is not None and self._light_due is not None:
            times.append(self._light_due)
        times += [order.deadline for order in self._orders]
        return min(times, default=None)

    async def run(self) -> None:
        """Bring the outputs up to date whenever something changes."""
        while True:
            self.wake.clear()
            await self.step(self._mono_us())
            due = self.due()
            delay = None if due is None else max(due - self._mono_us(), 1000) / 1e6
            try:
                async with asyncio.timeout(delay):
                    await self.wake.wait()
            except TimeoutError:
                continue
