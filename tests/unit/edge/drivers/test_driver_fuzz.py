"""Mutated payloads end in items with known codes, never in another error.

DOCKLEDGER_SOAK=1 runs 1,000,000 inputs per parser instead of 5,000; the seed is fixed.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.gs1.bits import EpcError
from contracts.gs1.elements import BarcodeError, parse_barcode
from contracts.gs1.epc import decode
from edge.drivers.formats import FORMATS
from edge.drivers.port import RawRead
from edge.drivers.refusals import CODES, Refused
from edge.drivers.sparkplug_payload import Metric, Payload, Raw, encode_payload
from tests.unit.edge.drivers.test_payload_formats import EPC, RSP, r700, zebra

GOLDEN = Path(__file__).parents[3] / "data" / "llrp_golden_vectors.json"
SPARKPLUG = [
    encode_payload(
        Payload(1_795_000_000_000, (Metric("Scale/kg", 7, 1, 10, raw=Raw(13, 21.5)),), 0)
    )
    .hex()
    .encode(),
    encode_payload(Payload(1_795_000_000_000, (Metric(alias=7, raw=Raw(13, 1.0)),), 1))
    .hex()
    .encode(),
]
RUNS = 1_000_000 if os.environ.get("DOCKLEDGER_SOAK") == "1" else 5_000
BYTES_RUNS = RUNS if RUNS > 5_000 else 2_000
NOW = 1_795_000_000_000_000
EDGE = {"gpi": 1, "transition": "low-to-high"}
SLED = {"tagData": [{"EPCid": EPC, "EPC": EPC, "peakRssi": -52, "seenCount": 14}]}
RSP_DATA = [{"epc_code": EPC, "timestamp": 1_564_612_355_133, "location": "RSP-150005-0"}]
SEEDS: dict[str, list[bytes]] = {
    "r700": [
        json.dumps([r700(epc="ikUCJA==", antennaPort=3, peakRssiCdbm=-7400), r700()]).encode(),
        json.dumps(r700(epcHex=EPC, tidHex="E2801160", phaseAngle=1.5)).encode(),
        json.dumps({"eventType": "gpiTransition", "gpiTransitionEvent": EDGE}).encode(),
    ],
    "zebra": [
        json.dumps(zebra(antenna=1, eventNum=5, channel=911.75, TID="E2006003")).encode(),
        b'{"type":"gpi","data":{"pin":1,"state":"HIGH"}}',
    ],
    "zebra-handheld": [
        json.dumps({"timestamp": "2026-05-19T14:23:11Z", "data": SLED}).encode(),
        b'{"data":{"barcodeData":[{"decodedBarcode":"0123","symbology":"]C1"}]}}',
    ],
    "json": [json.dumps({"method": "inventory_event", "params": {"data": RSP_DATA}}).encode()],
    "llrp": [
        b"043d000000230000000700f000198d000102030405060708090a0b81000386d6880002",
        b"043d000000200000000800f0001600f10012006030395fb4a3d525c000000001",
        b"043f000000200000000000f600160080000c0005af3107a40000010000060000",
    ],
    "trace": [
        b'{"epc":"3034257BF7194E4000001A85","antenna":1,"rssi_dbm":-50.5,'
        b'"occurred_at":1772442900000000}'
    ],
}
WORDS = (
    b"null", b"true", b"-1", b"0", b"1e999", b"NaN", b"9" * 39, b'""', b"[]", b"{}", b'"x"',
    b"\xff", b"\\u0000", b"\\ud800", b"[[[[", b'"2026-02-30T00:00:00Z"', b"1.5", b"+/", b"-_",
)  # fmt: skip


def mutated(seed: bytes, rng: random.Random) -> bytes:
    data = bytearray(seed)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        upto = at + rng.choice((0, 1, 1, 2, 8))
        kind = rng.randrange(4)
        if kind == 0:
            data[at:upto] = rng.randbytes(rng.randint(0, 3))
        elif kind == 1:
            data[at:upto] = rng.choice(WORDS)
        elif kind == 2:
            data[at:upto] = bytes([rng.choice(b'0123456789abcdefABCDEF"{}[]:,-+TZ')])
        else:
            del data[at:upto]
    return bytes(data)


def bits_turned(seed: bytes, rng: random.Random) -> bytes:
    """The bytes behind the hex mutated, so that types, lengths and fields are what goes wrong."""
    data = bytearray(bytes.fromhex(seed.decode()))
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data))
        kind = rng.randrange(5)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif kind == 2:
            data[at:at] = rng.randbytes(rng.randint(1, 4))
        elif kind == 3:
            del data[at : at + rng.randint(1, 4)]
            data = data or bytearray(1)
        else:
            data[at : at + 2] = rng.choice((b"\x00\x00", b"\xff\xff", b"\x00\x04", b"\x03\xff"))
    if len(data) >= 6 and rng.random() < 0.7:
        data[2:6] = len(data).to_bytes(4, "big")
    return data.hex().encode()


@pytest.mark.parametrize("form", ["llrp", "sparkplug"])
def test_no_bytes_get_past_the_codes_of_a_binary_format(form: str) -> None:
    golden = json.loads(GOLDEN.read_text()) if form == "llrp" else []
    seeds = [one["hex"].encode() for one in golden] or SPARKPLUG
    rng, refused = random.Random(20_260_303), 0
    decoder = FORMATS[form](None)

    for turn in range(BYTES_RUNS):
        wrong = bits_turned(seeds[turn % len(seeds)], rng)
        for item in decoder.decode(wrong, NOW):
            if isinstance(item, Refused):
                refused += 1
                assert item.code in CODES
            elif isinstance(item, RawRead):
                assert item.antenna is None or 1 <= item.antenna <= 64, wrong
                assert item.rssi_dbm is None or -130 <= item.rssi_dbm <= 0, wrong
                assert item.count >= 1

    assert refused > BYTES_RUNS // 50


@pytest.mark.parametrize("form", sorted(SEEDS))
def test_no_input_gets_past_the_codes_of_a_format(form: str) -> None:
    rng = random.Random(20_260_302)
    decoder = FORMATS[form](RSP)
    refused = 0

    for turn in range(RUNS):
        for item in decoder.decode(mutated(SEEDS[form][turn % len(SEEDS[form])], rng), NOW):
            if isinstance(item, Refused):
                refused += 1
                assert item.code in CODES
                assert item.sentence
            elif isinstance(item, RawRead):
                assert item.antenna is None or 1 <= item.antenna <= 64
                assert item.rssi_dbm is None or -130 <= item.rssi_dbm <= 0
                assert item.count >= 1

    assert refused > RUNS // 50


def epc_code(text: str) -> str | None:
    try:
        decode(text)
    except EpcError as refusal:
        return refusal.code
    return None


def scan_code(text: str) -> str | None:
    try:
        parse_barcode(text, today=dt.date(2026, 3, 2))
    except BarcodeError as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize(
    ("parse", "seed"),
    [(epc_code, EPC.encode()), (scan_code, b"]C1010061414112345217271231\x1d10LOT-1")],
)
def test_no_input_gets_past_the_codes_of_identifiers(
    parse: Callable[[str], str | None], seed: bytes
) -> None:
    rng = random.Random(20_260_302)

    codes = Counter(parse(mutated(seed, rng).decode("latin-1")) for _ in range(RUNS))

    assert all(code is None or code.startswith("E_") for code in codes)
    assert RUNS - codes[None] > RUNS // 50
