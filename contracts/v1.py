"""Wire messages, version 1: what edge agents and gateways exchange. `v1` only grows.

Field names and limits are those of the wire contract (docs/wire.md). All times are integer
microseconds UTC. Structs carry no checks of their own: `contracts.codec` decides what is accepted.
"""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

AgentState = Literal["online", "degraded", "offline"]
DeviceState = Literal["live", "stale", "dead"]
Colour = Literal["green", "amber", "red", "off"]


class Observation(Struct, frozen=True, gc=False, omit_defaults=True):
    """A smoothed run of reads of one tag at one antenna; `occurred_at` is the time of its peak."""

    epc: str
    device: str
    antenna: int | None
    rssi_dbm: float | None
    occurred_at: int
    count: int = 1
    first_at: int | UnsetType = UNSET
    last_at: int | UnsetType = UNSET
    rssi_mean_dbm: float | None | UnsetType = UNSET
    rssi_spread_db: float | UnsetType = UNSET
    tid: str | UnsetType = UNSET
    phase_deg: float | UnsetType = UNSET
    frequency_khz: int | UnsetType = UNSET
    tx_power_dbm: float | UnsetType = UNSET
    doppler_hz: float | UnsetType = UNSET
    pc: str | UnsetType = UNSET


class Scan(Struct, frozen=True, gc=False, omit_defaults=True):
    """One barcode scan, as the scanner sent it."""

    device: str
    code: str
    occurred_at: int
    symbology: str | UnsetType = UNSET


class SensorReading(Struct, frozen=True, gc=False, omit_defaults=True):
    """One sensor change; which optional fields belong to a `kind` is the codec's rule."""

    device: str
    kind: str
    occurred_at: int
    value: float | UnsetType = UNSET
    unit: str | UnsetType = UNSET
    state: str | UnsetType = UNSET
    port: int | UnsetType = UNSET
    event: str | UnsetType = UNSET
    belt: str | UnsetType = UNSET
    lane: int | UnsetType = UNSET
    handling_unit: str | UnsetType = UNSET
    speed_mps: float | UnsetType = UNSET
    id: str | UnsetType = UNSET


class ReadBatch(Struct, frozen=True, kw_only=True):
    """Topic `reads`: 1 to 500 observations."""

    schema: str = "reads.v1"
    site: str
    agent: str
    boot: int
    seq: int
    sent_at: int
    reads: list[Observation]


class ScanBatch(Struct, frozen=True, kw_only=True):
    """Topic `scans`: 1 to 500 scans."""

    schema: str = "scans.v1"
    site: str
    agent: str
    boot: int
    seq: int
    sent_at: int
    scans: list[Scan]


class SensorBatch(Struct, frozen=True, kw_only=True):
    """Topic `sensors`: 1 to 500 sensor readings."""

    schema: str = "sensors.v1"
    site: str
    agent: str
    boot: int
    seq: int
    sent_at: int
    sensors: list[SensorReading]


class DeviceStatus(Struct, frozen=True):
    """A device as its agent sees it. Zero reads is a value, never a state."""

    device: str
    state: DeviceState


class AgentStatus(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Topic `status`: outside the stream; `seq` is the last one spooled (0 = none)."""

    schema: str
    site: str
    agent: str
    boot: int
    seq: int
    sent_at: int
    state: AgentState
    version: str | UnsetType = UNSET
    spooled: int | UnsetType = UNSET
    free_bytes: int | UnsetType = UNSET
    oldest_at: int | UnsetType = UNSET
    clock_offset_ms: float | UnsetType = UNSET
    devices: list[DeviceStatus] | UnsetType = UNSET


class Cursor(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Down: last `seq` of (agent, boot) committed in the ledger; `sent_at` is the gateway's clock."""

    schema: str
    site: str
    agent: str
    boot: int
    seq: int
    sent_at: int
    newest_boot: int
    retry_after_ms: int | UnsetType = UNSET


class Command(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Down: an order to an agent or one of its devices; lives `ttl_ms` from its arrival."""

    schema: str
    site: str
    agent: str
    boot: int
    seq: int
    sent_at: int
    id: str
    device: str | None
    ttl_ms: int
    action: Literal["light", "gpo", "divert", "resend", "configure"]
    colour: Colour | UnsetType = UNSET
    port: int | UnsetType = UNSET
    state: bool | UnsetType = UNSET
    lane: int | UnsetType = UNSET
    handling_unit: str | UnsetType = UNSET
    from_seq: int | UnsetType = UNSET
    document: str | UnsetType = UNSET


Batch = ReadBatch | ScanBatch | SensorBatch
Up = ReadBatch | ScanBatch | SensorBatch | AgentStatus


class PositionChanged(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Retained on `positions/{handling unit}`: where a handling unit is now thought to be."""

    schema: str = "position.v1"
    site: str
    handling_unit: str
    key: str
    location: str
    confidence: float
    since: int
    read_point: str | None = None
