"""Any other JSON to readings: JMESPath says where each field is, settings its unit.

A mapping is configuration, checked when it is loaded; messages are hostile, checked each time.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import jmespath
import msgspec

from edge.drivers import json_fields as fields
from edge.drivers.port import RawRead
from edge.drivers.refusals import Item, RefusedError

TimeUnit = Literal["iso", "s", "ms", "us", "ns"]
_TO_DBM: Final = {"dBm": 1, "ddBm": 10, "cdBm": 100}
_MAX_ENTRIES: Final = 10_000
_TAIL: Final = re.compile(r"([0-9]{1,4})\Z", re.ASCII)
_NAMES: Final = frozenset({"epc", "antenna", "rssi", "time", "count", "tid", "phase", "pc"})


class MappingError(ValueError):
    """The mapping file cannot be used; the text says why."""


class _Units(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    epc: Literal["hex", "base64url"] = "hex"
    rssi: Literal["dBm", "ddBm", "cdBm"] = "dBm"
    time: TimeUnit = "iso"
    antenna_from: Literal[0, 1] = 1
    antenna_in: Literal["number", "end-of-text"] = "number"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    entries: str
    fields: dict[str, str]
    when: str | None = None
    units: _Units = msgspec.field(default_factory=_Units)


@dataclass(frozen=True, slots=True)
class JsonMapping:
    """Where the readings stand (`entries`), when the message has any (`when`), and the fields."""

    entries: Any
    when: Any
    fields: Mapping[str, Any]
    units: _Units


def parse_mapping(text: str) -> JsonMapping:
    """A mapping file in TOML. Raises `MappingError`."""
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise MappingError(f"the mapping cannot be read: {str(error)[:200]}") from None
    unknown = sorted(file.fields.keys() - _NAMES)
    if unknown or "epc" not in file.fields:
        raise MappingError(f"fields are {', '.join(sorted(_NAMES))}; epc is needed")
    return JsonMapping(
        entries=_compiled("entries", file.entries),
        when=None if file.when is None else _compiled("when", file.when),
        fields={name: _compiled(name, path) for name, path in file.fields.items()},
        units=file.units,
    )


def _compiled(name: str, path: str) -> Any:
    try:
        return jmespath.compile(path)
    except (jmespath.exceptions.JMESPathError, RecursionError) as error:
        reason = str(error).splitlines()[0][:120]
        raise MappingError(f"{name} is no JMESPath expression: {reason}") from None


def _found(path: Any, value: object, where: str) -> object:
    # A function of the expression may meet a value it was not made for.
    try:
        return cast(object, path.search(value))
    except (jmespath.exceptions.JMESPathError, TypeError, ValueError, OverflowError):
        raise RefusedError("E_FIELD_TYPE", where) from None


class MappingDecoder:
    """Messages of one device by its mapping."""

    def __init__(self, mapping: JsonMapping) -> None:
        self._mapping = mapping

    def decode(self, payload: bytes, received_at: int, topic: str = "") -> Iterator[Item]:
        """Each entry of one message; what is refused costs itself only."""
        mapping = self._mapping
        try:
            message = fields.document(payload)
            if mapping.when is not None and _found(mapping.when, message, "when") is not True:
                raise RefusedError("N_NOT_A_READING", "when")
            found = _found(mapping.entries, message, "entries")
            if found is None:
                raise RefusedError("E_FIELD_MISSING", "entries")
            listed = list(fields.entries(found))
            if len(listed) > _MAX_ENTRIES:
                raise RefusedError("E_SIZE", "entries")
        except RefusedError as error:
            yield error.refused
            return
        for entry in listed:
            try:
                yield self._read(entry, received_at)
            except RefusedError as error:
                yield error.refused

    def _read(self, entry: object, received_at: int) -> RawRead:
        mapping, units = self._mapping, self._mapping.units
        value = {name: _found(path, entry, name) for name, path in mapping.fields.items()}
        if value["epc"] is None:
            raise RefusedError("E_FIELD_MISSING", "epc")
        read_epc = fields.epc_hex if units.epc == "hex" else fields.epc_base64
        stamp = value.get("time")
        return RawRead(
            epc=read_epc(value["epc"], "epc"),
            antenna=_antenna(value.get("antenna"), units),
            rssi_dbm=fields.number(value.get("rssi"), -130, 0, divisor=_TO_DBM[units.rssi]),
            occurred_at=received_at if stamp is None else _time(stamp, units.time),
            received_at=received_at,
            count=fields.count(value.get("count")),
            tid=fields.tid(value.get("tid")),
            phase_deg=fields.number(value.get("phase"), 0, 360, open_end=True),
            pc=fields.pc(value.get("pc")),
        )


def _antenna(value: object, units: _Units) -> int | None:
    if units.antenna_in == "end-of-text" and value is not None:
        if not isinstance(value, str):
            raise RefusedError("E_FIELD_TYPE", "antenna")
        tail = _TAIL.search(value[-5:])
        if tail is None:
            raise RefusedError("E_FIELD_RANGE", "antenna")
        value = int(tail.group(1))
    if units.antenna_from == 0 and isinstance(value, int) and not isinstance(value, bool):
        value += 1
    return fields.antenna(value, "antenna")


def _time(value: object, unit: TimeUnit) -> int:
    if unit == "iso":
        return fields.iso_us(value, "time")
    if not isinstance(value, int) or isinstance(value, bool):
        raise RefusedError("E_FIELD_TYPE", "time")
    if unit == "ns":
        return fields.checked_us(value // 1000, "time")
    return fields.checked_us(value * {"s": 1_000_000, "ms": 1000, "us": 1}[unit], "time")
