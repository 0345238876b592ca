"""Reader health: what a device tells and hears becomes named alarms that clear by themselves.

Pure; it never decides whether a device is live, stale or dead, and zero reads alone is no alarm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import UNSET

from contracts.v1 import DeviceAlarm, DeviceState, DeviceStatus, Observation
from edge.antennas import Antennas
from edge.device_clock import DeviceClock
from edge.drivers.port import DriverNotice
from edge.read_rate import ReadRate

# An overflow is an event; it is shown this long after the last one.
OVERFLOW_US: Final = 300_000_000
SKEW_US: Final = 1_000_000
MAX_MISSING: Final = 16


@dataclass(frozen=True, slots=True)
class HealthPlan:
    """What is expected of a device. `references`: EPC in upper-case hex to the longest silence, us.

    `steady`: it reads all the time, so that a collapse of its read rate is a fault.
    """

    antennas: tuple[int, ...] = ()
    references: Mapping[str, int] = field(default_factory=dict)
    steady: bool = False
    skew_us: int = SKEW_US


class DeviceHealth:
    """One device; `at` is the agent's monotonic clock in microseconds."""

    def __init__(self, plan: HealthPlan, *, clock: DeviceClock) -> None:
        self._plan = plan
        self._clock = clock
        self._antennas = Antennas(plan.antennas)
        self._rate = ReadRate()
        self._references: dict[str, int] = {}
        self._live_since: int | None = None
        self._overflow_at: int | None = None
        self._clock_unset = False
        self.overflows = 0

    def heard(self, reads: Sequence[Observation], at: int) -> None:
        """Take smoothed runs."""
        total = 0
        for read in reads:
            total += read.count
            self._antennas.heard(read, at)
            if read.epc in self._plan.references:
                self._references[read.epc] = at
        if total and self._plan.steady:
            self._rate.heard(total, at)

    def notice(self, notice: DriverNotice, at: int) -> None:
        """Take what the device says about itself."""
        if notice.what in ("antenna_fault", "antenna_restored"):
            if notice.antenna is not None:
                self._antennas.fault(notice.antenna, stands=notice.what == "antenna_fault")
        elif notice.what == "overflow":
            self.overflows += 1
            self._overflow_at = at
        elif notice.what == "skew":
            self._clock_unset = True
        elif notice.what == "connected":
            self._clock_unset = False
            self._rate.restart()

    def status(self, name: str, state: DeviceState, at: int) -> DeviceStatus:
        """How the device is now."""
        self._follow(state, at)
        antennas = self._antennas.statuses(at)
        missing = self._missing(at)
        skew_us = -self._clock.offset
        found = {antenna.state for antenna in antennas}
        standing: dict[DeviceAlarm, bool] = {
            "antenna_fault": "fault" in found,
            "antenna_silent": "silent" in found,
            "rate_collapse": self._rate.collapsed,
            "reference_missing": bool(missing),
            "overflow": self._overflow_at is not None and at - self._overflow_at < OVERFLOW_US,
            "skew": self._clock_unset or abs(skew_us) >= self._plan.skew_us,
        }
        alarms = [alarm for alarm, stands in standing.items() if stands]
        return DeviceStatus(
            name,
            state,
            alarms=alarms or UNSET,
            antennas=list(antennas) or UNSET,
            missing=missing[:MAX_MISSING] or UNSET,
            clock_skew_ms=round(skew_us / 1000, 1) if skew_us else UNSET,
            clock_jumps=self._clock.jumps or UNSET,
            overflows=self.overflows or UNSET,
        )

    def _follow(self, state: DeviceState, at: int) -> None:
        """A device that is away is stale or dead; what it does not hear then is no other alarm."""
        if state != "live":
            self._live_since = None
            self._rate.restart()
            return
        if self._live_since is None:
            self._live_since = at
        if self._plan.steady:
            self._rate.step(at)

    def _missing(self, at: int) -> list[str]:
        if self._live_since is None:
            return []
        since = self._live_since
        return sorted(
            epc
            for epc, longest_us in self._plan.references.items()
            if at - max(self._references.get(epc, since), since) > longest_us
        )
