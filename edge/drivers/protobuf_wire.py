"""The protobuf wire format: bytes to fields and back. Pure and strict.

Source: protobuf.dev/programming-guides/encoding. Groups, truncated fields and varints of more than
64 bits raise `WireError`; what a field means is the caller's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

VARINT: Final = 0
FIXED64: Final = 1
LENGTH: Final = 2
FIXED32: Final = 5
_MAX_FIELD: Final = (1 << 29) - 1


class WireError(Exception):
    """Bytes that are no protobuf message."""


def fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """(field number, wire type, value): an int for varints, the bytes for everything else."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if not 1 <= number <= _MAX_FIELD:
            raise WireError("a field number is out of range")
        if kind == VARINT:
            value, at = _varint(data, at)
            yield number, kind, value
            continue
        if kind == LENGTH:
            size, at = _varint(data, at)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise WireError("a wire type is unknown")
        if size > len(data) - at:
            raise WireError("a field ends after the message")
        yield number, kind, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> 64:
                raise WireError("a number has more than 64 bits")
            return value, at
        shift += 7
        if shift > 63:
            raise WireError("a number has more than ten bytes")
    raise WireError("a number ends after the message")


def varint_field(number: int, value: int) -> bytes:
    """A field of wire type 0."""
    return _encoded(number << 3 | VARINT) + _encoded(value)


def bytes_field(number: int, value: bytes) -> bytes:
    """A field of wire type 2."""
    return _encoded(number << 3 | LENGTH) + _encoded(len(value)) + value


def fixed_field(number: int, value: bytes) -> bytes:
    """A field of 4 or 8 bytes, little-endian."""
    return _encoded(number << 3 | (FIXED32 if len(value) == 4 else FIXED64)) + value


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
