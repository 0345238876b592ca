"""Wire messages, version 1: what edge agents and gateways exchange. `v1` only grows.

Field names and limits are those of the wire contract (docs/wire.md). All times are integer
microseconds UTC. Limits hold when bytes are decoded (`contracts.codec`), not on construction.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

AgentState = Literal["online", "degraded", "offline"]
DeviceState = Literal["live", "stale", "dead"]
AntennaState = Literal["ok", "fault", "silent"]
DeviceAlarm = Literal[
    "antenna_fault", "antenna_silent", "rate_collapse", "reference_missing", "overflow", "skew"
]
ConfigState = Literal["local", "trial", "applied", "refused", "fallback"]
Colour = Literal["green", "amber", "red", "off"]

Whole = Annotated[int, Meta(ge=0, le=9223372036854775807)]
Counted = Annotated[int, Meta(ge=1, le=9223372036854775807)]
Micros = Whole
SiteName = Annotated[str, Meta(min_length=1, max_length=64)]
AgentName = Annotated[str, Meta(min_length=1, max_length=128)]
DeviceName = Annotated[str, Meta(min_length=1, max_length=64)]
Port = Annotated[int, Meta(ge=1, le=64)]
Lane = Annotated[int, Meta(ge=1, le=999)]
UnitName = Annotated[str, Meta(min_length=1, max_length=64)]
EpcText = Annotated[str, Meta(min_length=1, max_length=128)]
Dbm = Annotated[float, Meta(ge=-130, le=0)]


class Observation(Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """A smoothed run of reads of one tag at one antenna; `occurred_at` is the time of its peak."""

    epc: str
    device: DeviceName
    antenna: Port | None
    rssi_dbm: Dbm | None
    occurred_at: Micros
    count: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    first_at: Micros | UnsetType = UNSET
    last_at: Micros | UnsetType = UNSET
    rssi_mean_dbm: Dbm | UnsetType | None = UNSET
    rssi_spread_db: Annotated[float, Meta(ge=0, le=60)] | UnsetType = UNSET
    tid: str | UnsetType = UNSET
    phase_deg: Annotated[float, Meta(ge=0, lt=360)] | UnsetType = UNSET
    frequency_khz: Annotated[int, Meta(ge=840_000, le=960_000)] | UnsetType = UNSET
    tx_power_dbm: Annotated[float, Meta(ge=0, le=40)] | UnsetType = UNSET
    doppler_hz: Annotated[float, Meta(ge=-1_000, le=1_000)] | UnsetType = UNSET
    pc: str | UnsetType = UNSET


class Scan(Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """One barcode scan, as the scanner sent it."""

    device: DeviceName
    code: Annotated[str, Meta(max_length=256)]
    occurred_at: Micros
    symbology: Annotated[str, Meta(min_length=1, max_length=8)] | UnsetType = UNSET


class SensorReading(Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """One sensor change; which optional fields belong to a `kind` is the codec's rule."""

    device: DeviceName
    kind: str
    occurred_at: Micros
    value: float | UnsetType = UNSET
    unit: str | UnsetType = UNSET
    state: str | UnsetType = UNSET
    port: Port | UnsetType = UNSET
    event: str | UnsetType = UNSET
    belt: str | UnsetType = UNSET
    lane: Lane | UnsetType = UNSET
    handling_unit: UnitName | UnsetType = UNSET
    speed_mps: Annotated[float, Meta(ge=0, le=20)] | UnsetType = UNSET
    id: str | UnsetType = UNSET


class ReadBatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Topic `reads`: 1 to 500 observations."""

    schema: str = "reads.v1"
    site: SiteName
    agent: AgentName
    boot: Counted
    seq: Counted
    sent_at: Micros
    reads: Annotated[list[Observation], Meta(min_length=1, max_length=500)]


class ScanBatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Topic `scans`: 1 to 500 scans."""

    schema: str = "scans.v1"
    site: SiteName
    agent: AgentName
    boot: Counted
    seq: Counted
    sent_at: Micros
    scans: Annotated[list[Scan], Meta(min_length=1, max_length=500)]


class SensorBatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Topic `sensors`: 1 to 500 sensor readings."""

    schema: str = "sensors.v1"
    site: SiteName
    agent: AgentName
    boot: Counted
    seq: Counted
    sent_at: Micros
    sensors: Annotated[list[SensorReading], Meta(min_length=1, max_length=500)]


class AntennaStatus(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One antenna over the last minute: raw reads, distinct tags, their mean level.

    `fault`: the reader says so. `silent`: its like-placed neighbours hear tags that it misses.
    """

    antenna: Port
    state: AntennaState
    reads: Whole
    tags: Whole
    rssi_mean_dbm: Dbm | UnsetType = UNSET
    last_read_at: Micros | UnsetType = UNSET


class DeviceStatus(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A device as its agent sees it. Zero reads is a value, never a state.

    `clock_skew_ms`: the device's clock ahead of (+) or behind (-) the agent's, already corrected in
    all readings. `overflows` and `clock_jumps` count since the device was set up. `missing`:
    reference tags that were not heard in time.
    """

    device: DeviceName
    state: DeviceState
    alarms: Annotated[list[DeviceAlarm], Meta(max_length=16)] | UnsetType = UNSET
    antennas: Annotated[list[AntennaStatus], Meta(max_length=64)] | UnsetType = UNSET
    missing: Annotated[list[EpcText], Meta(max_length=16)] | UnsetType = UNSET
    clock_skew_ms: float | UnsetType = UNSET
    clock_jumps: Whole | UnsetType = UNSET
    overflows: Whole | UnsetType = UNSET


class AgentStatus(
    Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """Topic `status`: outside the stream; `seq` is the last one spooled (0 = none).

    `config_version` is the configuration it runs (0 = its local file): by it the agent asks for a
    newer one. `config_state` and `config_error` are about `config_offered`, the last one it got.
    """

    schema: str
    site: SiteName
    agent: AgentName
    boot: Counted
    seq: Whole
    sent_at: Micros
    state: AgentState
    version: Annotated[str, Meta(max_length=32)] | UnsetType = UNSET
    spooled: Whole | UnsetType = UNSET
    free_bytes: Whole | UnsetType = UNSET
    oldest_at: Micros | UnsetType = UNSET
    clock_offset_ms: float | UnsetType = UNSET
    devices: Annotated[list[DeviceStatus], Meta(max_length=64)] | UnsetType = UNSET
    config_version: Whole | UnsetType = UNSET
    config_offered: Whole | UnsetType = UNSET
    config_state: ConfigState | UnsetType = UNSET
    config_error: Annotated[str, Meta(max_length=256)] | UnsetType = UNSET


class Cursor(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Down: last `seq` of (agent, boot) in the ledger; `sent_at` is the gateway's clock."""

    schema: str
    site: SiteName
    agent: AgentName
    boot: Counted
    seq: Whole
    sent_at: Micros
    newest_boot: Whole
    retry_after_ms: Whole | UnsetType = UNSET


class Command(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Down: an order to an agent or one of its devices; lives `ttl_ms` from its arrival."""

    schema: str
    site: SiteName
    agent: AgentName
    boot: Counted
    seq: Whole
    sent_at: Micros
    id: Annotated[str, Meta(min_length=1, max_length=128)]
    device: DeviceName | None
    ttl_ms: Annotated[int, Meta(ge=1, le=60_000)]
    action: Literal["light", "gpo", "divert", "resend", "configure"]
    colour: Colour | UnsetType = UNSET
    port: Port | UnsetType = UNSET
    state: bool | UnsetType = UNSET
    lane: Lane | UnsetType = UNSET
    handling_unit: UnitName | UnsetType = UNSET
    from_seq: Counted | UnsetType = UNSET
    document: Annotated[str, Meta(max_length=65_536)] | UnsetType = UNSET
    version: Counted | UnsetType = UNSET


Batch = ReadBatch | ScanBatch | SensorBatch
Up = ReadBatch | ScanBatch | SensorBatch | AgentStatus


class PositionChanged(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Retained on `positions/{handling unit}`: where a handling unit is now thought to be."""

    schema: str = "position.v1"
    site: SiteName
    handling_unit: str
    key: str
    location: str
    confidence: float
    since: int
    read_point: str | None = None
