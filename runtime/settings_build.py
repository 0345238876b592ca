"""From checked entries to the typed tree. Nothing is refused here any more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runtime.settings_files import secret_in, spool_path
from runtime.settings_raw import Raw
from runtime.settings_schema import size_of
from runtime.settings_tree import (
    Antenna,
    Api,
    BatchLimits,
    Database,
    Device,
    Edge,
    Gateway,
    Health,
    Influx,
    Light,
    Log,
    Mqtt,
    Output,
    Reference,
    Ring,
    Secret,
    Sensor,
    Settings,
    Spool,
    Tls,
    Webhooks,
    Worker,
)

_POINT_KEYS = (
    *("group", "node", "unit_id", "poll_ms", "debounce_ms"),
    *("tty", "baud", "framing", "prefix", "suffix", "encoding", "repeat_ms"),
    *("event_path", "layout", "fnc1", "fnc1_key"),
)
_SENSOR_KEYS = (
    "kind",
    "metric",
    "source",
    "input",
    "port",
    "belt",
    "event",
    "invert",
    "factor",
    "step",
)


class _Reader:
    """Reads the keys of one table; only what was given, so that the tree's defaults hold."""

    def __init__(self, raw: Raw, table: str, beside: Path) -> None:
        self._raw = raw
        self._table = table
        self._beside = beside

    def given(self, *names: str) -> dict[str, Any]:
        """The plain values of these keys, lists as tuples."""
        found: dict[str, Any] = {}
        for name in names:
            value = self._raw.get(f"{self._table}.{name}")
            if value is not None:
                found[name] = tuple(value) if isinstance(value, list) else value
        return found

    def paths(self, *names: str) -> dict[str, Any]:
        """These keys as paths beside the configuration."""
        return {name: self._beside / text for name, text in self.given(*names).items()}

    def size(self, name: str) -> dict[str, Any]:
        """A size in bytes."""
        value = size_of(self._raw.get(f"{self._table}.{name}"))
        return {} if value is None else {name: value}

    def secret(self, name: str) -> dict[str, Any]:
        """A secret, given in place or by its file."""
        text = self._raw.text(f"{self._table}.{name}")
        file = self._raw.text(f"{self._table}.{name}_file")
        if text is None and file is not None:
            text = secret_in(self._beside / file)
        return {} if text is None else {name: Secret(text)}


def build(raw: Raw, *, home: Path, beside: Path) -> Settings:
    """The tree of a checked configuration."""

    def at(table: str) -> _Reader:
        return _Reader(raw, table, beside)

    site = raw.text("site") or ""
    gateway = at("gateway")
    archive = home / str(raw.get("gateway.archive_path") or "archive")
    return Settings(
        site=site,
        home=home,
        timezone=raw.text("timezone") or "UTC",
        log=Log(**at("log").given("level")),
        mqtt=_mqtt(raw, at("mqtt"), at("mqtt.tls")),
        database=Database(**at("database").given("pool"), **at("database").secret("url")),
        edge=_edge(raw, home=home, beside=beside) if "edge" in raw.tables else None,
        gateway=Gateway(
            cell=raw.text("gateway.cell") or "site",
            archive_path=archive,
            **gateway.given("group_ms", "max_messages"),
        ),
        api=Api(**at("api").given("host", "port", "hosts", "guest", "requests_per_minute")),
        worker=Worker(
            **at("worker").given("relay_rows", "relay_ms", "auto_release", "position_days")
        ),
        influx=_influx(raw, at("influx"), home) if "influx" in raw.tables else None,
        webhooks=Webhooks(
            **at("webhooks").given("allow_networks", "allow_ports"),
            **at("webhooks").paths("ca_file"),
        ),
    )


def _mqtt(raw: Raw, mqtt: _Reader, tls: _Reader) -> Mqtt:
    secured = "mqtt.tls" in raw.tables
    given = {"port": 8883 if secured else 1883, **mqtt.given("host", "port", "username")}
    return Mqtt(
        **given,
        **mqtt.given("protocol"),
        **mqtt.secret("password"),
        tls=Tls(**tls.given("verify"), **tls.paths("ca", "cert", "key")) if secured else None,
    )


def _edge(raw: Raw, *, home: Path, beside: Path) -> Edge:
    spool = _Reader(raw, "edge.spool", beside)
    ring = _Reader(raw, "edge.ring", beside)
    batch = _Reader(raw, "edge.batch", beside)
    return Edge(
        agent=raw.text("edge.agent") or "",
        spool=Spool(
            path=spool_path(raw, home=home),
            **spool.size("max_bytes"),
            **spool.given("allow_volatile"),
        ),
        ring=Ring(**ring.size("max_bytes"), **ring.given("max_age_h")),
        batch=BatchLimits(**batch.given("max_readings", "linger_ms")),
        devices=tuple(_device(raw, name, beside) for name in raw.elements("edge.device")),
    )


def _device(raw: Raw, table: str, beside: Path) -> Device:
    device = _Reader(raw, table, beside)
    light = _Reader(raw, f"{table}.light", beside)
    modbus = {"port": 502} if raw.get(f"{table}.driver") == "modbus" else {}

    def each(name: str, *keys: str) -> list[dict[str, Any]]:
        return [_Reader(raw, row, beside).given(*keys) for row in raw.elements(f"{table}.{name}")]

    return Device(
        **modbus | device.given("name", "driver", "host", "port", "kind", "linger_ms", "speed"),
        **device.given("hostname", "username", "topics", *_POINT_KEYS),
        **device.paths("path", "mapping"),
        **device.secret("password"),
        antennas=tuple(Antenna(**row) for row in each("antenna", "port", "power_dbm")),
        sensors=tuple(Sensor(**row) for row in each("sensor", *_SENSOR_KEYS)),
        outputs=tuple(Output(**row) for row in each("output", "port", "metric", "source", "coil")),
        references=tuple(Reference(**row) for row in each("reference", "epc", "every_s")),
        health=Health(**_Reader(raw, f"{table}.health", beside).given("steady", "skew_ms")),
        light=Light(**light.given("green", "amber", "red"))
        if f"{table}.light" in raw.tables
        else None,
    )


def _influx(raw: Raw, influx: _Reader, home: Path) -> Influx:
    return Influx(
        spool_path=home / str(raw.get("influx.spool_path") or "telemetry"),
        **influx.given("url", "org", "bucket", "database"),
        **influx.secret("token"),
        **influx.size("spool_max_bytes"),
    )
