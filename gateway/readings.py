"""What readings mean at this site: registered devices, known belts and places, jams, barcodes.

A reading that fails costs itself only and becomes a dead letter of its message.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import attrgetter
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from contracts.content import Content
from contracts.gs1.elements import BarcodeError, parse_barcode
from contracts.gs1.epc import Seen
from contracts.v1 import Observation, ReadBatch, Scan, ScanBatch, SensorBatch, SensorReading
from gateway.registry import Registry

Reading = Observation | Scan | SensorReading
_HEARD_AT = attrgetter("device", "antenna")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one reading is refused, where in the message, and its bytes."""

    index: int
    code: str
    pointer: str
    raw: bytes


class Good(NamedTuple):
    """An accepted reading. `seen` is the identity of a tag; `scanned` the key a barcode names."""

    reading: Reading
    seen: Seen | None = None
    scanned: str | None = None


@dataclass(frozen=True, slots=True)
class Tags:
    """A message of tags alone, which is the usual one: side by side, with no object for each."""

    reads: Sequence[Observation]
    identities: Sequence[Seen]

    def __len__(self) -> int:
        return len(self.reads)

    def __iter__(self) -> Iterator[tuple[Observation, Seen, None]]:
        """As triples like those of `Good`."""
        return zip(self.reads, self.identities, repeat(None))


Accepted = Sequence[Good] | Tags


class Belts:
    """Which belts are jammed, counting the changes of the group in hand."""

    def __init__(self, jammed: frozenset[str]) -> None:
        self._jammed = jammed
        self.changes: dict[str, int | None] = {}

    def jam(self, belt: str, at: int) -> None:
        """A belt jams; one that is jammed stays so."""
        if not self._is_jammed(belt):
            self.changes[belt] = at

    def clear(self, belt: str) -> bool:
        """A jam is cleared; False when there was none."""
        if not self._is_jammed(belt):
            return False
        self.changes[belt] = None
        return True

    def _is_jammed(self, belt: str) -> bool:
        if belt in self.changes:
            return self.changes[belt] is not None
        return belt in self._jammed


def sort_out(
    content: Content, *, agent: str, registry: Registry, belts: Belts
) -> tuple[Accepted, list[Problem]]:
    """The readings of a message that count here, and those that do not."""
    if (tags := _all_known(content, agent, registry)) is not None:
        return tags, []
    good: list[Good] = []
    problems = [Problem(p.index, p.code, p.pointer, p.raw) for p in content.problems]
    for index, candidate in zip(content.indices, _candidates(content), strict=True):
        reading = candidate.reading
        if (agent, reading.device) not in registry.devices:
            problems.append(_problem(index, "E_DEVICE_UNKNOWN", "device", reading))
        elif isinstance(reading, Observation):
            known = (
                reading.antenna is None
                or (agent, reading.device, reading.antenna) in registry.antennas
            )
            if known:
                good.append(candidate)
            else:
                problems.append(_problem(index, "E_DEVICE_UNKNOWN", "antenna", reading))
        elif isinstance(reading, Scan):
            found = _scan(index, reading, registry)
            (good if isinstance(found, Good) else problems).append(found)  # type: ignore[arg-type]
        else:
            refused = _sensor(index, reading, registry, belts)
            if refused is None:
                good.append(candidate)
            else:
                problems.append(refused)
    return good, problems


def _all_known(content: Content, agent: str, registry: Registry) -> Tags | None:
    """The readings when they are tags alone, all heard by antennas of the site: the usual case."""
    if content.problems or not isinstance(content.message, ReadBatch):
        return None
    reads = content.message.reads
    if not all((agent, *place) in registry.antennas for place in set(map(_HEARD_AT, reads))):
        return None
    return Tags(reads, content.seen)


def _candidates(content: Content) -> Iterator[Good]:
    message = content.message
    if isinstance(message, ReadBatch):
        return map(Good, message.reads, content.seen)
    if isinstance(message, ScanBatch):
        return map(Good, message.scans)
    return map(Good, message.sensors if isinstance(message, SensorBatch) else ())


def _problem(index: int, code: str, field: str, reading: Reading) -> Problem:
    kind = {Observation: "reads", Scan: "scans", SensorReading: "sensors"}[type(reading)]
    return Problem(index, code, f"/{kind}/{index}/{field}", msgspec.json.encode(reading))


def _scan(index: int, scan: Scan, registry: Registry) -> Good | Problem:
    day = dt.datetime.fromtimestamp(scan.occurred_at / 1e6, dt.UTC).date()
    symbology = None if scan.symbology is UNSET else scan.symbology
    try:
        barcode = parse_barcode(scan.code, today=day, symbology=symbology)
    except BarcodeError as refusal:
        return _problem(index, refusal.code, "code", scan)
    if barcode.kind == "location" and barcode.text not in registry.locations:
        return _problem(index, "E_LOCATION_UNKNOWN", "code", scan)
    return Good(scan, None, barcode.epc_key)


def _sensor(index: int, sensor: SensorReading, registry: Registry, belts: Belts) -> Problem | None:
    if sensor.kind != "conveyor":
        return None
    belt = "" if sensor.belt is UNSET else sensor.belt
    if belt not in registry.belts:
        return _problem(index, "E_BELT_UNKNOWN", "belt", sensor)
    if sensor.event == "jam":
        belts.jam(belt, sensor.occurred_at)
    elif sensor.event == "jam_clear" and not belts.clear(belt):
        return _problem(index, "E_STATE", "event", sensor)
    return None
