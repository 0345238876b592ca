"""Values to LLRP 1.0.1 bytes: every message the driver sends. Pure; callers give the message id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edge.drivers.llrp_codec import IMPINJ_VENDOR, PROTOCOL_VERSION, MessageType

# EventNotificationState types of section 17.2.5.4.1 that are switched on.
_EVENT_GPI, _EVENT_BUFFER, _EVENT_EXCEPTION, _EVENT_ANTENNA = 1, 3, 4, 8
# TagReportContentSelector: ROSpec id, antenna, channel, RSSI, first and last seen, count.
_REPORT_CONTENT: Final = 0b1001_1111_1000_0000
_PERIODIC: Final = 1


@dataclass(frozen=True, slots=True)
class AntennaSetup:
    """One antenna of the ROSpec. `power_index` None leaves the reader's own power."""

    port: int
    power_index: int | None = None


@dataclass(frozen=True, slots=True)
class RoSpec:
    """An inventory that runs until it is deleted. `report_ms` 0 reports every tag at once;
    otherwise the reader merges tags and reports at the end of each such interval."""

    id: int
    antennas: tuple[AntennaSetup, ...]
    report_ms: int = 0
    session: int = 1
    tag_population: int = 32
    mode_index: int | None = None
    hop_table: int = 0
    hopping: bool = True
    impinj: bool = False


def message(kind: int, message_id: int, body: bytes = b"") -> bytes:
    """A whole message: header and body."""
    head = (PROTOCOL_VERSION << 10) | kind
    return _u16(head) + _u32(10 + len(body)) + _u32(message_id) + body


def get_capabilities(message_id: int) -> bytes:
    """Asks for all capabilities."""
    return message(MessageType.GET_READER_CAPABILITIES, message_id, b"\x00")


def impinj_enable_extensions(message_id: int) -> bytes:
    """Without it an Impinj reader refuses and omits its own parameters."""
    return message(MessageType.CUSTOM_MESSAGE, message_id, _u32(IMPINJ_VENDOR) + b"\x15" + bytes(4))


def reset_config(message_id: int, *, keepalive_ms: int, inputs: int) -> bytes:
    """Factory defaults, then our events, keepalive and every input port switched on."""
    events = b"".join(
        _tlv(245, _u16(event) + b"\x80")
        for event in (_EVENT_GPI, _EVENT_BUFFER, _EVENT_EXCEPTION, _EVENT_ANTENNA)
    )
    keepalive = _tlv(220, bytes([_PERIODIC]) + _u32(keepalive_ms))
    # State 2 = unknown: the field is not settable, the reader ignores it.
    ports = b"".join(_tlv(225, _u16(port) + b"\x80\x02") for port in range(1, inputs + 1))
    hold = _tlv(226, b"\x00")
    body = b"\x80" + _tlv(244, events) + keepalive + ports + hold
    return message(MessageType.SET_READER_CONFIG, message_id, body)


def get_inputs(message_id: int) -> bytes:
    """Asks for the present level of every input port (GET_READER_CONFIG, section 16.1.6)."""
    # Antenna 0 and port 0 = all of them; 9 = GPIPortCurrentState.
    return message(MessageType.GET_READER_CONFIG, message_id, _u16(0) + b"\x09" + _u16(0) + _u16(0))


def write_output(message_id: int, port: int, *, state: bool) -> bytes:
    """Switches one GPO and leaves all other configuration alone."""
    gpo = _tlv(219, _u16(port) + (b"\x80" if state else b"\x00"))
    return message(MessageType.SET_READER_CONFIG, message_id, b"\x00" + gpo)


def enable_events_and_reports(message_id: int) -> bytes:
    """Releases what a reader held back since the connection was made."""
    return message(MessageType.ENABLE_EVENTS_AND_REPORTS, message_id)


def keepalive_ack(message_id: int) -> bytes:
    """The answer to a KEEPALIVE, under its id."""
    return message(MessageType.KEEPALIVE_ACK, message_id)


def close_connection(message_id: int) -> bytes:
    """Asks the reader to end the connection."""
    return message(MessageType.CLOSE_CONNECTION, message_id)


def rospec_command(kind: MessageType, message_id: int, rospec_id: int) -> bytes:
    """ENABLE, START, STOP or DELETE of one ROSpec; DELETE of 0 deletes all."""
    return message(kind, message_id, _u32(rospec_id))


def add_rospec(message_id: int, spec: RoSpec) -> bytes:
    """ADD_ROSPEC: null start and stop triggers, one inventory over the antennas."""
    boundary = _tlv(178, _tlv(179, b"\x00") + _tlv(182, b"\x00" + bytes(4)))
    value = _u32(spec.id) + b"\x00\x00" + boundary + _ai_spec(spec) + _report_spec(spec)
    return message(MessageType.ADD_ROSPEC, message_id, _tlv(177, value))


def _ai_spec(spec: RoSpec) -> bytes:
    ports = [antenna.port for antenna in spec.antennas]
    stop = b"\x01" + _u32(spec.report_ms) if spec.report_ms else b"\x00" + bytes(4)
    command = _inventory_command(spec)
    antennas = b"".join(_antenna(spec, antenna, command) for antenna in spec.antennas)
    # Inventory parameter spec 1, air protocol 1 = EPCglobal Class 1 Gen 2.
    inventory = _tlv(186, _u16(1) + b"\x01" + antennas)
    return _tlv(183, _u16s(ports) + _tlv(184, stop) + inventory)


def _antenna(spec: RoSpec, antenna: AntennaSetup, command: bytes) -> bytes:
    transmitter = b""
    if antenna.power_index is not None:
        table, channel = (spec.hop_table, 0) if spec.hopping else (0, 1)
        transmitter = _tlv(224, _u16(table) + _u16(channel) + _u16(antenna.power_index))
    return _tlv(222, _u16(antenna.port) + transmitter + command)


def _inventory_command(spec: RoSpec) -> bytes:
    control = _tlv(336, bytes([(spec.session & 0x03) << 6]) + _u16(spec.tag_population) + bytes(4))
    mode = b"" if spec.mode_index is None else _tlv(335, _u16(spec.mode_index) + _u16(0))
    return _tlv(330, b"\x00" + mode + control)


def _report_spec(spec: RoSpec) -> bytes:
    # Trigger 1 = after N tags or at the end of the AISpec; N = 0 is the end alone.
    trigger = b"\x01" + _u16(0 if spec.report_ms else 1)
    # The PC word tells GS1 numbering from ISO.
    content = _tlv(238, _u16(_REPORT_CONTENT) + _tlv(348, b"\x40"))
    return _tlv(237, trigger + content + (_impinj_content() if spec.impinj else b""))


def _impinj_content() -> bytes:
    """ImpinjTagReportContentSelector with phase, RSSI in centi-dBm and Doppler enabled."""
    enabled = b"".join(_custom(subtype, _u16(1)) for subtype in (52, 53, 67))
    return _custom(50, enabled)


def _custom(subtype: int, value: bytes) -> bytes:
    return _tlv(1023, _u32(IMPINJ_VENDOR) + _u32(subtype) + value)


def _tlv(kind: int, value: bytes) -> bytes:
    return _u16(kind) + _u16(4 + len(value)) + value


def _u16(value: int) -> bytes:
    return value.to_bytes(2)


def _u32(value: int) -> bytes:
    return value.to_bytes(4)


def _u16s(items: Sequence[int]) -> bytes:
    return _u16(len(items)) + b"".join(map(_u16, items))
