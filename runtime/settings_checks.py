"""The checks of a configuration, stage by stage in the documented order; the first refusal ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from runtime import settings_check_devices, settings_files
from runtime.settings_errors import ConfigError
from runtime.settings_raw import Raw, nearest
from runtime.settings_schema import EXCLUSIVE, KEYS, KNOWN_BAD, generic
from runtime.settings_schema_devices import MQTT_DRIVERS

Role = Literal["edge", "gateway", "api", "worker"]
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})


def check_names(raw: Raw) -> None:
    """Duplicates TOML cannot see, then unknown keys."""
    for path, what in settings_check_devices.shared(raw):
        raise raw.error("config-duplicate-key", path, f"{what} is used twice")
    if raw.unknown:
        line, path = min(raw.unknown)
        raise ConfigError("config-unknown-key", key=path, line=line, advice=nearest(path))


def check_missing(raw: Raw, role: Role | None) -> None:
    """What nobody can guess must be there."""
    for path, advice in _required(raw, role):
        mistyped = any(path == wrong for _, wrong, _ in raw.mistyped)
        if raw.get(path) is None and not mistyped:
            raise raw.error("config-missing-key", path, advice)


def _required(raw: Raw, role: Role | None) -> Iterator[tuple[str, str]]:
    yield "site", "name the site"
    if role == "edge" or (role is None and "edge" in raw.tables):
        yield "edge.agent", "name this agent"
    if role in {"gateway", "api", "worker"} and raw.get("database.url_file") is None:
        yield "database.url", "say where the database is, here or by database.url_file"
    for device in settings_check_devices.devices(raw):
        yield from settings_check_devices.needed(raw, device)
    if raw.get("mqtt.tls.cert") is not None:
        yield "mqtt.tls.key", "a certificate needs its key"
    if raw.get("mqtt.tls.key") is not None:
        yield "mqtt.tls.cert", "a key needs its certificate"
    if "influx" in raw.tables:
        yield "influx.url", "say where InfluxDB is, or remove the table"


def check_shape(raw: Raw, role: Role | None) -> None:
    """All that can be said of the entries by themselves, without looking at this machine."""
    check_names(raw)
    check_missing(raw, role)
    check_values(raw)
    check_exclusive(raw)


def check_values(raw: Raw) -> None:
    """Types, then ranges and words, each by line."""
    if raw.mistyped:
        line, path, advice = min(raw.mistyped)
        raise ConfigError("config-type", key=path, line=line, advice=advice)
    for path, entry in sorted(raw.entries.items(), key=lambda item: item[1].line):
        key = KEYS[generic(path)]
        if key.check is not None and not key.check(entry.value):
            raise raw.error("config-value", path, key.advice)
    for path, advice in settings_check_devices.unfit(raw):
        raise raw.error("config-value", path, advice)


def check_exclusive(raw: Raw) -> None:
    """A value or the file that holds it, never both."""
    for value, file in EXCLUSIVE:
        if raw.get(value) is not None and raw.get(file) is not None:
            raise raw.error("config-exclusive", value, f"give this or {file}, not both")


def check_secrets(raw: Raw, *, beside: Path, config: Path) -> None:
    """No known word, nothing that others can read, no password in a URL of the file."""
    for path, entry in raw.entries.items():
        key = KEYS[generic(path)]
        if key.secret and _is_known_bad(str(entry.value)):
            raise raw.error("config-secret-default", path, "choose a secret of your own")
        if key.file == "secret" and not path.startswith("database."):
            word = settings_files.secret_in(beside / str(entry.value))
            if _is_known_bad(word):
                raise raw.error("config-secret-default", path, "choose a secret of your own")
    for path, entry in raw.entries.items():
        key = KEYS[generic(path)]
        holder = config if key.secret else beside / str(entry.value)
        is_in_file = entry.origin == "file" if key.secret else key.file == "secret"
        if is_in_file and settings_files.others_can_read(holder):
            raise raw.error("config-secret-exposed", path, "others can read the file: chmod o= it")
    for path in ("database.url", "influx.url"):
        held = raw.entries.get(path)
        if held and held.origin == "file" and urlsplit(str(held.value)).password is not None:
            way = "use database.url_file" if path == "database.url" else "use influx.token_file"
            raise raw.error("config-secret-inline", path, f"no password here: {way}")


def _is_known_bad(word: str) -> bool:
    return word.strip().lower() in KNOWN_BAD


def check_transport(raw: Raw, *, insecure: bool, database_url: str | None) -> None:
    """To another host than loopback only with TLS that checks its peer."""
    host = raw.text("mqtt.host")
    if host is not None and host.lower() not in LOOPBACK:
        if "mqtt.tls" not in raw.tables:
            raise raw.error("config-insecure", "mqtt.tls", "add the table [mqtt.tls]")
        if raw.get("mqtt.tls.verify") is False and not insecure:
            raise raw.error(
                "config-insecure", "mqtt.tls.verify", "verify the broker, or pass --insecure"
            )
    for device in settings_check_devices.devices(raw):
        broker = (raw.text(f"{device}.host") or "localhost").lower()
        if raw.get(f"{device}.driver") in MQTT_DRIVERS and broker not in LOOPBACK:
            advice = "leave host away: the agent's own broker is asked, with TLS"
            raise raw.error("config-insecure", f"{device}.host", advice)
    api = raw.text("api.host") or "127.0.0.1"
    if raw.get("api.guest") is True and api.lower() not in LOOPBACK:
        raise raw.error("config-insecure", "api.guest", "guests may only read on loopback")
    if database_url is None:
        return
    parts = urlsplit(database_url)
    modes = parse_qs(parts.query).get("sslmode", [])
    if "disable" in modes and (parts.hostname or "localhost").lower() not in LOOPBACK:
        path = "database.url" if raw.get("database.url") is not None else "database.url_file"
        raise raw.error("config-insecure", path, "remove sslmode=disable")
