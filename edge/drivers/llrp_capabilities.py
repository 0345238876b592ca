"""What a reader can do, by its capabilities response. Pure; what is not reported stays empty."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge.drivers.llrp_codec import HEADER_BYTES, BodyError, Frame, parameters

_GENERAL, _GPIO, _LLRP, _REGULATORY = 137, 141, 142, 143
_UHF_BAND, _POWER_ENTRY, _FREQUENCY, _HOP_TABLE, _FIXED_TABLE = 144, 145, 146, 147, 148


@dataclass(slots=True)
class Capabilities:
    """Powers are {table index: centi-dBm}; `frequencies_khz` is indexed by ChannelIndex - 1."""

    antennas: int = 0
    has_utc_clock: bool = False
    manufacturer: int = 0
    inputs: int = 0
    outputs: int = 0
    holds_reports: bool = False
    hopping: bool = False
    hop_table: int = 0
    powers_centi_dbm: dict[int, int] = field(default_factory=dict)
    frequencies_khz: list[int] = field(default_factory=list)

    def power_index(self, wanted_dbm: float) -> int | None:
        """The strongest setting that does not exceed the wanted power; None if all do."""
        fitting = [
            (power, index)
            for index, power in self.powers_centi_dbm.items()
            if power <= round(wanted_dbm * 100)
        ]
        return max(fitting)[1] if fitting else None


def parse_capabilities(frame: Frame) -> Capabilities:
    """Reads the general, GPIO, LLRP and UHF parameters; the rest is skipped."""
    found = Capabilities()
    try:
        _walk(found, frame.data, HEADER_BYTES, len(frame.data))
    except BodyError as error:
        raise BodyError(error.reason, frame.data) from None
    return found


def _walk(found: Capabilities, data: bytes, at: int, end: int) -> None:
    for kind, start, stop in parameters(data, at, end):
        if kind == _GENERAL:
            _general(found, data, start, stop)
        elif kind == _LLRP:
            found.holds_reports = bool(_at_least(data[start:stop], 1)[0] & 0x08)
        elif kind == _REGULATORY:
            _walk(found, data, start + 4, stop)
        elif kind == _UHF_BAND:
            _walk(found, data, start, stop)
        elif kind == _POWER_ENTRY:
            entry = _at_least(data[start:stop], 4)
            index = int.from_bytes(entry[:2])
            found.powers_centi_dbm[index] = int.from_bytes(entry[2:4], signed=True)
        elif kind == _FREQUENCY:
            found.hopping = bool(_at_least(data[start:stop], 1)[0] & 0x80)
            _walk(found, data, start + 1, stop)
        elif kind in (_HOP_TABLE, _FIXED_TABLE):
            _frequencies(found, kind, _at_least(data[start:stop], 2))


def _general(found: Capabilities, data: bytes, start: int, stop: int) -> None:
    head = _at_least(data[start:stop], 14)
    found.antennas = int.from_bytes(head[:2])
    found.has_utc_clock = bool(head[2] & 0x40)
    found.manufacturer = int.from_bytes(head[4:8])
    children = start + 14 + int.from_bytes(head[12:14])
    for kind, low, high in parameters(data, children, stop):
        if kind == _GPIO:
            gpio = _at_least(data[low:high], 4)
            found.inputs, found.outputs = int.from_bytes(gpio[:2]), int.from_bytes(gpio[2:4])


def _frequencies(found: Capabilities, kind: int, value: bytes) -> None:
    if found.frequencies_khz:
        return
    head = 2
    if kind == _HOP_TABLE:
        head = 4
        found.hop_table = value[0]
    count = int.from_bytes(_at_least(value, head)[head - 2 : head])
    table = _at_least(value, head + 4 * count)[head:]
    found.frequencies_khz = [int.from_bytes(table[i : i + 4]) for i in range(0, 4 * count, 4)]


def _at_least(value: bytes, size: int) -> bytes:
    if len(value) < size:
        raise BodyError("a parameter is shorter than its type")
    return value
