"""Readings to the lines of a recorded trace, those that `edge.drivers.trace` reads back."""

from __future__ import annotations

from typing import TextIO

import msgspec

from edge.drivers.port import RawRead, RawReading, RawSensor
from edge.drivers.trace import TraceEye, TraceInput, TraceRead, parse_line


class TraceWriter:
    """Writes readings in the order they came. What has no line of its own is counted, not kept."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.lines = 0
        self.left_out = 0

    def write(self, reading: RawReading) -> None:
        """One line, if the reading has one; notices of the device have none."""
        line = trace_line(reading)
        if line is None:
            return
        if isinstance(parse_line(line), str):
            # A time before 2010 or an EPC of one word: the replay would refuse it.
            self.left_out += 1
            return
        self._file.write(line + "\n")
        self.lines += 1


def trace_line(reading: RawReading) -> str | None:
    """The line of a read or a sensor edge; None for anything else."""
    found: TraceRead | TraceInput | TraceEye
    if isinstance(reading, RawRead):
        found = TraceRead(
            epc=reading.epc.hex().upper(),
            antenna=reading.antenna,
            rssi_dbm=reading.rssi_dbm,
            occurred_at=reading.occurred_at,
            count=reading.count,
            tid=reading.tid,
            phase_deg=reading.phase_deg,
            frequency_khz=reading.frequency_khz,
            tx_power_dbm=reading.tx_power_dbm,
            doppler_hz=reading.doppler_hz,
            pc=reading.pc,
        )
        named = msgspec.to_builtins(found)
        kept = {key: value for key, value in named.items() if value is not None or key in _ALWAYS}
        return msgspec.json.encode(kept).decode()
    if isinstance(reading, RawSensor) and reading.kind in ("gpi", "photo_eye"):
        line = {"sensor": reading.kind, **reading.fields, "occurred_at": reading.occurred_at}
        return msgspec.json.encode(line).decode()
    return None


_ALWAYS = ("antenna", "rssi_dbm")
