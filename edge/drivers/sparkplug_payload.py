"""Sparkplug B payloads: protobuf bytes to metrics and back. Pure; only typed errors.

Schema: Eclipse Sparkplug 3.0, section 6.4. A metric's value is None when it is null or of a type
that carries no single value (data sets, templates, arrays, files).
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from edge.drivers import protobuf_wire as wire

MAX_PAYLOAD_BYTES: Final = 1024 * 1024
MAX_METRICS: Final = 10_000
Value = bool | int | float | str


class PayloadError(Exception):
    """A payload that cannot be read. `code` is stable, `detail` says where."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class DataType(IntEnum):
    """Types of a single value (section 6.4.16); the others have no value here."""

    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATE_TIME = 13
    TEXT = 14
    UUID = 15


BITS: Final = {1: 8, 2: 16, 3: 32, 4: 64, 5: 8, 6: 16, 7: 32, 8: 64, 13: 64}
_TEXTS: Final = frozenset({12, 14, 15})
_LAST_TYPE: Final = 34


@dataclass(frozen=True, slots=True)
class Raw:
    """A value as it stood in the message: protobuf field (10 to 15) and content."""

    field: int
    content: Value


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `timestamp` is ms since 1970 of the node's clock; in data name, alias and
    datatype may each be absent, since the birth told them."""

    name: str | None = None
    alias: int | None = None
    timestamp: int | None = None
    datatype: int | None = None
    historical: bool = False
    transient: bool = False
    null: bool = False
    raw: Raw | None = None

    def value(self, datatype: int | None = None) -> Value | None:
        """The value by its own datatype, or by the one the birth told. Raises `PayloadError`."""
        kind = self.datatype or datatype
        if self.null or self.raw is None:
            return None
        return typed(self.raw, kind)


@dataclass(frozen=True, slots=True)
class Payload:
    """One message; `seq` is 0 to 255 or absent (commands, node deaths)."""

    timestamp: int | None = None
    metrics: tuple[Metric, ...] = ()
    seq: int | None = None

    def number(self, name: str) -> int | None:
        """The value of a whole-number metric (bdSeq), or None."""
        for metric in self.metrics:
            if metric.name == name and metric.raw is not None and not metric.null:
                content = metric.raw.content
                return content if type(content) is int else None
        return None


def typed(raw: Raw, kind: int | None) -> Value | None:
    """A raw value as its datatype; without one only values that need none are told."""
    content = raw.content
    if kind is None:
        if raw.field in (10, 11):
            raise PayloadError("datatype", "a whole number without a datatype")
        return content
    if kind in BITS and type(content) is int:
        return _whole(content, BITS[kind], signed=kind <= DataType.INT64)
    fits = (
        (kind == DataType.BOOLEAN and raw.field == 14)
        or (kind == DataType.FLOAT and raw.field == 12)
        or (kind == DataType.DOUBLE and raw.field in (12, 13))
        or (kind in _TEXTS and raw.field == 15)
    )
    if not fits:
        raise PayloadError("datatype", "a value that is not of its datatype")
    return content


def _whole(content: int, bits: int, *, signed: bool) -> int:
    """Negative numbers are two's complement, of their own width or of the field's (32, 64)."""
    half = 1 << (bits - 1)
    if not signed:
        if content >= 1 << bits:
            raise PayloadError("range", "a number that does not fit its datatype")
        return content
    if content < half:
        return content
    for width in (bits, 32, 64):
        if (1 << width) - half <= content < 1 << width:
            return content - (1 << width)
    raise PayloadError("range", "a number that does not fit its datatype")


def parse_payload(data: bytes) -> Payload:
    """The payload of any message but STATE. Raises `PayloadError`."""
    if len(data) > MAX_PAYLOAD_BYTES:
        raise PayloadError("size", "over 1 MiB")
    timestamp = seq = None
    metrics: list[Metric] = []
    try:
        for number, kind, content in wire.fields(data):
            if number == 1:
                timestamp = _number(kind, content)
            elif number == 2:
                if len(metrics) >= MAX_METRICS:
                    raise PayloadError("size", "over 10,000 metrics")
                metrics.append(_metric(_bytes(kind, content)))
            elif number == 3:
                seq = _number(kind, content)
    except wire.WireError as error:
        raise PayloadError("protobuf", str(error)) from None
    if seq is not None and seq > 255:
        raise PayloadError("range", "seq is over 255")
    return Payload(timestamp, tuple(metrics), seq)


def _metric(data: bytes) -> Metric:
    name: str | None = None
    numbers: dict[int, int] = {}
    raw: Raw | None = None
    for number, kind, content in wire.fields(data):
        if number == 1:
            name = _text(_bytes(kind, content))
        elif 2 <= number <= 7:
            numbers[number] = _number(kind, content)
        elif 10 <= number <= 15:
            raw = Raw(number, _content(number, kind, content))
        elif 16 <= number <= 19:
            _bytes(kind, content)
            raw = None
    datatype = numbers.get(4)
    if datatype is not None and datatype > _LAST_TYPE:
        raise PayloadError("datatype", "an unknown datatype")
    return Metric(
        name=name or None,
        alias=numbers.get(2),
        timestamp=numbers.get(3),
        datatype=datatype or None,
        historical=bool(numbers.get(5)),
        transient=bool(numbers.get(6)),
        null=bool(numbers.get(7)),
        raw=raw,
    )


def _content(number: int, kind: int, content: int | bytes) -> Value:
    if number in (10, 11):
        value = _number(kind, content)
        if number == 10 and value >= 1 << 32:
            # A 32-bit number that an encoder sign-extended: protobuf keeps its low half.
            value &= 0xFFFF_FFFF
        return value
    if number == 14:
        return bool(_number(kind, content))
    if number == 15:
        return _text(_bytes(kind, content))
    size, code = (wire.FIXED32, "<f") if number == 12 else (wire.FIXED64, "<d")
    if kind != size or not isinstance(content, bytes):
        raise PayloadError("protobuf", "a field of another wire type")
    value_of: float = struct.unpack(code, content)[0]
    if not math.isfinite(value_of):
        raise PayloadError("range", "a number that is not finite")
    return value_of


def _number(kind: int, content: int | bytes) -> int:
    if kind != wire.VARINT or not isinstance(content, int):
        raise PayloadError("protobuf", "a field of another wire type")
    return content


def _bytes(kind: int, content: int | bytes) -> bytes:
    if kind != wire.LENGTH or not isinstance(content, bytes):
        raise PayloadError("protobuf", "a field of another wire type")
    return content


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise PayloadError("utf-8", "a text that is not UTF-8") from None
    if "\0" in text:
        raise PayloadError("utf-8", "a text with U+0000")
    return text


def encode_payload(payload: Payload) -> bytes:
    """The bytes of a payload; field order as in the schema."""
    parts = []
    if payload.timestamp is not None:
        parts.append(wire.varint_field(1, payload.timestamp))
    parts += [wire.bytes_field(2, _encoded(metric)) for metric in payload.metrics]
    if payload.seq is not None:
        parts.append(wire.varint_field(3, payload.seq))
    return b"".join(parts)


def _encoded(metric: Metric) -> bytes:
    parts = [] if metric.name is None else [wire.bytes_field(1, metric.name.encode())]
    flags = (metric.historical, metric.transient, metric.null)
    numbers = (metric.alias, metric.timestamp, metric.datatype, *(flag or None for flag in flags))
    for number, value in enumerate(numbers, start=2):
        if value is not None:
            parts.append(wire.varint_field(number, int(value)))
    raw = metric.raw
    if raw is not None:
        content = raw.content
        if isinstance(content, str):
            parts.append(wire.bytes_field(raw.field, content.encode()))
        elif isinstance(content, float):
            packed = struct.pack("<f" if raw.field == 12 else "<d", content)
            parts.append(wire.fixed_field(raw.field, packed))
        else:
            parts.append(wire.varint_field(raw.field, int(content)))
    return b"".join(parts)
