"""What a placed message holds: its readings judged one by one, its times set right.

A message that breaks a rule as a whole raises; a reading that breaks one is listed, the rest stay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from contracts import judge
from contracts.device_fields import devices_problem
from contracts.fields import (
    HEADER,
    STATUS,
    Field,
    Problem,
    missing,
    pointer,
    problem_of,
    unknown,
    wrong_type,
)
from contracts.gs1.epc import EpcError, Seen, look_up
from contracts.topics import UpKind
from contracts.v1 import (
    AgentStatus,
    DeviceStatus,
    Observation,
    ReadBatch,
    Scan,
    ScanBatch,
    SensorBatch,
    SensorReading,
    Up,
)

MAX_READINGS = 500
CLOCK_SKEW = "F_CLOCK_SKEW"
_EPC = attrgetter("epc")
_JUDGED = attrgetter("first_at", "occurred_at", "last_at", "pc", "tid")
_PLACE = attrgetter("index")


class ContractViolation(Exception):
    """A message refused as a whole; `check` is the number of the check that failed (wire.md)."""

    def __init__(self, check: int, code: str, pointer: str = "") -> None:
        super().__init__(f"{code} {pointer}".rstrip())
        self.check = check
        self.code = code
        self.pointer = pointer


def raise_for(check: int, problem: Problem | None) -> None:
    """Refuse the message when there is a problem."""
    if problem is not None:
        raise ContractViolation(check, *problem)


@dataclass(frozen=True, slots=True)
class Header:
    """A message that has passed checks (5) to (7): it may now be placed in its stream."""

    kind: UpKind
    schema: str
    site: str
    agent: str
    boot: int
    seq: int
    sent_at: int
    typed: ReadBatch | ScanBatch | None
    tree: dict[str, object]


@dataclass(frozen=True, slots=True)
class BadReading:
    """One refused reading: its place in the message, why, where, and its own JSON."""

    index: int
    code: str
    pointer: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Content:
    """The accepted readings of a message, times corrected; `indices` are their places in it.

    `seen` holds key, kind and hold code of each accepted observation, in the batch's order.
    """

    message: Up
    indices: Sequence[int]
    problems: tuple[BadReading, ...] = ()
    flags: tuple[str, ...] = ()
    seen: tuple[Seen, ...] = ()


def content_of(header: Header) -> Content:
    """Checks (11) and (12). Raises `ContractViolation` for what costs the whole message."""
    if header.kind == "status":
        return Content(_status(header.tree), ())
    if header.typed is None:
        return _read_exactly(header)
    if isinstance(header.typed, ReadBatch) and (seen := _all_good(header.typed)):
        return Content(header.typed, range(len(seen)), seen=seen)
    readings: Sequence[Observation | Scan] = (
        header.typed.reads if isinstance(header.typed, ReadBatch) else header.typed.scans
    )
    return _judged(header, list(enumerate(readings)), [])


def corrected(content: Content, ahead: int) -> Content:
    """The same readings with every time of the message moved back by `ahead` microseconds."""
    message = content.message
    flags = (*content.flags, CLOCK_SKEW)
    sent_at = message.sent_at - ahead
    if isinstance(message, AgentStatus):
        oldest = message.oldest_at
        oldest = oldest if oldest is UNSET else max(0, oldest - ahead)
        devices = message.devices
        devices = devices if devices is UNSET else [_moved_device(one, ahead) for one in devices]
        moved: Up = replace(message, sent_at=sent_at, oldest_at=oldest, devices=devices)
    elif isinstance(message, ReadBatch):
        reads = [_moved_read(read, ahead) for read in message.reads]
        moved = replace(message, sent_at=sent_at, reads=reads)
    elif isinstance(message, ScanBatch):
        scans = [replace(scan, occurred_at=scan.occurred_at - ahead) for scan in message.scans]
        moved = replace(message, sent_at=sent_at, scans=scans)
    else:
        sensors = [replace(one, occurred_at=one.occurred_at - ahead) for one in message.sensors]
        moved = replace(message, sent_at=sent_at, sensors=sensors)
    return Content(moved, content.indices, content.problems, flags, content.seen)


def _moved_device(device: DeviceStatus, ahead: int) -> DeviceStatus:
    if device.antennas is UNSET:
        return device
    antennas = [
        one
        if one.last_read_at is UNSET
        else replace(one, last_read_at=max(0, one.last_read_at - ahead))
        for one in device.antennas
    ]
    return replace(device, antennas=antennas)


def _moved_read(read: Observation, ahead: int) -> Observation:
    return replace(
        read,
        occurred_at=read.occurred_at - ahead,
        first_at=read.first_at if read.first_at is UNSET else read.first_at - ahead,
        last_at=read.last_at if read.last_at is UNSET else read.last_at - ahead,
    )


def _all_good(batch: ReadBatch) -> tuple[Seen, ...]:
    """What the readings stand for when each is plainly good; nothing when one needs a closer look.

    A time left out raises `TypeError` in the comparison, which is cheaper than asking for each.
    """
    oldest, newest = batch.sent_at - judge.OLDEST_US, batch.sent_at + judge.AHEAD_US
    try:
        for first, at, last, pc, tid in map(_JUDGED, batch.reads):
            if not oldest <= first <= at <= last <= newest or pc is not UNSET:
                return ()
            if tid is not UNSET:
                return ()
        return tuple(map(look_up, map(_EPC, batch.reads)))
    except (TypeError, EpcError):
        return ()


def _read_exactly(header: Header) -> Content:
    kind, tree = header.kind, header.tree
    fields = (*HEADER, Field(kind, "list"))
    raise_for(11, missing(tree, fields) or unknown(tree, fields) or wrong_type(tree, fields))
    entries = tree[kind]
    if not isinstance(entries, list) or not entries:
        raise ContractViolation(11, "E_BATCH_EMPTY", pointer(kind))
    if len(entries) > MAX_READINGS:
        raise ContractViolation(11, "E_BATCH_TOO_MANY", pointer(kind))
    read = _FIELDS[kind]
    readings: list[tuple[int, judge.Reading]] = []
    problems: list[BadReading] = []
    for index, entry in enumerate(entries):
        reading = read(entry)
        if isinstance(reading, tuple):
            problems.append(_bad(kind, index, reading, entry))
        else:
            readings.append((index, reading))
    return _judged(header, readings, problems)


_FIELDS: dict[str, Callable[[object], judge.Reading | Problem]] = {
    "reads": judge.read_fields,
    "scans": judge.scan_fields,
    "sensors": judge.sensor_fields,
}


def _bad(kind: str, index: int, problem: Problem, entry: object) -> BadReading:
    code, where = problem
    return BadReading(index, code, pointer(kind, index) + where, msgspec.json.encode(entry))


def _judged(
    header: Header, readings: Sequence[tuple[int, judge.Reading]], problems: list[BadReading]
) -> Content:
    """The readings that mean something, in a batch of the same header."""
    good: list[judge.Reading] = []
    indices: list[int] = []
    for index, reading in readings:
        if problem := _meaning(reading, header.sent_at):
            problems.append(_bad(header.kind, index, problem, reading))
        else:
            good.append(reading)
            indices.append(index)
    reads = [one for one in good if isinstance(one, Observation)]
    seen = tuple(look_up(one.epc, None if one.pc is UNSET else one.pc) for one in reads)
    message = _batch(header, good, reads)
    return Content(message, indices, tuple(sorted(problems, key=_PLACE)), seen=seen)


def _meaning(reading: judge.Reading, sent_at: int) -> Problem | None:
    if isinstance(reading, Observation):
        return judge.read_meaning(reading, sent_at=sent_at)
    if isinstance(reading, Scan):
        return judge.scan_meaning(reading, sent_at=sent_at)
    return judge.sensor_meaning(reading, sent_at=sent_at)


def _batch(header: Header, good: list[judge.Reading], reads: list[Observation]) -> Up:
    schema, site, agent = header.schema, header.site, header.agent
    boot, seq, sent_at = header.boot, header.seq, header.sent_at
    if header.kind == "reads":
        return ReadBatch(
            schema=schema,
            site=site,
            agent=agent,
            boot=boot,
            seq=seq,
            sent_at=sent_at,
            reads=reads,
        )
    if header.kind == "scans":
        return ScanBatch(
            schema=schema,
            site=site,
            agent=agent,
            boot=boot,
            seq=seq,
            sent_at=sent_at,
            scans=[one for one in good if isinstance(one, Scan)],
        )
    return SensorBatch(
        schema=schema,
        site=site,
        agent=agent,
        boot=boot,
        seq=seq,
        sent_at=sent_at,
        sensors=[one for one in good if isinstance(one, SensorReading)],
    )


def _status(tree: dict[str, object]) -> AgentStatus:
    fields = tuple(one._replace(low=0) if one.name == "seq" else one for one in (*HEADER, *STATUS))
    raise_for(11, problem_of(tree, fields))
    raise_for(11, devices_problem(tree.get("devices", [])))
    return msgspec.convert(tree, AgentStatus)
