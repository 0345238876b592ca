"""The driver port: what every reader, scanner or sensor driver offers to the agent.

A driver is one async generator plus `connect`. It yields raw reads and sensor edges in the order
the
device produced them and never decides anything. `simulators` implement it too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

Health = Literal["live", "stale", "dead"]


@dataclass(frozen=True, slots=True)
class RawRead:
    """One antenna hit (or what the device merged into one). `occurred_at` is the device's own
    clock in us;
    `received_at` the agent's clock (us UTC) when the bytes arrived. `epc` is bytes, `antenna`
    counts from 1."""

    epc: bytes
    antenna: int | None
    rssi_dbm: float | None
    occurred_at: int
    received_at: int
    count: int = 1
    tid: str | None = None
    phase_deg: float | None = None
    frequency_khz: int | None = None
    tx_power_dbm: float | None = None
    doppler_hz: float | None = None
    pc: str | None = None


@dataclass(frozen=True, slots=True)
class RawScan:
    """One barcode scan."""

    code: str
    occurred_at: int
    received_at: int
    symbology: str | None = None


@dataclass(frozen=True, slots=True)
class RawSensor:
    """One sensor change; `fields` are those of the wire's sensor reading beside device, kind,
    occurred_at. `polled`: not an edge but the level found when the device was asked.
    """

    kind: str
    occurred_at: int
    received_at: int
    fields: Mapping[str, str | int | float] = field(default_factory=dict)
    polled: bool = False


@dataclass(frozen=True, slots=True)
class DriverNotice:
    """Something about the device itself: connected, lost, overflow, antenna_fault,
    antenna_restored, skew, bad_frame.
    """

    what: str
    received_at: int
    detail: str = ""
    antenna: int | None = None


RawReading = RawRead | RawScan | RawSensor | DriverNotice


class TransientError(Exception):
    """The device is away or answered badly; the agent reconnects with back-off."""


class OutputTimeoutError(TransientError):
    """The device did not confirm a switch in time; the connection itself may be well."""


class FatalError(Exception):
    """The device can never work with this configuration (no such antenna, wrong protocol
    version).
    """


class Driver(Protocol):
    """A device. `connect` raises `TransientError` or `FatalError`; `readings` ends with
    `TransientError`
    when the connection is lost and returns when the source is exhausted (a recorded trace)."""

    async def connect(self) -> None: ...

    def readings(self) -> AsyncIterator[RawReading]: ...

    async def set_output(self, port: int, *, state: bool) -> None:
        """Switch a GPO; raises `TransientError` when the device is away, `FatalError` when it
        has no such port.
        """

    async def close(self) -> None: ...
