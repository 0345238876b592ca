"""Impinj R700 IoT device interface: events of MQTT, stream and webhook batches to readings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from edge.drivers import json_fields as fields
from edge.drivers.port import DriverNotice, RawRead, RawSensor
from edge.drivers.refusals import Item, Refused, RefusedError

_KINDS: Final = (
    "tagInventory",
    "inventoryStatus",
    "antennaConnected",
    "antennaDisconnected",
    "gpiTransition",
    "overflow",
    "diagnostic",
    "tagLocationEntry",
    "tagLocationUpdate",
    "tagLocationExit",
)
_DOCUMENTS: Final = frozenset(
    {"brokerHostname", "eventTopic", "serialNumber", "interface", "epcisBody"}
)
_STATES: Final = {"low-to-high": "high", "high-to-low": "low"}


class R700Decoder:
    """One reader's events. With a `hostname`, an event of another reader is told as an alarm."""

    def __init__(self, hostname: str | None = None) -> None:
        self._hostname = hostname

    def decode(self, payload: bytes, received_at: int, topic: str = "") -> Iterator[Item]:
        """Each event of one message; what is refused costs itself only."""
        return fields.each(payload, lambda event: self._event(event, received_at))

    def _event(self, event: fields.Tree, received_at: int) -> Iterator[Item]:
        kind = _kind(event)
        body = fields.tree_of(event.get(f"{kind}Event", {}), f"{kind}Event")
        host = event.get("hostname")
        if self._hostname and host is not None and host != self._hostname:
            yield DriverNotice("wrong_device", received_at, "the hostname is that of another one")
        if kind == "tagInventory":
            yield _read(event, body, received_at)
        elif kind == "gpiTransition":
            yield _edge(event, body, received_at)
        elif kind in {"antennaConnected", "antennaDisconnected"}:
            what = "antenna_restored" if kind == "antennaConnected" else "antenna_fault"
            port = fields.antenna(body.get("antennaPort"), "antennaPort")
            yield DriverNotice(what, received_at, f"antenna {port or 'not named'}", port)
        elif kind == "overflow":
            yield DriverNotice("overflow", received_at, "the reader lost events")
        else:
            yield Refused("N_NOT_A_READING", kind)


def _kind(event: fields.Tree) -> str:
    named = [kind for kind in _KINDS if f"{kind}Event" in event]
    told = event.get("eventType")
    if told is None:
        if len(named) == 1:
            return named[0]
        if _DOCUMENTS & event.keys():
            raise RefusedError("N_NOT_A_READING", "a status or configuration document")
        raise RefusedError("E_KIND" if named else "E_FIELD_MISSING", "eventType")
    if not isinstance(told, str):
        raise RefusedError("E_FIELD_TYPE", "eventType")
    if told not in _KINDS or any(kind != told for kind in named):
        raise RefusedError("E_KIND", "eventType")
    return told


def _time(event: fields.Tree, received_at: int) -> int:
    if event.get("timestamp") is None:
        return received_at
    return fields.iso_us(event["timestamp"], "timestamp")


def _read(event: fields.Tree, body: fields.Tree, received_at: int) -> RawRead:
    found = []
    if body.get("epc") is not None:
        found.append(fields.epc_base64(body["epc"], "epc"))
    if body.get("epcHex") is not None:
        found.append(fields.epc_hex(body["epcHex"], "epcHex"))
    epc = fields.same_epc(found, "epc or epcHex")
    seen = body.get("lastSeenTime")
    at = _time(event, received_at) if seen is None else fields.iso_us(seen, "lastSeenTime")
    return RawRead(
        epc=epc,
        antenna=fields.antenna(body.get("antennaPort"), "antennaPort"),
        rssi_dbm=fields.number(body.get("peakRssiCdbm"), -130, 0, divisor=100),
        occurred_at=at,
        received_at=received_at,
        tid=fields.tid(body.get("tidHex")) or _tid_base64(body.get("tid")),
        phase_deg=fields.number(body.get("phaseAngle"), 0, 360, open_end=True),
        frequency_khz=fields.whole(body.get("frequency"), 840_000, 960_000),
        tx_power_dbm=fields.number(body.get("transmitPowerCdbm"), 0, 40, divisor=100),
        pc=fields.pc(body.get("pc")),
    )


def _tid_base64(value: object) -> str | None:
    try:
        return None if value is None else fields.epc_base64(value, "tid").hex().upper()
    except RefusedError:
        return None


def _edge(event: fields.Tree, body: fields.Tree, received_at: int) -> RawSensor:
    port = fields.antenna(body.get("gpi"), "gpi")
    if port is None:
        raise RefusedError("E_FIELD_MISSING", "gpi")
    transition = body.get("transition")
    if not isinstance(transition, str):
        raise RefusedError("E_FIELD_TYPE", "transition")
    if transition not in _STATES:
        raise RefusedError("E_FIELD_RANGE", "transition")
    at = _time(event, received_at)
    return RawSensor("gpi", at, received_at, {"port": port, "state": _STATES[transition]})
