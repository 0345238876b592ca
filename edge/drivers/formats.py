"""Decoders by format name: what the command line and the agent make of a device's bytes.

One decoder is one device's memory. A new driver adds its line to `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol

from edge.drivers.json_mapping import MappingDecoder, MappingError, parse_mapping
from edge.drivers.llrp_codec import BodyError, FramingError, MessageType, decode_frame
from edge.drivers.llrp_reads import ReadingDecoder
from edge.drivers.plain_lines import BarcodeLines, SparkplugLines
from edge.drivers.port import RawRead, RawSensor
from edge.drivers.r700_events import R700Decoder
from edge.drivers.refusals import Item, Refused
from edge.drivers.trace import TraceRead, parse_line
from edge.drivers.zebra_events import ZebraDecoder
from edge.drivers.zebra_handheld import HandheldDecoder


class Decoder(Protocol):
    """Bytes of one message to items; never raises for what is in them."""

    def decode(self, payload: bytes, received_at: int, topic: str = "") -> Iterable[Item]: ...


class LlrpLines:
    """Whole LLRP messages as hex, of one connection."""

    def __init__(self) -> None:
        self._reads = ReadingDecoder()

    def decode(self, payload: bytes, received_at: int, topic: str = "") -> Iterator[Item]:
        """Reads and events; a bad frame is refused with its reason."""
        try:
            frame = decode_frame(bytes.fromhex(payload.decode("ascii").strip()))
        except (ValueError, FramingError) as error:
            detail = str(error) if isinstance(error, FramingError) else "not hex"
            yield Refused("E_FRAME", detail)
            return
        try:
            if frame.kind == MessageType.RO_ACCESS_REPORT:
                yield from self._reads.report(frame, received_at)
            elif frame.kind == MessageType.READER_EVENT_NOTIFICATION:
                _, readings = self._reads.events(frame, received_at)
                yield from readings
                if not readings:
                    yield Refused("N_NOT_A_READING", "a connection event")
            else:
                yield Refused("N_NOT_A_READING", f"LLRP message {frame.kind}")
        except BodyError as error:
            yield Refused("E_FRAME", error.reason)


class TraceLines:
    """Lines of a recorded trace."""

    def decode(self, payload: bytes, received_at: int, topic: str = "") -> Iterator[Item]:
        """One read or sensor edge."""
        line = parse_line(payload.decode("utf-8", errors="replace"))
        if isinstance(line, str):
            yield Refused("E_FRAME", line)
        elif isinstance(line, TraceRead):
            tid, pc = line.tid and line.tid.upper(), line.pc and line.pc.upper()
            yield RawRead(
                bytes.fromhex(line.epc), line.antenna, line.rssi_dbm, line.occurred_at,
                received_at, line.count, tid, line.phase_deg, line.frequency_khz,
                line.tx_power_dbm, line.doppler_hz, pc,
            )  # fmt: skip
        elif line.sensor == "gpi":
            edge = {"port": line.port, "state": line.state}
            yield RawSensor("gpi", line.occurred_at, received_at, edge)
        else:
            yield RawSensor(line.sensor, line.occurred_at, received_at, {"state": line.state})


def _mapped(mapping: str | None) -> Decoder:
    if mapping is None:
        raise MappingError("this format needs a mapping file")
    return MappingDecoder(parse_mapping(mapping))


FORMATS: Final[dict[str, Callable[[str | None], Decoder]]] = {
    "llrp": lambda _: LlrpLines(),
    "r700": lambda _: R700Decoder(),
    "zebra": lambda _: ZebraDecoder(),
    "zebra-handheld": lambda _: HandheldDecoder(),
    "json": _mapped,
    "trace": lambda _: TraceLines(),
    "sparkplug": lambda _: SparkplugLines(),
    "barcode": lambda _: BarcodeLines(),
}
