"""Sparkplug payloads and barcodes a line, as an integrator tries them on the command line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from contracts.gs1.elements import BarcodeError, parse_barcode
from edge.drivers.port import RawScan, RawSensor
from edge.drivers.refusals import Item, Refused
from edge.drivers.sparkplug_payload import Metric, PayloadError, parse_payload

# Only the century of two-digit years depends on it, and no date is told here.
_DAY = dt.date(2026, 1, 1)


class SparkplugLines:
    """Payloads as hex, of one node: a birth names the aliases and datatypes of the data after it.

    Every value is told, whether a device's settings map it or not.
    """

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._datatypes: dict[str, int] = {}

    def decode(self, payload: bytes, received_at: int, topic: str = "") -> Iterator[Item]:
        """A sensor item `metric` for each value; a payload that cannot be read is refused."""
        try:
            message = parse_payload(bytes.fromhex(payload.decode("ascii").strip()))
        except ValueError:
            yield Refused("E_FRAME", "not hex")
            return
        except PayloadError as error:
            yield Refused("E_FRAME", str(error))
            return
        for metric in message.metrics:
            yield self._item(metric, metric.timestamp or message.timestamp, received_at)

    def _item(self, metric: Metric, at_ms: int | None, received_at: int) -> Item:
        name = metric.name
        if name is None and metric.alias is not None:
            name = self._names.get(metric.alias)
        if name is None:
            return Refused("E_FIELD_MISSING", f"no birth named alias {metric.alias}")
        if metric.alias is not None:
            if len(self._names) >= 10_000:
                self._names.clear()
            self._names[metric.alias] = name
        if metric.datatype is not None:
            if len(self._datatypes) >= 10_000:
                self._datatypes.clear()
            self._datatypes[name] = metric.datatype
        try:
            value = metric.value(self._datatypes.get(name))
        except PayloadError as error:
            return Refused("E_FIELD_TYPE", str(error))
        if value is None:
            return Refused("N_NOT_A_READING", "a metric without a value")
        shown = value.hex().upper() if isinstance(value, bytes) else value
        fields: dict[str, str | int | float] = {"name": name, "value": shown}
        if metric.historical:
            fields["historical"] = True
        return RawSensor("metric", (at_ms or 0) * 1000, received_at, fields)


class BarcodeLines:
    """Scans as a scanner sends them, one a line; an FNC1 is the byte 1D."""

    def decode(self, payload: bytes, received_at: int, topic: str = "") -> Iterator[Item]:
        """The scan and its AIM identifier, or the code why it is none."""
        text = payload.decode("utf-8", errors="replace")
        try:
            parse_barcode(text, today=_DAY)
        except BarcodeError as refusal:
            yield Refused(refusal.code)
            return
        marked = len(text) > 3 and text.startswith("]")
        yield RawScan(text, 0, received_at, text[:3] if marked else None)
