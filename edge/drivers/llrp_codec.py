"""LLRP 1.0.1 bytes to values: frames, parameters, tag reports. Pure.

Bad framing raises `FramingError` (the stream is lost); a bad body in a good frame raises
`BodyError` with the frame's bytes (the connection lives). Unknown TLV and custom ones are skipped.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

HEADER_BYTES: Final = 10
MAX_FRAME_BYTES: Final = 1024 * 1024
PROTOCOL_VERSION: Final = 1
IMPINJ_VENDOR: Final = 25882


class MessageType(IntEnum):
    """Message numbers of LLRP 1.0.1 section 16 that this driver sends or understands."""

    GET_READER_CAPABILITIES = 1
    GET_READER_CONFIG = 2
    SET_READER_CONFIG = 3
    GET_READER_CAPABILITIES_RESPONSE = 11
    GET_READER_CONFIG_RESPONSE = 12
    SET_READER_CONFIG_RESPONSE = 13
    CLOSE_CONNECTION = 14
    CLOSE_CONNECTION_RESPONSE = 4
    ADD_ROSPEC = 20
    DELETE_ROSPEC = 21
    START_ROSPEC = 22
    STOP_ROSPEC = 23
    ENABLE_ROSPEC = 24
    ADD_ROSPEC_RESPONSE = 30
    DELETE_ROSPEC_RESPONSE = 31
    START_ROSPEC_RESPONSE = 32
    STOP_ROSPEC_RESPONSE = 33
    ENABLE_ROSPEC_RESPONSE = 34
    RO_ACCESS_REPORT = 61
    KEEPALIVE = 62
    READER_EVENT_NOTIFICATION = 63
    ENABLE_EVENTS_AND_REPORTS = 64
    KEEPALIVE_ACK = 72
    ERROR_MESSAGE = 100
    CUSTOM_MESSAGE = 1023


class Tv(IntEnum):
    """Type-value parameters; their length is fixed by the type (section 17.2)."""

    ANTENNA_ID = 1
    FIRST_SEEN_UTC = 2
    FIRST_SEEN_UPTIME = 3
    LAST_SEEN_UTC = 4
    LAST_SEEN_UPTIME = 5
    PEAK_RSSI = 6
    CHANNEL_INDEX = 7
    TAG_SEEN_COUNT = 8
    ROSPEC_ID = 9
    PC = 12
    EPC_96 = 13


# Value bytes after the type byte. 10 inventory parameter spec, 11 CRC, 14 spec index, 15 client
# request result, 16 access spec, 17 op spec, 18 singulation details, 19 and 20 the XPC words.
TV_BYTES: Final[dict[int, int]] = {
    1: 2, 2: 8, 3: 8, 4: 8, 5: 8, 6: 1, 7: 2, 8: 2, 9: 4, 10: 2, 11: 2, 12: 2, 13: 12,
    14: 2, 15: 2, 16: 4, 17: 2, 18: 4, 19: 2, 20: 2,
}  # fmt: skip

_EPC_96: Final = int(Tv.EPC_96)
_PEAK_RSSI: Final = int(Tv.PEAK_RSSI)
_FORMS: Final = {1: ">B", 2: ">H", 4: ">I", 8: ">Q", 12: "12s"}
# By first byte: type, bytes in all, and how the value is read. The level alone is signed.
_TV: Final = {
    0x80 | kind: (
        kind,
        1 + size,
        struct.Struct(">b" if kind == _PEAK_RSSI else _FORMS[size]).unpack_from,
    )
    for kind, size in TV_BYTES.items()
}
_TAG_REPORT_DATA: Final = 240
_EPC_DATA: Final = 241
_CUSTOM: Final = 1023
# Vendor, subtype and a value of 16 bits: level, phase and Doppler, the usual three of every tag.
_IMPINJ_SHORT: Final = struct.Struct(">IIh").unpack_from
_IMPINJ_TID, _IMPINJ_PHASE, _IMPINJ_RSSI, _IMPINJ_DOPPLER = 55, 56, 57, 68


class FramingError(Exception):
    """The byte stream cannot be cut into messages any more: drop the connection."""


class VersionMismatchError(FramingError):
    """The peer does not speak LLRP 1.0.1."""


class BodyError(Exception):
    """A well-framed message whose body cannot be read; `frame` holds its bytes."""

    def __init__(self, reason: str, frame: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.frame = frame


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole message: header fields and all its bytes."""

    kind: int
    message_id: int
    data: bytes


@dataclass(slots=True)
class TagReport:
    """One TagReportData. `values` holds the integer TV parameters that were present, by type."""

    epc: bytes = b""
    epc_bits: int = 0
    values: dict[int, int] = field(default_factory=dict)
    rssi_centi_dbm: int | None = None
    phase_4096: int | None = None
    doppler_16ths_hz: int | None = None
    tid: bytes | None = None


