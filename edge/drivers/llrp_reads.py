"""LLRP reports and events to raw readings. One instance lives as long as one connection.

A parameter the reader leaves out means "as in the last report" of the same connection and ROSpec;
a frame that is refused changes nothing of that memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from edge.drivers.llrp_codec import (
    Frame,
    TagReport,
    Tv,
    parse_report,
)
from edge.drivers.llrp_events import ReaderEvents, parse_events, parse_inputs
from edge.drivers.port import DriverNotice, RawRead, RawReading, RawSensor

# 2010-01-01 and 2100-01-01: a stamp outside is an unset clock or another unit, not a time.
_EARLIEST_US: Final = 1_262_304_000_000_000
_LATEST_US: Final = 4_102_444_800_000_000
_CARRIED: Final = frozenset(
    {
        Tv.ANTENNA_ID,
        Tv.FIRST_SEEN_UTC,
        Tv.FIRST_SEEN_UPTIME,
        Tv.LAST_SEEN_UTC,
        Tv.LAST_SEEN_UPTIME,
        Tv.PEAK_RSSI,
        Tv.CHANNEL_INDEX,
        Tv.TAG_SEEN_COUNT,
        Tv.ROSPEC_ID,
    }
)
_MAX_ANTENNA: Final = 64


class DeviceClock:
    """The reader's time in us. A clock that counts from its start is paired with an arrival."""

    def __init__(self) -> None:
        self._uptime_base: int | None = None
        self._unset_base: int | None = None

    @property
    def is_unset(self) -> bool:
        """True once the reader has sent a UTC stamp that cannot be one."""
        return self._unset_base is not None

    def from_utc(self, stamp: int, received_at: int) -> int:
        """A UTC stamp, or an uptime in disguise when the reader's clock was never set."""
        if _EARLIEST_US <= stamp < _LATEST_US:
            return stamp
        if self._unset_base is None:
            self._unset_base = received_at - stamp
        return self._unset_base + stamp

    def from_uptime(self, stamp: int, received_at: int) -> int:
        """Microseconds since the reader started."""
        if self._uptime_base is None:
            self._uptime_base = received_at - stamp
        return self._uptime_base + stamp


