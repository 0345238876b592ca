"""The shape of the settings: frozen, typed, with the defaults. A secret does not print itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Secret:
    """Text that must not be printed; `reveal` it where it is used."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        """The text."""
        return self._text

    def __str__(self) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._text)


@dataclass(frozen=True, slots=True)
class Log:
    """Table `[log]`."""

    level: Literal["debug", "info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True)
class Tls:
    """Table `[mqtt.tls]`; its presence switches TLS on."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Mqtt:
    """Table `[mqtt]`. The port defaults to 8883 with TLS, 1883 without."""

    host: str = "127.0.0.1"
    port: int = 1883
    username: str | None = None
    password: Secret | None = None
    protocol: Literal["5", "3.1.1"] = "5"
    tls: Tls | None = None


@dataclass(frozen=True, slots=True)
class Database:
    """Table `[database]`."""

    url: Secret | None = None
    pool: int = 10


@dataclass(frozen=True, slots=True)
class Antenna:
    """Table `[[edge.device.antenna]]`."""

    port: int
    power_dbm: float | None = None


@dataclass(frozen=True, slots=True)
class Light:
    """Table `[edge.device.light]`: output ports of the stack light."""

    green: int | None = None
    amber: int | None = None
    red: int | None = None


@dataclass(frozen=True, slots=True)
class Sensor:
    """Table `[[edge.device.sensor]]`: one input of a PLC or node."""

    kind: Literal["photo_eye", "gpi", "conveyor", "weight", "temperature", "humidity", "battery"]
    metric: str = ""
    source: str = ""
    input: int = 0
    port: int | None = None
    belt: str | None = None
    event: Literal["jam", "speed"] = "jam"
    invert: bool = False
    factor: float = 1.0
    step: float = 0.0


@dataclass(frozen=True, slots=True)
class Output:
    """Table `[[edge.device.output]]`: which coil or metric an output port is."""

    port: int
    metric: str = ""
    source: str = ""
    coil: int = 0


@dataclass(frozen=True, slots=True)
class Reference:
    """Table `[[edge.device.reference]]`: a tag that hangs there to be heard all the time."""

    epc: str
    every_s: int = 60


@dataclass(frozen=True, slots=True)
class Health:
    """Table `[edge.device.health]`. `steady` is as `kind` says: zones are, portals are not."""

    steady: bool | None = None
    skew_ms: int = 1_000


@dataclass(frozen=True, slots=True)
class Device:
    """Table `[[edge.device]]`."""

    name: str
    driver: Literal[
        "llrp", "trace", "r700", "zebra", "zebra-handheld", "json",
        "sparkplug", "modbus", "serial", "hid",
    ]  # fmt: skip
    host: str | None = None
    port: int = 5084
    kind: Literal["portal", "zone"] = "portal"
    linger_ms: int | None = None
    path: Path | None = None
    speed: float = 1.0
    topics: tuple[str, ...] = ()
    hostname: str | None = None
    mapping: Path | None = None
    username: str | None = None
    password: Secret | None = None
    antennas: tuple[Antenna, ...] = ()
    light: Light | None = None
    sensors: tuple[Sensor, ...] = ()
    outputs: tuple[Output, ...] = ()
    references: tuple[Reference, ...] = ()
    health: Health = Health()
    group: str | None = None
    node: str | None = None
    unit_id: int = 1
    poll_ms: int = 10
    debounce_ms: int = 0
    tty: str | None = None
    baud: int = 9_600
    framing: Literal["8N1", "8E1", "8O1", "7E1", "7O1", "8N2"] = "8N1"
    prefix: Literal["none", "stx"] = "none"
    suffix: Literal["cr", "lf", "crlf", "etx", "tab"] = "cr"
    encoding: Literal["ascii", "utf-8", "latin-1"] = "ascii"
    repeat_ms: int = 0
    event_path: str | None = None
    layout: Literal["us", "de", "fr"] = "us"
    fnc1: str | None = None
    fnc1_key: Literal["none", "ctrl-bracket", "f8", "f12"] = "none"


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Table `[edge.batch]`: a message closes at the first of these."""

    max_readings: int = 500
    linger_ms: int = 20


@dataclass(frozen=True, slots=True)
class Spool:
    """Table `[edge.spool]`; `path` is absolute, inside the state directory."""

    path: Path
    max_bytes: int = 1024 * MIB
    allow_volatile: bool = False


@dataclass(frozen=True, slots=True)
class Ring:
    """Table `[edge.ring]`: raw reads kept beside the spool; the oldest go first."""

    max_bytes: int = 64 * MIB
    max_age_h: int = 24


@dataclass(frozen=True, slots=True)
class Edge:
    """Table `[edge]`."""

    agent: str
    spool: Spool
    ring: Ring = Ring()
    batch: BatchLimits = BatchLimits()
    devices: tuple[Device, ...] = ()


@dataclass(frozen=True, slots=True)
class Gateway:
    """Table `[gateway]`. The cell `site` holds every agent that no other cell has."""

    cell: str
    archive_path: Path
    group_ms: int = 5
    max_messages: int = 5_000


@dataclass(frozen=True, slots=True)
class Api:
    """Table `[api]`. `hosts` are the Host headers it answers to, beside loopback.

    `guest` lets pages on a loopback address be read without a key.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    hosts: tuple[str, ...] = ()
    guest: bool = False
    requests_per_minute: int = 600


@dataclass(frozen=True, slots=True)
class Worker:
    """Table `[worker]`. With `auto_release` promised orders go to the floor by rule."""

    relay_rows: int = 500
    relay_ms: int = 100
    auto_release: bool = True
    position_days: int = 90


@dataclass(frozen=True, slots=True)
class Influx:
    """Table `[influx]`; without it no telemetry is sent."""

    url: str
    spool_path: Path
    token: Secret | None = None
    org: str = "dockledger"
    bucket: str = "dockledger"
    database: str = "dockledger"
    spool_max_bytes: int = 256 * MIB


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Table `[webhooks]`."""

    allow_networks: tuple[str, ...] = ()
    allow_ports: tuple[int, ...] = ()
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole tree. `home` is the state directory, `file` what it was read from: no keys."""

    site: str
    home: Path
    gateway: Gateway
    timezone: str = "UTC"
    log: Log = Log()
    mqtt: Mqtt = Mqtt()
    database: Database = Database()
    edge: Edge | None = None
    api: Api = Api()
    worker: Worker = Worker()
    influx: Influx | None = None
    webhooks: Webhooks = Webhooks()
    file: Path | None = None
    insecure: bool = False

    def secrets(self) -> list[str]:
        """Every secret text in it, for the redactor of the log."""
        held = [self.mqtt.password, self.database.url, self.influx.token if self.influx else None]
        return [secret.reveal() for secret in held if secret]
