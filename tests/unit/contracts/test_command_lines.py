"""`epc decode|encode` and `barcode parse` over standard input: one JSON line for each line."""

from __future__ import annotations

import csv
import json
from typing import Any

from typer.testing import CliRunner

from runtime.cli import barcode, epc
from runtime.cli.lines import MAX_LINE_BYTES
from tests.services import require_examples

RUN = CliRunner()
ITEM = "3074257BF7194E4000001A85"
ENCODED_PALLET = "3136450FEC1B3A0C83000000"
HOSTILE = b"\n\xff\xfe\n" + b"9" * (3 * MAX_LINE_BYTES) + b"\n\xef\xbc\x91\n\x00\n"


def _asked(noun: str, arguments: list[str], lines: bytes) -> list[dict[str, Any]]:
    done = RUN.invoke({"epc": epc.app, "barcode": barcode.app}[noun], arguments, input=lines)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def _codes(found: list[dict[str, Any]]) -> list[object]:
    return [line["code"] for line in found]


def test_hostile_lines_cost_themselves_only() -> None:
    decoded = _asked("epc", ["decode"], HOSTILE + ITEM.encode())
    assert _codes(decoded) == [
        "E_EPC_LEN", "E_EPC_HEX", "E_EPC_LEN", "E_EPC_HEX", "E_EPC_HEX", None,
    ]  # fmt: skip
    parsed = _asked("barcode", ["parse"], HOSTILE + b"80614141123458\r\n")
    assert _codes(parsed) == [
        "E_BC_EMPTY", "E_BC_CHARSET", "E_BC_LEN", "E_BC_CHARSET", "E_BC_CHARSET", None,
    ]  # fmt: skip
    hostile = HOSTILE + b'{"a\n[]\n{"key":3}\n{"key":"' + ITEM.encode() + b'","filter":true}\n'
    hostile += b'{"a":' * 600 + b"\n00/095201234567891235"
    encoded = _asked("epc", ["encode"], hostile)
    assert _codes(encoded[:-1]) == ["E_EPC_RANGE"] * 10
    assert encoded[-1] == {"epc": ENCODED_PALLET}


def test_what_decode_prints_encode_takes_back() -> None:
    with (require_examples() / "payloads" / "epc_vectors.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["scheme"].startswith(
            ("sgtin", "sscc", "sgln", "grai"))]  # fmt: skip
    codes = [row["epc_hex"] + "0" * (-len(row["epc_hex"]) % 4) for row in rows]
    printed = RUN.invoke(epc.app, ["decode"], input="\n".join(codes)).stdout

    assert len(rows) == 17
    assert [line["epc"] for line in _asked("epc", ["encode"], printed.encode())] == codes


def test_names_and_options_choose_the_form() -> None:
    tag, link = "urn:epc:tag:sgtin-96:3.0614141.812345.6789", "(01)80614141123458(21)6789"
    lines = f"{tag}\n{link}\nhttps://id.gs1.org/01/80614141123458/21/6789?17=261231\n".encode()
    assert _asked("epc", ["encode", "--filter", "3"], lines) == [{"epc": ITEM}] * 3
    assert [line["epc"][:2] for line in _asked("epc", ["encode", "--form", "+"], lines)] == [
        "F7", "F7", "FB",
    ]  # fmt: skip
    long = _asked("epc", ["encode", "--form", "long", "--prefix-length", "8"], lines)
    assert {line["epc"][:2] for line in long} == {"36"}
    hosted = ["encode", "--form", "++", "--hostname", "id.example.com"]
    assert [line["epc"][:2] for line in _asked("epc", hosted, lines)] == ["FD", "FD", "FC"]
    assert _codes(_asked("epc", ["encode", "--form", "++"], lines)) == ["E_EPC_RANGE"] * 3


def test_a_scanner_setting_names_its_fnc1_and_its_symbology() -> None:
    scan = b"018061414112345810L1^]21S1\n"
    found = _asked("barcode", ["parse", "--fnc1", "^]", "--symbology", "]C1"], scan)
    assert found[0]["values"] == [["01", "80614141123458"], ["10", "L1"], ["21", "S1"]]
    assert found[0]["key"] == "01/80614141123458/21/S1"
    plain = _asked("barcode", ["parse", "--symbology", "]Y9"], b"80614141123458\n")
    assert _codes(plain) == ["E_BC_SYMBOLOGY"]
    assert _codes(_asked("barcode", ["parse", "--after-item"], b"10LOT1\n21S1\n")) == [None, None]
    assert _codes(_asked("barcode", ["parse"], b"10LOT1\n")) == ["E_BC_AI_PAIR"]


def test_an_ambiguous_scan_shows_both_readings() -> None:
    found = _asked(
        "barcode", ["parse", "--today", "2026-11-18"], b"]C1018061414112345810L117261231\n"
    )
    assert found[0]["code"] == "E_BC_SYNTAX"
    assert len(found[0]["readings"]) == 2


def test_the_bad_inputs_get_their_code() -> None:
    lines = (require_examples() / "bad-inputs.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    judged = 0
    for noun, arguments in (("epc", ["decode"]), ("barcode", ["parse"])):
        for case in cases:
            needs_a_site = case["code"] in (
                "Q_EPC_UNKNOWN", "Q_EPC_RETIRED", "E_FIELD_TYPE", "E_LOCATION_UNKNOWN",
            )  # fmt: skip
            if case["iface"] != noun or needs_a_site:
                continue
            found = _asked(noun, arguments, (case["input"] + "\n").encode())
            assert _codes(found) == [case["code"]], case["id"]
            judged += 1
    assert judged == 26
