"""Zebra IoT Connector: tag data and management events of fixed readers to readings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from edge.drivers import json_fields as fields
from edge.drivers.port import DriverNotice, RawRead, RawSensor
from edge.drivers.refusals import Item, Refused, RefusedError

MODES: Final = frozenset({"SIMPLE", "INVENTORY", "PORTAL", "CONVEYOR", "CUSTOM", "DIRECTIONALITY"})
_QUIET: Final = frozenset({"heartbeat", "gpo", "firmwareupdateprogress", "userapp"})
_ALARMS: Final = frozenset({"error", "warning", "exception"})


class ZebraDecoder:
    """One reader's messages; it remembers the last event number, to tell gaps."""

    def __init__(self) -> None:
        self._last: int | None = None
        self.gaps = 0

    def decode(self, payload: bytes, received_at: int, topic: str = "") -> Iterator[Item]:
        """Each event of one message; what is refused costs itself only."""
        return fields.each(payload, lambda event: self._event(event, received_at))

    def _event(self, event: fields.Tree, received_at: int) -> Iterator[Item]:
        bare = "type" not in event and "eventType" not in event
        data = event.get("data", event if bare else {})
        numbered = data if isinstance(data, dict) else {}
        number = numbered.get("eventNum", event.get("eventNum"))
        yield from self._gap(number, received_at)
        if bare:
            yield from _bare(event, data, received_at)
            return
        kind = event.get("type", event.get("eventType"))
        if not isinstance(kind, str):
            raise RefusedError("E_FIELD_TYPE", "type")
        if kind == "BLE_DATA":
            yield Refused("N_BLE")
        elif kind in MODES:
            for tag in fields.entries(data):
                try:
                    yield _read(event, fields.tree_of(tag, "data"), received_at)
                except RefusedError as error:
                    yield error.refused
        elif kind.lower() == "gpi":
            yield _edge(event, fields.tree_of(data, "data"), received_at)
        elif kind.lower() in _ALARMS:
            yield DriverNotice("reader_exception", received_at, kind.lower())
        elif kind.lower() in _QUIET:
            yield Refused("N_NOT_A_READING", kind.lower())
        else:
            raise RefusedError("E_KIND", "type")

    def _gap(self, number: object, received_at: int) -> Iterator[Item]:
        """A gap hints at loss; a lower number is a restart and says nothing."""
        told = fields.whole(number, 0, 1 << 62)
        if told is None:
            return
        last, self._last = self._last, told
        if last is not None and told > last + 1:
            self.gaps += 1
            detail = f"eventNum skips {min(told - last - 1, 10**9)}"
            yield DriverNotice("overflow", received_at, detail)


def _bare(event: fields.Tree, data: object, received_at: int) -> Iterator[Item]:
    """Without an envelope, idHex together with format decides."""
    tag = fields.tree_of(data, "data")
    if "idHex" not in tag or "format" not in tag:
        raise RefusedError("E_FIELD_MISSING", "type, or idHex and format")
    yield _read(event, tag, received_at)


def _time(event: fields.Tree, received_at: int) -> int:
    if event.get("timestamp") is None:
        return received_at
    return fields.iso_us(event["timestamp"], "timestamp")


def _read(event: fields.Tree, data: fields.Tree, received_at: int) -> RawRead:
    form = data.get("format", "epc")
    if not isinstance(form, str):
        raise RefusedError("E_FIELD_TYPE", "format")
    if form.lower() != "epc":
        raise RefusedError("N_FORMAT", "format")
    if "idHex" not in data:
        raise RefusedError("E_FIELD_MISSING", "idHex")
    channel = fields.number(data.get("channel"), 840, 960)
    return RawRead(
        epc=fields.epc_hex(data["idHex"], "idHex"),
        antenna=fields.antenna(data.get("antenna"), "antenna"),
        rssi_dbm=fields.number(data.get("peakRssi"), -130, 0),
        occurred_at=_time(event, received_at),
        received_at=received_at,
        count=fields.count(data.get("reads")),
        tid=fields.tid(data.get("TID")),
        phase_deg=fields.number(data.get("phase"), 0, 360, open_end=True),
        frequency_khz=None if channel is None else round(channel * 1000),
        pc=fields.pc(data.get("PC")),
    )


def _edge(event: fields.Tree, data: fields.Tree, received_at: int) -> RawSensor:
    port = fields.antenna(data.get("pin", data.get("port")), "pin")
    state = data.get("state")
    if port is None:
        raise RefusedError("E_FIELD_MISSING", "pin")
    if not isinstance(state, str):
        raise RefusedError("E_FIELD_TYPE", "state")
    if state.lower() not in {"high", "low"}:
        raise RefusedError("E_FIELD_RANGE", "state")
    at = _time(event, received_at)
    return RawSensor("gpi", at, received_at, {"port": port, "state": state.lower()})