class ReadingDecoder:
    """Frames of one connection to readings, in the order the reader put them."""

    def __init__(self, frequencies_khz: Sequence[int] = ()) -> None:
        self.frequencies_khz = frequencies_khz
        self._carried: dict[int, int] = {}
        self._clock = DeviceClock()
        self._skew_told = False
        self._delay_us = 0

    def report(self, frame: Frame, received_at: int) -> list[RawReading]:
        """The reads of one report; a tag that cannot be used costs itself and leaves a notice."""
        readings: list[RawReading] = []
        for report in parse_report(frame):
            values = self._complete(report.values)
            flaw = _flaw(report)
            if flaw is not None:
                readings.append(DriverNotice("bad_frame", received_at, flaw))
                continue
            readings.append(self._read(report, values, received_at))
        return self._with_skew(readings, received_at)

    def events(self, frame: Frame, received_at: int) -> tuple[ReaderEvents, list[RawReading]]:
        """The events of one notification, as such and as readings."""
        events = parse_events(frame)
        at = self._event_time(events, received_at)
        self._delay_us = received_at - at
        readings: list[RawReading] = [
            RawSensor("gpi", at, received_at, _input(port, high)) for port, high in events.gpi
        ]
        for antenna, connected in events.antenna:
            what = "antenna_restored" if connected else "antenna_fault"
            readings.append(DriverNotice(what, received_at, f"antenna {antenna}", antenna))
        if events.buffer_percent is not None:
            full = f"report buffer {events.buffer_percent} % full"
            readings.append(DriverNotice("overflow", received_at, full))
        if events.overflowed:
            readings.append(DriverNotice("overflow", received_at, "reports were lost"))
        if events.exception:
            readings.append(DriverNotice("reader_exception", received_at))
        return events, self._with_skew(readings, received_at)

    def inputs(self, frame: Frame, received_at: int) -> list[RawReading]:
        """The levels the reader found its inputs at when asked. They carry no time of their own:
        it is the reader's clock as of its last event, moved on by the agent's."""
        at = received_at - self._delay_us
        return [
            RawSensor("gpi", at, received_at, _input(port, high), polled=True)
            for port, high in parse_inputs(frame)
        ]

    def _complete(self, values: dict[int, int]) -> dict[int, int]:
        rospec = values.get(Tv.ROSPEC_ID)
        if rospec is not None and rospec != self._carried.get(Tv.ROSPEC_ID):
            self._carried = {}
        complete = {**self._carried, **values}
        self._carried = {kind: value for kind, value in complete.items() if kind in _CARRIED}
        return complete

    def _read(self, report: TagReport, values: dict[int, int], received_at: int) -> RawRead:
        antenna = values.get(Tv.ANTENNA_ID)
        pc = values.get(Tv.PC)
        phase, doppler = report.phase_4096, report.doppler_16ths_hz
        return RawRead(
            epc=report.epc,
            antenna=antenna if antenna is not None and 1 <= antenna <= _MAX_ANTENNA else None,
            rssi_dbm=_rssi_dbm(report, values),
            occurred_at=self._read_time(values, received_at),
            received_at=received_at,
            count=max(1, values.get(Tv.TAG_SEEN_COUNT, 1)),
            tid=report.tid.hex().upper() if report.tid else None,
            phase_deg=None if phase is None else (phase % 4096) * 360 / 4096,
            frequency_khz=self._frequency(values.get(Tv.CHANNEL_INDEX)),
            doppler_hz=None if doppler is None else doppler / 16,
            pc=None if pc is None else f"{pc:04X}",
        )

    def _read_time(self, values: dict[int, int], received_at: int) -> int:
        for kind in (Tv.LAST_SEEN_UTC, Tv.FIRST_SEEN_UTC):
            if kind in values:
                return self._clock.from_utc(values[kind], received_at)
        for kind in (Tv.LAST_SEEN_UPTIME, Tv.FIRST_SEEN_UPTIME):
            if kind in values:
                return self._clock.from_uptime(values[kind], received_at)
        return received_at

    def _event_time(self, events: ReaderEvents, received_at: int) -> int:
        if events.utc_us is not None:
            return self._clock.from_utc(events.utc_us, received_at)
        if events.uptime_us is not None:
            return self._clock.from_uptime(events.uptime_us, received_at)
        return received_at

    def _frequency(self, channel: int | None) -> int | None:
        if channel is None or not 1 <= channel <= len(self.frequencies_khz):
            return None
        frequency = self.frequencies_khz[channel - 1]
        return frequency if 840_000 <= frequency <= 960_000 else None

    def _with_skew(self, readings: list[RawReading], received_at: int) -> list[RawReading]:
        if self._skew_told or not self._clock.is_unset:
            return readings
        self._skew_told = True
        return [DriverNotice("skew", received_at, "the reader's clock is not set"), *readings]


def _input(port: int, high: bool) -> dict[str, str | int | float]:
    return {"port": port, "state": "high" if high else "low"}


def _rssi_dbm(report: TagReport, values: dict[int, int]) -> float | None:
    """The finer Impinj value where there is one; a level no reader can hear is not reported."""
    if report.rssi_centi_dbm is not None:
        rssi = report.rssi_centi_dbm / 100
    elif Tv.PEAK_RSSI in values:
        rssi = float(values[Tv.PEAK_RSSI])
    else:
        return None
    return rssi if -130 <= rssi <= 0 else None


def _flaw(report: TagReport) -> str | None:
    if report.epc_bits == 0:
        return "a tag report has no EPC"
    if report.epc_bits % 16 or report.epc_bits > 496:
        return f"an EPC of {report.epc_bits} bits"
    return None
