"""Every key a configuration may have: its type, what it may hold, and whether it is a secret."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from contracts.topics import is_name
from runtime import settings_schema_devices as devices

Kind = Literal["text", "integer", "number", "yes-no", "size", "texts", "integers"]
Value = str | int | float | bool | list[str] | list[int]
Check = Callable[[Value], bool]
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_-]{1,63})*\.?")
_SIZE = re.compile(r"(\d{1,15})\s?(B|KiB|MiB|GiB|TiB)?")
_UNITS = {None: 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Key:
    """What one key may hold. `advice` says it in words."""

    kind: Kind
    check: Check | None = None
    advice: str = ""
    secret: bool = False
    file: Literal["", "pem", "secret", "any"] = ""


def size_of(value: object) -> int | None:
    """Bytes of `512` or `"512MiB"`, or None."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value >= 0 else None
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    return int(found[1]) * _UNITS[found[2]] if found else None


def _between(low: float, high: float) -> Check:
    return lambda value: isinstance(value, int | float) and low <= value <= high


def _one_of(*words: str) -> Check:
    return lambda value: value in words


def _named(limit: int) -> Check:
    return lambda value: isinstance(value, str) and is_name(value, limit=limit)


def is_host(value: Value) -> bool:
    """A host name or an IP address."""
    if not isinstance(value, str):
        return False
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return _HOST.fullmatch(value) is not None and not value.replace(".", "").isdigit()
    return True


def _is_zone(value: Value) -> bool:
    try:
        ZoneInfo(str(value))
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return False
    return True


def _url(*schemes: str) -> Check:
    def check(value: Value) -> bool:
        try:
            parts = urlsplit(str(value))
            return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            return False

    return check


def _are_networks(value: Value) -> bool:
    try:
        return isinstance(value, list) and all(ipaddress.ip_network(str(v)) for v in value)
    except ValueError:
        return False


def _are_ports(value: Value) -> bool:
    return isinstance(value, list) and all(
        isinstance(v, int) and not isinstance(v, bool) and 1 <= v <= 65535 for v in value
    )


def _are_filters(value: Value) -> bool:
    """MQTT filters: `+` a whole level, `#` the last one; never those of the broker itself."""
    if not isinstance(value, list) or not 1 <= len(value) <= 16:
        return False
    for name in map(str, value):
        levels = name.split("/")
        if not 1 <= len(name) <= 256 or name.startswith("$") or not name.isprintable():
            return False
        if any(set("+#") & set(level) and level not in {"+", "#"} for level in levels):
            return False
        if "#" in levels[:-1]:
            return False
    return True


def _size_from(low: int) -> Check:
    return lambda value: (size_of(value) or 0) >= low


_PORT = Key("integer", _between(1, 65535), "a port is 1 to 65535")
_NAME = "use a-z 0-9 - _, first a letter or digit, at most {} characters"
_HOST_KEY = Key("text", is_host, "a host name or an address")
_LINGER = Key("integer", _between(0, 1000), "0 to 1000 milliseconds")
_GPO = Key("integer", _between(1, 64), "an output port is 1 to 64")
_PATH = Key("text", lambda v: bool(v) and "\0" not in str(v), "a path, not empty")
_COUNT = Key("integer", _between(1, 1_000_000), "1 to 1000000")
_SPOOL = Key("size", _size_from(16 * MIB), "at least 16 MiB")


def _secret_file() -> Key:
    return Key("text", _PATH.check, _PATH.advice, file="secret")


