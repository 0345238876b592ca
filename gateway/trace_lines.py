"""Lines of a recorded gate trace: raw reads and beam edges, each taken or refused with a code.

Fields that are not ours are left alone: recordings carry labels and notes of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from contracts.gs1.epc import EpcError, Seen, look_up
from contracts.strict_json import JsonRefusedError, parse_exactly
from gateway.trace_time import TraceTimeError, parse_time

MAX_LINE = 65_536
_STATES = {"high": True, "blocked": True, "low": False, "clear": False}


@dataclass(frozen=True, slots=True)
class TraceRead:
    """One antenna hit. `line` counts from 1; `rssi_dbm` None when the reader gave none."""

    line: int
    epc: str
    seen: Seen
    antenna: int | None
    rssi_dbm: float | None
    at: int
    count: int = 1
    phase_deg: float | None = None


@dataclass(frozen=True, slots=True)
class TraceEdge:
    """One change of a beam, named by its input port or by its side."""

    line: int
    at: int
    blocked: bool
    port: int | None = None
    side: str | None = None


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that is not used: its number, a reason code and the field."""

    line: int
    code: str
    pointer: str = ""


@dataclass(slots=True)
class Trace:
    """A whole recording in order of time, and what of it was refused, in order of lines."""

    readings: list[TraceRead | TraceEdge] = field(default_factory=list)
    refused: list[RefusedLine] = field(default_factory=list)
    lines: int = 0
    blank: int = 0
    out_of_order: int = 0
    documents: dict[int, Mapping[str, object]] = field(default_factory=dict)


class _RefusalError(Exception):
    def __init__(self, code: str, pointer: str) -> None:
        super().__init__(code)
        self.code, self.pointer = code, pointer


def read_trace(lines: Iterable[bytes], *, keep_documents: bool = False) -> Trace:
    """Every line of a recording; the readings are sorted by time, equal times keep their order."""
    trace = Trace()
    newest = 0
    for number, line in enumerate(lines, start=1):
        trace.lines = number
        if not line.strip():
            trace.blank += 1
            continue
        try:
            document = _document(line)
            found = _reading(number, document)
        except _RefusalError as refusal:
            trace.refused.append(RefusedLine(number, refusal.code, refusal.pointer))
            continue
        trace.out_of_order += found.at < newest
        newest = max(newest, found.at)
        trace.readings.append(found)
        if keep_documents:
            trace.documents[number] = document
    trace.readings.sort(key=lambda reading: reading.at)
    return trace


def _document(line: bytes) -> Mapping[str, object]:
    if len(line) > MAX_LINE:
        raise _RefusalError("E_SIZE", "")
    text = line.rstrip(b"\r\n").removeprefix(b"\xef\xbb\xbf")
    try:
        document = parse_exactly(text)
    except JsonRefusedError as refusal:
        raise _RefusalError(refusal.code, "") from None
    if not isinstance(document, dict):
        raise _RefusalError("E_FIELD_TYPE", "")
    return document


def _reading(number: int, document: Mapping[str, object]) -> TraceRead | TraceEdge:
    if document.get("sensor") is not None or document.get("beam") is not None:
        return _edge(number, document)
    epc = _epc(document)
    read = TraceRead(
        line=number,
        epc=epc.upper(),
        seen=_seen(epc, document.get("pc")),
        antenna=_whole(document, "antenna", 1, 64) if "antenna" in document else None,
        rssi_dbm=_number(document, "rssi_dbm", -130.0, 0.0),
        at=_time(document),
        count=_whole(document, "count", 1, 1_000_000) or 1,
        phase_deg=_number(document, "phase_deg", 0.0, 360.0),
    )
    if read.phase_deg == 360.0:
        raise _RefusalError("E_FIELD_RANGE", "/phase_deg")
    return read


def _edge(number: int, document: Mapping[str, object]) -> TraceEdge:
    """`{"sensor": "gpi", "port": 1, "state": "high"}` or `{"beam": "inside", "state": "clear"}`."""
    side = document.get("beam")
    if side is not None and side not in ("outside", "inside"):
        raise _RefusalError("E_FIELD_RANGE" if isinstance(side, str) else "E_FIELD_TYPE", "/beam")
    if side is None and document.get("sensor") not in ("gpi", "photo_eye"):
        raise _RefusalError("E_KIND", "/sensor")
    port = None if side is not None else _whole(document, "port", 1, 64)
    if side is None and port is None:
        raise _RefusalError("E_FIELD_MISSING", "/port")
    state = document.get("state")
    if "state" not in document:
        raise _RefusalError("E_FIELD_MISSING", "/state")
    if not isinstance(state, str):
        raise _RefusalError("E_FIELD_TYPE", "/state")
    if state not in _STATES:
        raise _RefusalError("E_FIELD_RANGE", "/state")
    return TraceEdge(number, _time(document), _STATES[state], port, None if side is None else side)


def _epc(document: Mapping[str, object]) -> str:
    if "epc" not in document:
        raise _RefusalError("E_FIELD_MISSING", "/epc")
    epc = document["epc"]
    if not isinstance(epc, str):
        raise _RefusalError("E_FIELD_TYPE", "/epc")
    return epc


def _seen(epc: str, pc: object) -> Seen:
    try:
        return look_up(epc, pc if isinstance(pc, str) and len(pc) == 4 and _is_hex(pc) else None)
    except EpcError as refusal:
        raise _RefusalError(refusal.code, "/epc") from None


def _is_hex(text: str) -> bool:
    return all(c in "0123456789abcdefABCDEF" for c in text)


def _time(document: Mapping[str, object]) -> int:
    if "occurred_at" not in document:
        raise _RefusalError("E_FIELD_MISSING", "/occurred_at")
    try:
        return parse_time(document["occurred_at"])
    except TraceTimeError as refusal:
        raise _RefusalError(refusal.code, "/occurred_at") from None


def _whole(document: Mapping[str, object], name: str, low: int, high: int) -> int | None:
    """An integer in its range; None when it is absent or null."""
    value = document.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise _RefusalError("E_FIELD_TYPE", f"/{name}")
    if not low <= value <= high:
        raise _RefusalError("E_FIELD_RANGE", f"/{name}")
    return value


def _number(document: Mapping[str, object], name: str, low: float, high: float) -> float | None:
    value = document.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _RefusalError("E_FIELD_TYPE", f"/{name}")
    if not low <= value <= high:
        raise _RefusalError("E_FIELD_RANGE", f"/{name}")
    return float(value)
