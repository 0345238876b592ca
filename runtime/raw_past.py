"""The raw past of an agent, out of its ring: what one device told within a span, as it told it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from contracts.v1 import SensorReading
from edge.drivers.port import RawReading, RawSensor
from edge.ring_file import ReadLine, ToldLine, read_ring

_sensor = msgspec.json.Decoder(SensorReading)
_FIELDS = {"gpi": ("port", "state"), "photo_eye": ("state",)}


def devices_in(folder: Path) -> list[str]:
    """The devices whose lines are kept, by name."""
    return sorted({name for block in read_ring(folder) for name in block.devices})


def raw_past(folder: Path, *, device: str, since: int, until: int) -> Iterator[RawReading]:
    """The device's reads and edges of inputs that came within [since, until), us, in order."""
    for block in read_ring(folder):
        for line in block.lines:
            if not isinstance(line, ReadLine | ToldLine):
                continue
            if block.devices[line.device] != device or not since <= line.received_at < until:
                continue
            if isinstance(line, ReadLine):
                yield line.read()
            elif line.kind == "sensors" and (edge := _edge(line)) is not None:
                yield edge


def _edge(line: ToldLine) -> RawSensor | None:
    told = _sensor.decode(line.body)
    if told.kind not in _FIELDS:
        return None
    fields = {name: getattr(told, name) for name in _FIELDS[told.kind]}
    return RawSensor(told.kind, told.occurred_at - line.offset, line.received_at, fields)
