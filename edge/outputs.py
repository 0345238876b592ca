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
from edge.drivers.port import Driver, FatalError, TransientError

log = logging.getLogger(__name__)

MAX_ORDERS = 64
# A diverter is held this long for its load, then let go.
DIVERT_US = 1_500_000

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
        self.wake = asyncio.Event()

    @property
    def has_light(self) -> bool:
        """Whether a stack light hangs on this device."""
        return bool(self._light)

    def attach(self, driver: Driver | None) -> None:
        """The device came (its outputs are unknown then) or went."""
        self._driver = driver
        self._shown.clear()
        self.wake.set()

    def show(self, colour: Colour) -> None:
        """Want a colour."""
        if colour != self._wanted:
            self._wanted = colour
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
            await self._apply_light(driver)
            while self._orders:
                await self._apply(driver, self._orders.popleft())
            for port in [p for p, until in self._held.items() if until <= at]:
                await driver.set_output(port, state=False)
                del self._held[port]
        except TransientError:
            if self._driver is driver:
                self._driver = None
            log.warning("output_failed", extra={"device": self._device})
        except FatalError:
            self._light = {}
            log.error("light_port_missing", extra={"device": self._device})

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
        try:
            await driver.set_output(order.port, state=order.state)
        except FatalError:
            order.done("refused")
            return
        except TransientError:
            self._orders.appendleft(order)
            raise
        if order.hold_us is not None:
            self._held[order.port] = self._mono_us() + order.hold_us
        order.done("done")

    def due(self) -> int | None:
        """When a pulse ends or an order expires."""
        times = [*self._held.values()] if self._driver is not None else []
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
