"""`dockledger reader decode` as a process: one JSON line each, whatever stands on its input."""

from __future__ import annotations

import json
import subprocess
import sys

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


def test_an_unknown_format_is_a_usage_error() -> None:
    code, found, errors = decode("nope", b"")

    assert (code, found) == (2, [])
    assert b"usage" in errors
    assert b"Traceback" not in errors
