"""The shared vectors and bad inputs, as far as they can be judged without registry and cursor."""

from __future__ import annotations

import csv
import datetime as dt
import json

import pytest

from contracts.codec import ContractViolation, decode_up
from contracts.gs1.elements import BarcodeError, parse_barcode
from contracts.gs1.epc import decode_printed, key_of
from contracts.gs1.keys import split_key
from contracts.topics import UpTopic
from tests.services import require_examples
from tests.unit.contracts.messages import NOW, Json, a_message, a_read, spelled

# What needs the registry, the layout, the cursor or the rate of a running gateway.
NEEDS_A_GATEWAY = {
    "mqtt_read-090",
    "mqtt_read-091",
    "epc-063",
    "epc-064",
    "sensor-051",
    "sensor-062",
    "sensor-065",
    "barcode-061",
}
GENERATED = {
    "mqtt_read-083": lambda: a_message(reads=[a_read()] * 501),
    "mqtt_read-088": lambda: a_message(
        reads=[*[a_read()] * 499, a_read(epc="3074257BF7194E4000001A8G")]
    ),
    "mqtt_read-094": lambda: a_message(
        sent_at=NOW + 3_600_000_000, reads=[a_read(occurred_at=NOW + 3_600_000_000)]
    ),
}


def _cases(*interfaces: str) -> list[Json]:
    lines = (require_examples() / "bad-inputs.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    return [case for case in cases if case["iface"] in interfaces]


def test_every_published_epc_vector() -> None:
    path = require_examples() / "payloads" / "epc_vectors.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 30

    for row in rows:
        epc = decode_printed(row["epc_hex"])
        printed = {
            "scheme": epc.scheme,
            "filter": "" if epc.filter is None else str(epc.filter),
            "tag_uri": epc.tag_uri,
            "pure_identity_uri": epc.pure_identity_uri,
            "gs1_element_string_derived": epc.element_string,
            "digital_link": epc.digital_link,
        }
        stated = {name: value for name, value in printed.items() if row[name] or name == "filter"}
        assert stated == {name: row[name] for name in stated}, row["id"]
        source = dict(part.split("=", 1) for part in row["source_key"].split(";") if part)
        for name, ai in {"gtin": "01", "sscc": "00", "gln": "414", "giai": "8004"}.items():
            if name in source:
                assert dict(split_key(epc.key))[ai] == source[name], row["id"]
        if "serial" in source:
            assert epc.serial == source["serial"], row["id"]


def _judged(payload: bytes, topic: UpTopic) -> tuple[str, str | None]:
    """Outcome and code as the bad-inputs page names them."""
    try:
        _, content = decode_up(payload, topic=topic, now=NOW)
    except ContractViolation as violation:
        return "DL", violation.code
    if content.problems:
        return "PARTIAL" if content.indices else "DL", content.problems[0].code
    holds = [seen.hold for seen in content.seen if seen.hold]
    if holds:
        return "HOLD", holds[0]
    return ("ACCEPT_CORRECTED", content.flags[0]) if content.flags else ("ACCEPT", None)


def _payload(case: Json) -> bytes:
    if case["id"] in GENERATED:
        return spelled(GENERATED[str(case["id"])]())
    if case["iface"] == "epc":
        epc = None if case["input"] == "null" else case["input"]
        return spelled(a_message(reads=[a_read(epc=epc)]))
    return str(case["input"]).encode()


def test_bad_messages_readings_and_epcs_get_their_stated_outcome() -> None:
    judged = 0
    for case in _cases("mqtt_read", "epc", "sensor"):
        if case["id"] in NEEDS_A_GATEWAY:
            continue
        sensor = case["iface"] == "sensor"
        topic = UpTopic("a", "conv-01" if sensor else "dock-03", "sensors" if sensor else "reads")
        assert _judged(_payload(case), topic) == (case["expect"], case["code"]), case["id"]
        judged += 1
    assert judged == 39


def test_another_filter_is_the_same_tag() -> None:
    assert require_examples().is_dir()
    assert key_of("3034257BF7194E4000001A85") == key_of("3074257BF7194E4000001A85")


def test_bad_barcodes_get_their_stated_code() -> None:
    judged = 0
    for case in _cases("barcode"):
        if case["id"] in NEEDS_A_GATEWAY:
            continue
        code = None
        try:
            parse_barcode(str(case["input"]), today=dt.date(2026, 11, 18))
        except BarcodeError as refused:
            code = refused.code
        assert code == case["code"], case["id"]
        judged += 1
    assert judged == 14


def test_without_the_directory_the_skip_names_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKLEDGER_EXAMPLES", raising=False)
    with pytest.raises(pytest.skip.Exception, match="DOCKLEDGER_EXAMPLES not set"):
        require_examples()
