"""One device's life: connect, read, and come back with growing pauses; a fatal fault stays dead.

Stale means away for a moment, dead means away for long or for good. Zero reads is neither.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from contracts.v1 import Colour, DeviceState
from edge.drivers.port import Driver, DriverNotice, FatalError, RawReading, TransientError
from edge.health import HealthPlan
from edge.intake import DeviceKind
from edge.outputs import Outputs

log = logging.getLogger(__name__)

FIRST_RETRY_S = 0.5
LAST_RETRY_S = 30.0
DEAD_AFTER_US = 30_000_000
SETTLED_US = 10_000_000
_TOLD_AT_ONCE = frozenset({"antenna_fault", "antenna_restored", "overflow"})


@dataclass(frozen=True, slots=True)
class DeviceSetup:
    """A device as configured: `divert` maps a lane to the GPO that sends a load there."""

    name: str
    kind: DeviceKind
    build: Callable[[], Driver]
    linger_us: int = 20_000
    light: Mapping[Colour, int] = field(default_factory=dict)
    divert: Mapping[int, int] = field(default_factory=dict)
    health: HealthPlan | None = None
    config: object = None
    """All that decides what `build` builds, compared as a whole; None is like nothing else."""

    def is_like(self, other: DeviceSetup) -> bool:
        """Whether the other one needs no other driver, outputs or place in the intake."""
        return self.config is not None and self.config == other.config


class DeviceLoop:
    """Keeps one driver running and hands on what it yields."""

    def __init__(
        self,
        setup: DeviceSetup,
        *,
        outputs: Outputs,
        take: Callable[[RawReading], Awaitable[None] | None],
        changed: Callable[[], None],
        rng: random.Random,
        mono_us: Callable[[], int],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._setup = setup
        self._outputs = outputs
        self._take = take
        self._changed = changed
        self._rng = rng
        self._mono_us = mono_us
        self._pause = pause
        self._retry_s = FIRST_RETRY_S
        self._away_since = mono_us()
        self._connected = False
        self.fatal = False
        self.why = ""
        self._reported_lost = False
        self.connects = 0
        self.over = False

    def state(self, at: int) -> DeviceState:
        """How the device is."""
        if self.fatal:
            return "dead"
        if self._connected:
            return "stale" if self._reported_lost else "live"
        return "dead" if at - self._away_since >= DEAD_AFTER_US else "stale"

    async def run(self) -> None:
        """Live until the source is exhausted or the fault is fatal."""
        while await self.step():
            await self._pause(self._retry_s * self._rng.uniform(0.5, 1.0))
            self._retry_s = min(self._retry_s * 2, LAST_RETRY_S)
        self.over = True

    async def step(self) -> bool:
        """One connection's life; False when there will be no other."""
        driver = self._setup.build()
        started: int | None = None
        try:
            await driver.connect()
            started = self._mono_us()
            self._up(driver)
            async for reading in driver.readings():
                if isinstance(reading, DriverNotice):
                    self._hear(reading)
                waiting = self._take(reading)
                if waiting is not None:
                    await waiting
        except TransientError as error:
            self.why = str(error)[:200]
            log.warning("device_away", extra={"device": self._setup.name, "why": self.why})
            if started is not None and self._mono_us() - started >= SETTLED_US:
                self._retry_s = FIRST_RETRY_S
            return True
        except FatalError as error:
            self.fatal, self.why = True, str(error)[:200]
            log.error("device_dead", extra={"device": self._setup.name, "why": self.why})
            return False
        finally:
            self._down()
            await driver.close()
        log.info("device_exhausted", extra={"device": self._setup.name})
        return False

    def _up(self, driver: Driver) -> None:
        self.connects += 1
        self._connected = True
        self._reported_lost = False
        self._outputs.attach(driver)
        log.info("device_live", extra={"device": self._setup.name})
        self._changed()

    def _down(self) -> None:
        if self._connected:
            self._away_since = self._mono_us()
        self._connected = False
        self._outputs.attach(None)
        self._changed()

    def _hear(self, notice: DriverNotice) -> None:
        lost = {"lost": True, "connected": False}.get(notice.what, self._reported_lost)
        if lost != self._reported_lost or notice.what in _TOLD_AT_ONCE:
            self._reported_lost = lost
            self._changed()