class FrameSplitter:
    """Cuts a byte stream into frames. A length over the cap is refused before it is waited for."""

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self._cap = max_frame_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield each message that is now whole; run it to its end before feeding again."""
        self._buffer += data
        at = 0
        try:
            while len(self._buffer) - at >= HEADER_BYTES:
                length = _checked_length(self._buffer, at, self._cap)
                if len(self._buffer) - at < length:
                    break
                raw = bytes(self._buffer[at : at + length])
                at += length
                yield _frame_of(raw)
        finally:
            del self._buffer[:at]

    def finish(self) -> None:
        """The stream ended: a half message is bad framing."""
        if self._buffer:
            raise FramingError("the stream ended inside a message")


def decode_frame(data: bytes) -> Frame:
    """Exactly one message."""
    if len(data) < HEADER_BYTES:
        raise FramingError("the header is truncated")
    if _checked_length(data, 0, max(len(data), HEADER_BYTES)) != len(data):
        raise FramingError("the header's length is not the frame's")
    return _frame_of(data)


def _checked_length(data: bytes | bytearray, at: int, cap: int) -> int:
    first = data[at]
    if first >> 5 or (first >> 2) & 0x07 != PROTOCOL_VERSION:
        raise VersionMismatchError("the peer does not speak LLRP 1.0.1")
    length = int.from_bytes(data[at + 2 : at + 6])
    if length < HEADER_BYTES:
        raise FramingError("the header's length is shorter than the header")
    if length > cap:
        raise FramingError("the header's length is over the cap")
    return length


def _frame_of(raw: bytes) -> Frame:
    return Frame(int.from_bytes(raw[:2]) & 0x3FF, int.from_bytes(raw[6:10]), raw)


def parse_report(frame: Frame) -> list[TagReport]:
    """Every tag of an RO_ACCESS_REPORT; an empty report is legal. A bad body refuses all of it."""
    try:
        data = frame.data
        return [
            _tag_report(data, start, end)
            for kind, start, end in parameters(data, HEADER_BYTES, len(data))
            if kind == _TAG_REPORT_DATA
        ]
    except BodyError as error:
        raise BodyError(error.reason, frame.data) from None


def parameters(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Each parameter between `at` and `end` as (type, start of value, end of value)."""
    while at < end:
        if data[at] & 0x80:
            kind = data[at] & 0x7F
            size = TV_BYTES.get(kind)
            if size is None:
                raise BodyError("unknown TV parameter, its length cannot be known")
            start, stop = at + 1, at + 1 + size
        else:
            if end - at < 4:
                raise BodyError("a TLV parameter ends inside its header")
            kind = ((data[at] & 0x03) << 8) | data[at + 1]
            if kind < 128:
                raise BodyError("a TLV parameter has a TV parameter's number")
            length = (data[at + 2] << 8) | data[at + 3]
            if length < 4:
                raise BodyError("a TLV parameter is shorter than its header")
            start, stop = at + 4, at + length
        if stop > end:
            raise BodyError("a parameter runs past the end")
        yield kind, start, stop
        at = stop


def _tag_report(data: bytes, at: int, end: int) -> TagReport:
    report = TagReport()
    values = report.values
    while at < end and (plain := _TV.get(data[at])) is not None:
        kind, stop, unpack = plain
        stop += at
        if stop > end:
            raise BodyError("a parameter runs past the end")
        (value,) = unpack(data, at + 1)
        if kind == _EPC_96:
            report.epc, report.epc_bits = value, 96
        else:
            values[kind] = value
        at = stop
    for kind, start, stop in parameters(data, at, end):
        if kind == _EPC_96:
            report.epc, report.epc_bits = data[start:stop], 96
        elif kind == _PEAK_RSSI:
            values[kind] = int.from_bytes(data[start:stop], signed=True)
        elif kind < 128:
            values[kind] = int.from_bytes(data[start:stop])
        elif kind == _EPC_DATA:
            report.epc, report.epc_bits = _bit_vector(data, start, stop)
        elif kind == _CUSTOM:
            if stop - start == 10:
                vendor, subtype, value = _IMPINJ_SHORT(data, start)
                if vendor == IMPINJ_VENDOR and subtype == _IMPINJ_RSSI:
                    report.rssi_centi_dbm = value
                    continue
                if vendor == IMPINJ_VENDOR and subtype == _IMPINJ_PHASE:
                    report.phase_4096 = value & 0xFFFF
                    continue
                if vendor == IMPINJ_VENDOR and subtype == _IMPINJ_DOPPLER:
                    report.doppler_16ths_hz = value
                    continue
            _custom(report, data, start, stop)
    return report


def _bit_vector(data: bytes, start: int, stop: int) -> tuple[bytes, int]:
    if stop - start < 2:
        raise BodyError("EPCData has no bit count")
    bits = int.from_bytes(data[start : start + 2])
    if (bits + 7) // 8 != stop - start - 2:
        raise BodyError("EPCData is not as long as its bit count")
    return data[start + 2 : stop], bits


def parse_custom(data: bytes, start: int, stop: int) -> tuple[int, int]:
    """Vendor and subtype of a custom parameter."""
    if stop - start < 8:
        raise BodyError("a custom parameter has no vendor and subtype")
    return int.from_bytes(data[start : start + 4]), int.from_bytes(data[start + 4 : start + 8])


def _custom(report: TagReport, data: bytes, start: int, stop: int) -> None:
    vendor, subtype = parse_custom(data, start, stop)
    if vendor != IMPINJ_VENDOR:
        return
    value = data[start + 8 : stop]
    if subtype == _IMPINJ_RSSI:
        report.rssi_centi_dbm = int.from_bytes(sized(value, 2), signed=True)
    elif subtype == _IMPINJ_PHASE:
        report.phase_4096 = int.from_bytes(sized(value, 2))
    elif subtype == _IMPINJ_DOPPLER:
        report.doppler_16ths_hz = int.from_bytes(sized(value, 2), signed=True)
    elif subtype == _IMPINJ_TID:
        words = int.from_bytes(value[:2])
        report.tid = sized(value, 2 + 2 * words)[2:]


def sized(value: bytes, size: int) -> bytes:
    """The value of a known parameter, refused when it has another length."""
    if len(value) != size:
        raise BodyError("a parameter has not the length of its type")
    return value
