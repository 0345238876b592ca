"""Zebra RFD40 and RFD90 sleds: dataEVT messages to reads and scans. Sums become differences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from edge.drivers import json_fields as fields
from edge.drivers.port import RawRead, RawScan
from edge.drivers.refusals import Item, Refused, RefusedError

MAX_TAGS: Final = 50_000
MAX_CODE: Final = 256


class HandheldDecoder:
    """One sled's messages; it remembers the sum of sightings of each tag."""

    def __init__(self, max_tags: int = MAX_TAGS) -> None:
        self._max_tags = max_tags
        self._sums: dict[bytes, int] = {}

    def decode(self, payload: bytes, received_at: int, topic: str = "") -> Iterator[Item]:
        """Each tag and barcode of one message; what is refused costs itself only."""
        try:
            event = fields.tree_of(fields.document(payload), "event")
            if "data" not in event:
                yield Refused("N_NOT_A_READING", "no data")
                return
            data = fields.tree_of(event["data"], "data")
            stamp = event.get("timestamp")
            at = received_at if stamp is None else fields.iso_us(stamp, "timestamp")
            if "tagData" not in data and "barcodeData" not in data:
                raise RefusedError("E_KIND", "data")
            tags, codes = (_list(data, name) for name in ("tagData", "barcodeData"))
        except RefusedError as error:
            yield error.refused
            return
        for entry, make in [(t, self._read) for t in tags] + [(c, _scan) for c in codes]:
            try:
                yield make(entry, at, received_at)
            except RefusedError as error:
                yield error.refused

    def _read(self, entry: object, at: int, received_at: int) -> Item:
        tag = fields.tree_of(entry, "tagData")
        names = [name for name in ("EPCid", "EPC") if tag.get(name) is not None]
        epc = fields.same_epc([fields.epc_hex(tag[name], name) for name in names], "EPCid or EPC")
        total = fields.whole(tag.get("seenCount"), 0, 1 << 62)
        rise = 1
        if total is not None:
            before = self._sums.pop(epc, 0)
            self._sums[epc] = total
            if len(self._sums) > self._max_tags:
                del self._sums[next(iter(self._sums))]
            # A sum that fell began anew.
            rise = total - before if total >= before else total
        if rise == 0:
            return Refused("N_NOT_SEEN_AGAIN")
        rssi = fields.number(tag.get("peakRssi"), -130, 0)
        return RawRead(epc, None, rssi, at, received_at, count=min(rise, 1_000_000))


def _list(data: fields.Tree, name: str) -> list[object]:
    value = data.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise RefusedError("E_FIELD_TYPE", name)
    return value


def _scan(entry: object, at: int, received_at: int) -> Item:
    scan = fields.tree_of(entry, "barcodeData")
    code, symbology = scan.get("decodedBarcode"), scan.get("symbology")
    if code is None:
        raise RefusedError("E_FIELD_MISSING", "decodedBarcode")
    if not isinstance(code, str):
        raise RefusedError("E_FIELD_TYPE", "decodedBarcode")
    if not 1 <= len(code) <= MAX_CODE:
        raise RefusedError("E_FIELD_RANGE", "decodedBarcode")
    # Only an AIM identifier tells how to read a code; a name in words does not.
    is_aim = isinstance(symbology, str) and len(symbology) == 3 and symbology.startswith("]")
    return RawScan(code, at, received_at, str(symbology) if is_aim else None)
