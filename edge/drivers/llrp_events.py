"""What a reader says about itself: events and the status of responses. Pure, on `llrp_codec`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from edge.drivers.llrp_codec import (
    HEADER_BYTES,
    BodyError,
    Frame,
    MessageType,
    parameters,
    sized,
)

_EVENT_DATA: Final = 246
_LLRP_STATUS: Final = 287
_INPUT_STATE: Final = 225


@dataclass(slots=True)
class ReaderEvents:
    """What one READER_EVENT_NOTIFICATION says; `utc_us` or `uptime_us` is its time."""

    utc_us: int | None = None
    uptime_us: int | None = None
    connection_attempt: int | None = None
    connection_closed: bool = False
    gpi: list[tuple[int, bool]] = field(default_factory=list)
    antenna: list[tuple[int, bool]] = field(default_factory=list)
    buffer_percent: int | None = None
    overflowed: bool = False
    exception: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """LLRPStatus; code 0 is success."""

    code: int
    description: str


def parse_events(frame: Frame) -> ReaderEvents:
    """The events of a READER_EVENT_NOTIFICATION; kinds of no interest here are skipped."""
    events = ReaderEvents()
    data = frame.data
    try:
        for kind, start, stop in parameters(data, HEADER_BYTES, len(data)):
            if kind == _EVENT_DATA:
                for event, low, high in parameters(data, start, stop):
                    _event(events, event, data[low:high])
    except BodyError as error:
        raise BodyError(error.reason, data) from None
    return events


def _event(events: ReaderEvents, kind: int, value: bytes) -> None:
    if kind == 128:
        events.utc_us = int.from_bytes(sized(value, 8))
    elif kind == 129:
        events.uptime_us = int.from_bytes(sized(value, 8))
    elif kind == 248:
        sized(value, 3)
        events.gpi.append((int.from_bytes(value[:2]), bool(value[2] & 0x80)))
    elif kind == 250:
        events.buffer_percent = sized(value, 1)[0]
    elif kind == 251:
        events.overflowed = True
    elif kind == 252:
        events.exception = True
    elif kind == 255:
        # AntennaEvent: 0 = disconnected, 1 = connected (section 13.2.6.11).
        sized(value, 3)
        events.antenna.append((int.from_bytes(value[1:]), value[0] == 1))
    elif kind == 256:
        events.connection_attempt = int.from_bytes(sized(value, 2))
    elif kind == 257:
        events.connection_closed = True


def parse_inputs(frame: Frame) -> list[tuple[int, bool]]:
    """(port, high) of each enabled input in a GET_READER_CONFIG_RESPONSE; unknown ones are out."""
    found = []
    data = frame.data
    try:
        for kind, start, stop in parameters(data, HEADER_BYTES, len(data)):
            if kind != _INPUT_STATE:
                continue
            # GPIPortCurrentState: port, enabled bit, then 0 = low, 1 = high, 2 = unknown.
            value = sized(data[start:stop], 4)
            if value[2] & 0x80 and value[3] in (0, 1):
                found.append((int.from_bytes(value[:2]), value[3] == 1))
    except BodyError as error:
        raise BodyError(error.reason, data) from None
    return found


def parse_status(frame: Frame) -> Status:
    """The LLRPStatus that every response and ERROR_MESSAGE must carry."""
    data = frame.data
    # A custom message has vendor and subtype before its parameters.
    at = HEADER_BYTES + (5 if frame.kind == MessageType.CUSTOM_MESSAGE else 0)
    try:
        for kind, start, stop in parameters(data, at, len(data)):
            if kind == _LLRP_STATUS:
                size = int.from_bytes(data[start + 2 : start + 4])
                if stop - start < 4 + size:
                    raise BodyError("the status text runs past its parameter")
                text = data[start + 4 : start + 4 + size].decode("utf-8", errors="replace")
                return Status(int.from_bytes(data[start : start + 2]), text)
    except BodyError as error:
        raise BodyError(error.reason, data) from None
    raise BodyError("a response has no status", data)
