"""One Sparkplug node as its host hears it: births, deaths, aliases, sequence, values. Pure.

A value is used only when its metric is known for sure: after a gap or a death aliases and datatypes
are forgotten until the next birth. Historical values are counted, never told as if they were live.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from edge.drivers.points import Point, PointError, Told
from edge.drivers.port import DriverNotice, RawReading, RawSensor
from edge.drivers.sparkplug_payload import Metric, Payload, PayloadError, Value, parse_payload
from edge.drivers.sparkplug_topic import SparkplugTopic, parse_topic

# A value this much older than the last one takes that one's time: nodes collect before they send.
_ORDER_US: Final = 500_000
_KEPT_BYTES: Final = 256
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class NodeName:
    """Which node; `points` and `outputs` are (device or "", metric name)."""

    group: str
    node: str


@dataclass(slots=True)
class _Known:
    """What the last birth of a node or device told of its metrics."""

    names: dict[int, str] = field(default_factory=dict)
    datatypes: dict[str, int] = field(default_factory=dict)


class SparkplugNode:
    """Takes messages, gives readings. `rebirth` says that a birth should be asked for."""

    def __init__(
        self, name: NodeName, points: Mapping[Place, Point], *, told: Told, watch: frozenset[Place]
    ) -> None:
        self._name = name
        self._points = points
        self._told = told
        self._watch = watch
        self._known: dict[str, _Known] = {}
        self._absent = {device for device, _ in (*points, *watch) if device}
        self._latest = 0
        self._seq: int | None = None
        self._bd_seq: int | None = None
        self._null: set[Place] = set()
        self.alive = False
        self.rebirth = True
        self.gaps = 0
        self.historical = 0
        self.values: dict[Place, Value] = {}

    @property
    def complete(self) -> bool:
        """Whether the node and all devices it has points on are there."""
        return self.alive and not self._absent

    def hear(
        self, topic: str, payload: bytes, received_at: int, *, retained: bool = False
    ) -> list[RawReading]:
        """Take one message; what cannot be read is one notice `bad_frame` and changes nothing."""
        try:
            whose = parse_topic(topic)
            if (whose.group, whose.node) != (self._name.group, self._name.node):
                raise PayloadError("topic", "a message of another node")
            if retained:
                raise PayloadError("retained", "births and data are never retained")
            message = parse_payload(payload)
            if whose.kind not in ("NDEATH",) and message.seq is None:
                raise PayloadError("seq", "a message without seq")
        except PayloadError as error:
            kept = payload[:_KEPT_BYTES].hex().upper()
            return [DriverNotice("bad_frame", received_at, f"{error}: {kept}")]
        was = self.complete
        out = self._take(whose, message, received_at)
        if self.complete != was:
            told = DriverNotice("connected" if self.complete else "lost", received_at, whose.kind)
            # Values come after the birth that carries them is told, and before a death is.
            out = [told, *out] if self.complete else [*out, told]
        return out

    def _take(self, whose: SparkplugTopic, message: Payload, received_at: int) -> list[RawReading]:
        if whose.kind == "NDEATH":
            return self._death(message, received_at)
        if whose.kind == "NBIRTH":
            self._begin(message)
        elif not self.alive:
            self.rebirth = True
            return []
        elif not self._in_sequence(message):
            self.gaps += 1
            self.rebirth = True
            self._known.clear()
            notice = DriverNotice("gap", received_at, "a message of the node is missing")
            return [notice, *self._content(whose, message, received_at)]
        return self._content(whose, message, received_at)

    def _begin(self, message: Payload) -> None:
        self.alive, self.rebirth = True, False
        self._seq = message.seq
        self._bd_seq = message.number("bdSeq")
        self._known = {}
        self._absent = {device for device, _ in (*self._points, *self._watch) if device}

    def _in_sequence(self, message: Payload) -> bool:
        expected = None if self._seq is None else (self._seq + 1) % 256
        self._seq = message.seq
        return message.seq == expected

    def _death(self, message: Payload, received_at: int) -> list[RawReading]:
        bd_seq = message.number("bdSeq")
        if self.alive and bd_seq != self._bd_seq:
            return [DriverNotice("old_death", received_at, "bdSeq is not that of the birth")]
        self.alive, self._seq = False, None
        self._known.clear()
        self.values.clear()
        return []

    def _content(
        self, whose: SparkplugTopic, message: Payload, received_at: int
    ) -> list[RawReading]:
        if whose.kind == "DDEATH":
            self._known.pop(whose.device, None)
            if any(device == whose.device for device, _ in (*self._points, *self._watch)):
                self._absent.add(whose.device)
            return []
        if whose.kind in ("NBIRTH", "DBIRTH"):
            self._learn(whose.device, message)
            self._absent.discard(whose.device)
        if whose.kind in ("NCMD", "DCMD", "STATE"):
            return []
        out: list[RawReading] = []
        for metric in sorted(message.metrics, key=lambda metric: metric.timestamp or 0):
            out += self._metric(whose, metric, message, received_at)
        return out

    def _learn(self, device: str, message: Payload) -> None:
        known = self._known[device] = _Known()
        for metric in message.metrics:
            if metric.name is None:
                continue
            if metric.alias is not None:
                known.names[metric.alias] = metric.name
            if metric.datatype is not None:
                known.datatypes[metric.name] = metric.datatype

    def _metric(
        self, whose: SparkplugTopic, metric: Metric, message: Payload, received_at: int
    ) -> list[RawReading]:
        name = metric.name or self._name_of(whose.device, metric.alias)
        if name is None:
            # An alias of a birth that was never heard: the value may be anything.
            self.rebirth = True
            return []
        place = (whose.device, name)
        point = self._points.get(place)
        if point is None and place not in self._watch:
            return []
        known = self._known.get(whose.device, _Known())
        try:
            value = metric.value(known.datatypes.get(name))
        except PayloadError as error:
            if error.code == "datatype" and metric.datatype is None:
                self.rebirth = True
            return [DriverNotice("bad_frame", received_at, f"{error}: {_shown(place)}")]
        if value is None:
            fresh = place not in self._null
            self._null.add(place)
            self.values.pop(place, None)
            return [DriverNotice("no_value", received_at, _shown(place))] if fresh else []
        self._null.discard(place)
        if metric.historical:
            self.historical += 1
            return [DriverNotice("historical", received_at, _shown(place))]
        self.values[place] = value
        if point is None:
            return []
        return self._reading(place, point, value, self._time(metric, message, received_at))

    def _name_of(self, device: str, alias: int | None) -> str | None:
        # Aliases are unique over a node and all its devices.
        if alias is None:
            return None
        known = self._known.get(device)
        return known.names.get(alias) if known else None

    def _reading(
        self, place: Place, point: Point, value: Value, times: tuple[int, int]
    ) -> list[RawReading]:
        occurred_at, received_at = times
        try:
            fields = self._told.change("/".join(place), point, value)
        except PointError as error:
            return [DriverNotice("bad_value", received_at, f"{_shown(place)}: {error}")]
        if fields is None:
            return []
        return [RawSensor(point.kind, occurred_at, received_at, fields)]

    def _time(self, metric: Metric, message: Payload, received_at: int) -> tuple[int, int]:
        stamps = (metric.timestamp, message.timestamp)
        own, whole = (None if ms is None else ms * 1000 for ms in stamps)
        at = own if own is not None else whole
        if at is None:
            return received_at, received_at
        if at < self._latest - _ORDER_US and (whole or at) >= self._latest - _ORDER_US:
            at = self._latest
        self._latest = at
        return at, received_at


def _shown(place: Place) -> str:
    return "/".join(part for part in place if part)[:200]
