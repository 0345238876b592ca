"""Mutated codes, names and scans: read or refused with a stable code, never another error.

3,000 of each always; 1,000,000 with DOCKLEDGER_SOAK=1. A failure prints the input.
"""

from __future__ import annotations

import datetime as dt
import os
import random
from collections.abc import Callable

import pytest

from contracts.gs1.elements import parse_hand_entry
from contracts.gs1.encode_any import encode
from contracts.gs1.epc import decode_printed
from contracts.gs1.names import parse_name

RUNS = 1_000_000 if os.environ.get("DOCKLEDGER_SOAK") == "1" else 3_000
TODAY = dt.date(2026, 11, 24)
CODES = (
    "3074257BF7194E4000001A85",
    "3666C4409047E159B2C2BF100000000000000000000000000000",
    "F73795211411234538566CB0AFC4",
    "FD3795211411234538566CB0AFC525065F1876F0D996D800",
    "E9395211411234548566CB0AFC525065F1876F0D996D8000",
    "3D76451FD75411DEF6B4CC00000003039000",
)
NAMES = (
    "urn:epc:tag:sgtin-96:3.0614141.812345.6789",
    "urn:epc:id:itip:9521141.012345.01.02.981",
    "https://id.gs1.org/01/80614141123458/21/32a%2Fb?17=261231",
    "(01)80614141123458(21)6789",
    "8003/0952114112345432a%2Fb",
)
SCANS = (
    "]C101806141411234581726123110LOT\x1d21S1",
    "00095201234567891235",
    "]d2018061414112345870032612311200\x1d3103000123",
    "LOC:A-01-01-1",
    "https://example.com/x/414/9521141123454/254/7?10=A",
)
MARKS = "0123456789ABCDEFabcdef()/%.:?&=-#[]\x1d\x00 é１\U0001f600\ud800"


def _mutated(rng: random.Random, seeds: tuple[str, ...]) -> str:
    text = list(rng.choice(seeds))
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text) + 1)
        match rng.randrange(4):
            case 0:
                text[at:at] = rng.choice(MARKS)
            case 1:
                del text[at : at + rng.randint(1, 6)]
            case 2:
                text[at : at + 1] = rng.choice(MARKS)
            case _:
                text[at:at] = text[at : at + 8] * rng.randint(1, 3)
    return "".join(text)


def _epc(text: str) -> object:
    found = decode_printed(text)
    if found.kind in ("sgtin", "sscc", "grai", "sgln") and not found.scheme.endswith("++"):
        full = (text + "0" * (-len(text) % 4)).upper()
        again = encode(found)
        assert full.startswith(again), (text, again)
        assert set(full[len(again) :]) <= {"0"}
    return found.key


def _name(text: str) -> object:
    return parse_name(text, today=TODAY)


def _scan(text: str) -> object:
    return parse_hand_entry(text, today=TODAY)


@pytest.mark.parametrize(
    ("parse", "seeds"), [(_epc, CODES), (_name, NAMES), (_scan, SCANS)], ids=["epc", "name", "scan"]
)
def test_anything_is_read_or_refused_by_code(
    parse: Callable[[str], object], seeds: tuple[str, ...]
) -> None:
    rng = random.Random(f"{parse.__name__} {RUNS}")
    read = 0
    for _ in range(RUNS):
        text = _mutated(rng, seeds)
        try:
            parse(text)
            read += 1
        except ValueError as refusal:
            code = getattr(refusal, "code", None)
            assert code is not None, repr(text)
            assert code.startswith(("E_EPC_", "E_BC_")), repr(text)
    assert read > 0