KEYS: dict[str, Key] = {
    "site": Key("text", _named(64), _NAME.format(64)),
    "timezone": Key("text", _is_zone, "an IANA name such as Europe/Vienna"),
    "log.level": Key(
        "text", _one_of("debug", "info", "warning", "error"), "debug, info, warning or error"
    ),
    "mqtt.host": _HOST_KEY,
    "mqtt.port": _PORT,
    "mqtt.username": Key("text", lambda v: 0 < len(str(v)) <= 128, "1 to 128 characters"),
    "mqtt.password": Key("text", secret=True),
    "mqtt.password_file": _secret_file(),
    "mqtt.protocol": Key("text", _one_of("5", "3.1.1"), '"5" or "3.1.1"'),
    "mqtt.tls.ca": Key("text", _PATH.check, _PATH.advice, file="pem"),
    "mqtt.tls.cert": Key("text", _PATH.check, _PATH.advice, file="pem"),
    "mqtt.tls.key": Key("text", _PATH.check, _PATH.advice, file="pem"),
    "mqtt.tls.verify": Key("yes-no"),
    "database.url": Key("text", _url("postgresql"), "postgresql://host/database"),
    "database.url_file": _secret_file(),
    "database.pool": Key("integer", _between(1, 200), "1 to 200 connections"),
    "edge.agent": Key("text", _named(128), _NAME.format(128)),
    "edge.batch.max_readings": Key("integer", _between(1, 500), "1 to 500"),
    "edge.batch.linger_ms": _LINGER,
    "edge.spool.path": _PATH,
    "edge.spool.max_bytes": Key("size", _size_from(16 * MIB), "16 MiB up to the free disk space"),
    "edge.spool.allow_volatile": Key("yes-no"),
    "edge.ring.max_bytes": Key("size", _size_from(4 * MIB), "at least 4 MiB"),
    "edge.ring.max_age_h": Key("integer", _between(1, 720), "1 to 720 hours"),
    "edge.device[].name": Key("text", _named(64), _NAME.format(64)),
    "edge.device[].driver": Key(
        "text",
        _one_of(*devices.DRIVERS),
        ", ".join(devices.DRIVERS[:-1]) + f" or {devices.DRIVERS[-1]}",
    ),
    "edge.device[].host": _HOST_KEY,
    "edge.device[].port": _PORT,
    "edge.device[].kind": Key("text", _one_of("portal", "zone"), "portal or zone"),
    "edge.device[].linger_ms": _LINGER,
    "edge.device[].path": Key("text", _PATH.check, _PATH.advice, file="any"),
    "edge.device[].speed": Key("number", _between(0, 1000), "0 (as fast as possible) to 1000"),
    "edge.device[].topics": Key("texts", _are_filters, "1 to 16 MQTT topic filters"),
    "edge.device[].hostname": Key("text", is_host, "the reader's host name"),
    "edge.device[].mapping": Key("text", _PATH.check, _PATH.advice, file="any"),
    "edge.device[].username": Key("text", lambda v: 0 < len(str(v)) <= 128, "1 to 128 characters"),
    "edge.device[].password_file": _secret_file(),
    "edge.device[].antenna[].port": Key("integer", _between(1, 64), "an antenna port is 1 to 64"),
    "edge.device[].antenna[].power_dbm": Key("number", _between(0, 36), "0 to 36 dBm"),
    "edge.device[].light.green": _GPO,
    "edge.device[].light.amber": _GPO,
    "edge.device[].light.red": _GPO,
    "gateway.cell": Key("text", _named(64), _NAME.format(64)),
    "gateway.archive_path": _PATH,
    "gateway.group_ms": _LINGER,
    "gateway.max_messages": _COUNT,
    "api.host": _HOST_KEY,
    "api.port": _PORT,
    "api.hosts": Key("texts", None, "host names"),
    "api.guest": Key("yes-no"),
    "api.requests_per_minute": _COUNT,
    "worker.relay_rows": _COUNT,
    "worker.relay_ms": Key("integer", _between(10, 60_000), "10 to 60000 milliseconds"),
    "worker.auto_release": Key("yes-no"),
    "worker.position_days": Key("integer", _between(1, 3650), "1 to 3650 days"),
    "influx.url": Key("text", _url("http", "https"), "http://host:8086 or https://…"),
    "influx.token": Key("text", secret=True),
    "influx.token_file": _secret_file(),
    "influx.org": Key("text", lambda v: bool(v), "not empty"),
    "influx.bucket": Key("text", lambda v: bool(v), "not empty"),
    "influx.database": Key("text", lambda v: bool(v), "not empty"),
    "influx.spool_path": _PATH,
    "influx.spool_max_bytes": _SPOOL,
    "webhooks.allow_networks": Key("texts", _are_networks, "networks such as 10.1.0.0/16"),
    "webhooks.allow_ports": Key("integers", _are_ports, "ports 1 to 65535"),
    "webhooks.ca_file": Key("text", _PATH.check, _PATH.advice, file="pem"),
}


def _device_keys() -> dict[str, Key]:
    """The keys of `settings_schema_devices`."""
    keys: dict[str, Key] = {}
    for name, words in devices.CHOICES.items():
        keys[name] = Key("text", _one_of(*words), ", ".join(words))
    for name, (least, most) in devices.WHOLE.items():
        keys[name] = Key("integer", _between(least, most), f"{least} to {most}")
    for name, (low, high) in devices.NUMBERS.items():
        keys[name] = Key("number", _between(low, high), f"{low} to {high}")
    keys |= {name: Key("yes-no") for name in devices.FLAGS}
    keys |= {name: Key("text", _named(64), _NAME.format(64)) for name in devices.NAMES}
    level = Key("text", devices.is_level, "1 to 128 characters without + / #")
    keys |= {name: level for name in devices.LEVELS}
    metric = Key("text", lambda v: 0 < len(str(v)) <= 256, "1 to 256 characters")
    keys |= {name: metric for name in devices.TEXTS}
    keys |= {name: _PATH for name in devices.PATHS}
    stand_in = Key("text", devices.is_substitute, "1 to 4 printable ASCII characters")
    keys |= {name: stand_in for name in devices.SUBSTITUTES}
    epc = Key("text", devices.is_epc, "hex digits in fours, such as 3034257BF7194E4000001A85")
    keys |= {name: epc for name in devices.EPCS}
    return {f"edge.device[].{name}": key for name, key in keys.items()}


KEYS |= _device_keys()
EXCLUSIVE = (
    ("mqtt.password", "mqtt.password_file"),
    ("database.url", "database.url_file"),
    ("influx.token", "influx.token_file"),
)
# What a person leaves in place by accident; compared in lower case.
KNOWN_BAD = frozenset(
    [
        "changeme",
        "change-me",
        "change_me",
        "password",
        "passwd",
        "secret",
        "admin",
        "default",
        "test",
        "guest",
        "root",
        "1234",
        "12345",
        "123456",
        "12345678",
        "dockledger",
        "postgres",
        "mosquitto",
        "letmein",
    ]
)


def generic(path: str) -> str:
    """`edge.device[3].name` as the schema names it: `edge.device[].name`."""
    return re.sub(r"\[\d+\]", "[]", path)


TABLES = frozenset(
    ".".join(parts[:count])
    for key in KEYS
    for parts in [key.split(".")]
    for count in range(1, len(parts))
)
