"""The recorded-trace driver: a JSONL file of raw reads and sensor edges, replayed in file order.

A line that is not exactly a read or a sensor edge becomes a notice with its number, never a read.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TextIO

import msgspec
from msgspec import Meta, Struct

from edge.drivers.port import (
    DriverNotice,
    FatalError,
    RawRead,
    RawReading,
    RawSensor,
    TransientError,
)

_MAX_LINE: Final = 16_384
_LINES_AT_ONCE: Final = 500
# 2010 to 2100: milliseconds or seconds written as microseconds fall outside.
_Time = Annotated[int, Meta(ge=1_262_304_000_000_000, lt=4_102_444_800_000_000)]
_Port = Annotated[int, Meta(ge=1, le=64)]
_Rssi = Annotated[float, Meta(ge=-130, le=0)]


class TraceRead(Struct, frozen=True, forbid_unknown_fields=True):
    """One line that is a read; the fields are those of `RawRead`."""

    epc: Annotated[str, Meta(pattern=r"^(?:[0-9A-Fa-f]{4}){2,31}\Z")]
    antenna: _Port | None
    rssi_dbm: _Rssi | None
    occurred_at: _Time
    count: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    tid: Annotated[str, Meta(pattern=r"^(?:[0-9A-Fa-f]{4}){2,32}\Z")] | None = None
    phase_deg: Annotated[float, Meta(ge=0, lt=360)] | None = None
    frequency_khz: Annotated[int, Meta(ge=840_000, le=960_000)] | None = None
    tx_power_dbm: Annotated[float, Meta(ge=0, le=40)] | None = None
    doppler_hz: Annotated[float, Meta(ge=-1_000, le=1_000)] | None = None
    pc: Annotated[str, Meta(pattern=r"^[0-9A-Fa-f]{4}\Z")] | None = None


class TraceInput(Struct, frozen=True, forbid_unknown_fields=True):
    """One line that is an edge of a general-purpose input."""

    sensor: Literal["gpi"]
    port: _Port
    state: Literal["high", "low"]
    occurred_at: _Time


class TraceEye(Struct, frozen=True, forbid_unknown_fields=True):
    """One line that is an edge of a photo-eye."""

    sensor: Literal["photo_eye"]
    state: Literal["blocked", "clear"]
    occurred_at: _Time


@dataclass(frozen=True, slots=True)
class TraceConfig:
    """`speed` 1 = as recorded, 10 = ten times faster, 0 = as fast as possible. `start_at` moves the
    whole trace in time so that its first line occurs then; None keeps the recorded times."""

    path: Path
    speed: float = 1.0
    start_at: int | None = None


class TraceDriver:
    """A trace file behind the driver port. It has no outputs that act; it remembers their state.

    At speed 0 a line arrives at its own time, so that replays are equal to the microsecond.
    """

    def __init__(self, config: TraceConfig, *, now_us: Callable[[], int]) -> None:
        self._config = config
        self._now_us = now_us
        self._file: TextIO | None = None
        self.outputs: dict[int, bool] = {}

    async def connect(self) -> None:
        """Open the file from its start; a file that is not there is fatal."""
        await self.close()
        try:
            self._file = await asyncio.to_thread(_open, self._config.path)
        except OSError as error:
            raise FatalError(f"the trace cannot be opened ({type(error).__name__})") from None

    async def readings(self) -> AsyncIterator[RawReading]:
        """Every line in file order; returns at the end of the file."""
        file = self._file
        if file is None:
            raise TransientError("not connected")
        loop = asyncio.get_running_loop()
        started, first, shift, number = loop.time(), None, 0, 0
        while lines := await asyncio.to_thread(_next_lines, file):
            for line in lines:
                number += 1
                if not line.strip():
                    continue
                parsed = parse_line(line)
                if isinstance(parsed, str):
                    yield DriverNotice("bad_frame", self._now_us(), f"line {number}: {parsed}")
                    continue
                if first is None:
                    first = parsed.occurred_at
                    start_at = self._config.start_at
                    shift = 0 if start_at is None else start_at - first
                if self._config.speed > 0:
                    due_s = (parsed.occurred_at - first) / 1e6 / self._config.speed
                    await asyncio.sleep(started + due_s - loop.time())
                yield self._reading(parsed, parsed.occurred_at + shift)

    async def set_output(self, port: int, *, state: bool) -> None:
        """Remember the state."""
        if self._file is None:
            raise TransientError("not connected")
        if not 1 <= port <= 64:
            raise FatalError(f"a trace has no output {port}")
        self.outputs[port] = state

    async def close(self) -> None:
        """Close the file; safe at any time."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _reading(self, line: TraceRead | TraceInput | TraceEye, at: int) -> RawReading:
        received_at = self._now_us() if self._config.speed > 0 else at
        if isinstance(line, TraceInput):
            return RawSensor("gpi", at, received_at, {"port": line.port, "state": line.state})
        if isinstance(line, TraceEye):
            return RawSensor("photo_eye", at, received_at, {"state": line.state})
        return RawRead(
            epc=bytes.fromhex(line.epc),
            antenna=line.antenna,
            rssi_dbm=line.rssi_dbm,
            occurred_at=at,
            received_at=received_at,
            count=line.count,
            tid=line.tid and line.tid.upper(),
            phase_deg=line.phase_deg,
            frequency_khz=line.frequency_khz,
            tx_power_dbm=line.tx_power_dbm,
            doppler_hz=line.doppler_hz,
            pc=line.pc and line.pc.upper(),
        )


def parse_line(line: str) -> TraceRead | TraceInput | TraceEye | str:
    """A read or a sensor edge, or the reason why the line is neither."""
    if len(line) > _MAX_LINE:
        return "over the length limit"
    try:
        document = json.loads(line, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return "not one JSON object with unique keys"
    if not isinstance(document, dict):
        return "not one JSON object with unique keys"
    kinds = {"gpi": TraceInput, "photo_eye": TraceEye}
    sensor = document.get("sensor", "")
    kind: Any = TraceRead if sensor == "" else kinds.get(sensor if isinstance(sensor, str) else "")
    if kind is None:
        return "unknown kind of sensor"
    try:
        line_of_kind: TraceRead | TraceInput | TraceEye = msgspec.convert(document, kind)
    except (msgspec.ValidationError, UnicodeError):
        return "a field is missing, unknown or outside its range"
    return line_of_kind


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _refuse_constant(_: str) -> object:
    raise ValueError("not a JSON number")


def _open(path: Path) -> TextIO:
    # A byte that is not UTF-8 must spoil its own line only.
    return path.open(encoding="utf-8", errors="replace", newline="\n")


def _next_lines(file: TextIO) -> list[str]:
    lines: list[str] = []
    while len(lines) < _LINES_AT_ONCE:
        line = file.readline(_MAX_LINE + 1)
        if not line:
            break
        lines.append(line)
        while len(line) > _MAX_LINE and not line.endswith("\n"):
            line = file.readline(_MAX_LINE + 1)
    return lines
