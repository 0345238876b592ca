"""`dockledger reader decode` as a process: one JSON line each, whatever stands on its input."""

from __future__ import annotations

import json
import subprocess
import sys

from edge.drivers.sparkplug_payload import Metric, Payload, Raw, encode_payload

EPC = "3034F8B20001000000000001"


def decode(form: str, stdin: bytes) -> tuple[int, list[dict[str, object]], bytes]:
    argv = [sys.executable, "-m", "runtime.cli.main", "reader", "decode", "--format", form]
    done = subprocess.run(argv, input=stdin, capture_output=True, timeout=60, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_lines_and_printed_documents_are_told_apart() -> None:
    event = {"tagInventoryEvent": {"epcHex": EPC, "antennaPort": 2}}
    line, printed = json.dumps(event), json.dumps([event, event], indent=2)

    code, found, errors = decode("r700", f"{line}\n\n{printed}\n{line}\n".encode())

    assert (code, errors) == (0, b"")
    assert [(item["kind"], item["epc"], item["antenna"]) for item in found] == [
        ("read", EPC, 2)
    ] * 4
    assert {item["occurred_at"] for item in found} == {None}


def test_a_torn_document_costs_itself_only() -> None:
    good = b'{"type":"SIMPLE","data":{"idHex":"' + EPC.encode() + b'","format":"epc"}}'

    code, found, errors = decode("zebra", b'{"a":[[[\n' + good + b"\n\xff\n" + b"[" * 200_000)

    assert (code, errors) == (0, b"")
    assert [item["code"] for item in found] == ["E_JSON", None, "E_JSON", "E_JSON"]


def test_a_birth_names_the_aliases_of_a_nodes_data() -> None:
    raw = Raw(13, 21.5)
    birth = Payload(1_700_000_000_000, (Metric("Scale/kg", 7, None, 10, raw=raw),), 0)
    data = Payload(1_700_000_001_000, (Metric(alias=7, raw=Raw(13, 22.0)), Metric(alias=9)), 1)
    lines = [encode_payload(birth).hex(), encode_payload(data).hex(), "zz", "ff"]

    code, found, errors = decode("sparkplug", "\n".join(lines).encode())

    assert (code, errors) == (0, b"")
    assert [(one["name"], one["value"], one["occurred_at"]) for one in found[:2]] == [
        ("Scale/kg", 21.5, 1_700_000_000_000_000),
        ("Scale/kg", 22.0, 1_700_000_001_000_000),
    ]
    assert [one["code"] for one in found[2:]] == ["E_FIELD_MISSING", "E_FRAME", "E_FRAME"]


def test_scans_are_told_or_refused_by_code() -> None:
    code, found, errors = decode("barcode", b"]C1010061414112345217271231\n00614141123453\n")

    assert (code, errors) == (0, b"")
    assert [(one["kind"], one["code"]) for one in found] == [
        ("scan", None),
        ("refused", "E_BC_CHECK"),
    ]
    assert found[0]["symbology"] == "]C1"


def test_an_unknown_format_is_a_usage_error() -> None:
    code, found, errors = decode("nope", b"")

    assert (code, found) == (2, [])
    assert b"usage" in errors
    assert b"Traceback" not in errors
