"""What each JSON format becomes: the normal form or a refusal with its code, never a false read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.drivers.formats import FORMATS
from edge.drivers.json_mapping import MappingError, parse_mapping
from edge.drivers.port import DriverNotice, RawRead, RawScan, RawSensor
from edge.drivers.refusals import CODES, Item, Refused
from tests.services import require_examples

NOW = 1_795_000_000_000_000
RSP = (Path(__file__).parents[4] / "docs" / "drivers" / "intel_rsp.toml").read_text()
EPC = "3034F8B20001000000000001"


def decoded(form: str, *messages: object, mapping: str | None = None) -> list[Item]:
    decoder = FORMATS[form](mapping)
    payloads = [m if isinstance(m, bytes) else json.dumps(m).encode() for m in messages]
    return [item for payload in payloads for item in decoder.decode(payload, NOW)]


def outcome(item: Item) -> object:
    if isinstance(item, RawRead):
        return (item.epc.hex().upper(), item.antenna, item.rssi_dbm, item.occurred_at)
    if isinstance(item, Refused):
        return item.code
    return item


def r700(**fields: object) -> dict[str, object]:
    return {
        "timestamp": "2026-02-26T17:13:37.432087177Z",
        "eventType": "tagInventory",
        "tagInventoryEvent": fields,
    }


def zebra(kind: str = "SIMPLE", **fields: object) -> dict[str, object]:
    data = {"format": "epc", "idHex": EPC.lower()} | fields
    return {"type": kind, "timestamp": "2026-09-07T12:50:36.194+0000", "data": data}


FILES: list[tuple[str, str, list[object]]] = [
    ("r700", "impinj_r700_mqtt_base64_epc", [("8A450224", 3, -74.0, 1_772_126_017_432_087)]),
    ("r700", "impinj_r700_mqtt_config", ["N_NOT_A_READING"]),
    ("r700", "impinj_r700_status", ["N_NOT_A_READING"]),
    ("r700", "epcis_object_event.jsonld", ["N_NOT_A_READING"]),
    ("r700", "epcis_query_document.jsonld", ["N_NOT_A_READING"]),
    (
        "r700",
        "impinj_r700_webhook_batch",
        [(EPC, 2, -52.3, 1_789_380_000_123_000), (EPC, 1, -61.0, 1_789_380_001_000_000)],
    ),
    (
        "zebra",
        "zebra_iotc_doc_example",
        [("3005FB63AC1F3681EC880468", 1, -39.0, 1_566_656_122_000_000)],
    ),
    (
        "zebra",
        "zebra_iotc_simple",
        [("E2806894000040017790E471", None, None, 1_788_785_436_194_000)],
    ),
    (
        "zebra",
        "zebra_iotc_conveyor",
        [("E2806894000040017790E471", 1, None, 1_788_785_489_949_000)],
    ),
    (
        "zebra-handheld",
        "zebra_handheld_rfd40_dataevt",
        [("E2003411B802011533ABCD12", None, -52.0, 1_779_200_591_000_000)],
    ),
    ("json", "intel_rsp_inventory_event", ["E_EPC_HEX"] * 3),
]


@pytest.mark.parametrize(("form", "name", "expected"), FILES)
def test_every_example_file_has_its_outcome(form: str, name: str, expected: list[object]) -> None:
    payload = (require_examples() / "payloads" / f"{name}.json").read_bytes()

    found = decoded(form, payload, mapping=RSP if form == "json" else None)

    assert [outcome(item) for item in found] == expected


R700_CASES: list[tuple[dict[str, object], object]] = [
    ({"epc": "ikUCJA"}, "8A450224"),
    ({"epc": "ikUCJA="}, "E_EPC_BASE64"),
    ({"epc": "-_8AAA=="}, "FBFF0000"),
    ({"epc": "+/8AAA=="}, "E_EPC_BASE64"),
    ({"epc": "ik\nUCJA=="}, "E_EPC_BASE64"),
    ({"epc": "ikUCJB=="}, "E_EPC_BASE64"),
    ({"epc": ""}, "E_EPC_LEN"),
    ({"epc": "A" * 500}, "E_EPC_LEN"),
    ({"epc": "ikUC"}, "E_EPC_LEN"),
    ({"epc": 5}, "E_FIELD_TYPE"),
    ({"epcHex": "8A450224", "epc": "ikUCJA=="}, "8A450224"),
    ({"epcHex": "8A450225", "epc": "ikUCJA=="}, "E_EPC_CONFLICT"),
    ({"epcHex": "8a450224"}, "8A450224"),
    ({"epcHex": "8A45022"}, "E_EPC_LEN"),
    ({"epcHex": "0x450224"}, "E_EPC_HEX"),
    ({"epcHex": "８A450224"}, "E_EPC_HEX"),
    ({"epcHex": "00" * 64}, "E_EPC_LEN"),
    ({"antennaPort": 1}, "E_FIELD_MISSING"),
    ({"epcHex": EPC, "antennaPort": 0}, "E_FIELD_RANGE"),
    ({"epcHex": EPC, "antennaPort": 10**39}, "E_FIELD_RANGE"),
    ({"epcHex": EPC, "antennaPort": True}, "E_FIELD_TYPE"),
    ({"epcHex": EPC, "lastSeenTime": "2026-02-30T00:00:00Z"}, "E_TIME"),
    ({"epcHex": EPC, "lastSeenTime": "2026-02-20T00:00:00"}, "E_TIME"),
    ({"epcHex": EPC, "lastSeenTime": "1970-01-01T00:00:00Z"}, "E_TIME"),
    ({"epcHex": EPC, "peakRssiCdbm": "error", "phaseAngle": 360, "tidHex": "xy"}, EPC),
    ({"epcHex": EPC, "peakRssiCdbm": 10**39, "frequency": -1}, EPC),
]


@pytest.mark.parametrize(("fields", "expected"), R700_CASES)
def test_an_r700_event_is_read_by_field_name(fields: dict[str, object], expected: object) -> None:
    [found] = decoded("r700", r700(**fields))

    assert (found.code if isinstance(found, Refused) else outcome(found)[0]) == expected  # type: ignore[index]
    if isinstance(found, RawRead) and "peakRssiCdbm" in fields:
        assert found.rssi_dbm is None


def test_the_last_seen_time_is_the_read_and_nanoseconds_are_cut() -> None:
    [found] = decoded("r700", r700(epcHex=EPC, lastSeenTime="2026-02-26T18:13:36.999999999+01:00"))

    assert isinstance(found, RawRead)
    assert found.occurred_at == 1_772_126_016_999_999


def test_other_r700_events_are_edges_and_notices() -> None:
    event = {"timestamp": "2026-02-26T17:13:37Z", "eventType": "gpiTransition"}
    edge = {**event, "gpiTransitionEvent": {"gpi": 1, "transition": "low-to-high"}}
    lost = {"antennaDisconnectedEvent": {"antennaPort": 2}}

    found = decoded("r700", edge, lost, {"overflowEvent": {}}, {"diagnosticEvent": {}})

    at = 1_772_126_017_000_000
    assert found == [
        RawSensor("gpi", at, NOW, {"port": 1, "state": "high"}),
        DriverNotice("antenna_fault", NOW, "antenna 2", 2),
        DriverNotice("overflow", NOW, "the reader lost events"),
        Refused("N_NOT_A_READING", "diagnostic"),
    ]


ZEBRA_CASES: list[tuple[object, list[object]]] = [
    (zebra(), [(EPC, None, None, 1_788_785_436_194_000)]),
    ({"data": {"idHex": EPC, "format": "epc"}}, [(EPC, None, None, NOW)]),
    ({"data": {"idHex": EPC}}, ["E_FIELD_MISSING"]),
    (zebra("BLE_DATA", RSSI=-70, Address="aa"), ["N_BLE"]),
    (zebra("SOMETHING"), ["E_KIND"]),
    (zebra(format="iso18000-6b"), ["N_FORMAT"]),
    (zebra(idHex="tag refused"), ["E_EPC_HEX"]),
    (zebra(USER="the tag refused", accessResults=["no", 5], peakRssi="?"), [
        (EPC, None, None, 1_788_785_436_194_000)]),
    ({"type": "heartbeat", "data": {"flash": None}}, ["N_NOT_A_READING"]),
    ({"type": "gpo", "data": {"pin": 1, "state": "HIGH"}}, ["N_NOT_A_READING"]),
    ({"type": "gpi", "data": {"pin": 3, "state": "LOW"}}, [
        RawSensor("gpi", NOW, NOW, {"port": 3, "state": "low"})]),
    ({"type": "error", "data": {}}, [DriverNotice("reader_exception", NOW, "error")]),
    ([], []),
    (7, ["E_FIELD_TYPE"]),
]  # fmt: skip


@pytest.mark.parametrize(("message", "expected"), ZEBRA_CASES)
def test_only_a_tag_becomes_a_zebra_read(message: object, expected: list[object]) -> None:
    assert [outcome(item) for item in decoded("zebra", message)] == expected


def test_a_gap_in_event_numbers_is_told_and_a_restart_is_not() -> None:
    messages = [zebra(eventNum=n) for n in (5, 6, 9, 1, 2)]

    found = [i for i in decoded("zebra", *messages) if isinstance(i, DriverNotice)]

    assert found == [DriverNotice("overflow", NOW, "eventNum skips 2")]


def test_a_sled_tells_sums_and_its_reads_are_the_differences() -> None:
    def event(seen: int) -> dict[str, object]:
        return {"type": "X", "data": {"tagData": [{"EPCid": EPC, "seenCount": seen}]}}

    found = decoded("zebra-handheld", event(14), event(16), event(16), event(3))

    assert [i.count if isinstance(i, RawRead) else outcome(i) for i in found] == [
        14,
        2,
        "N_NOT_SEEN_AGAIN",
        3,
    ]


def test_a_sled_scan_keeps_an_aim_identifier_alone() -> None:
    codes = [{"decodedBarcode": "0", "symbology": s} for s in ("]C1", "CODE128")]

    found = decoded("zebra-handheld", {"data": {"barcodeData": [*codes, {}]}})

    assert found == [
        RawScan("0", NOW, NOW, "]C1"),
        RawScan("0", NOW, NOW),
        Refused("E_FIELD_MISSING", "decodedBarcode"),
    ]


@pytest.mark.parametrize("form", ["r700", "zebra", "zebra-handheld", "json"])
def test_hostile_documents_end_in_a_code(form: str) -> None:
    hostile = {
        b"\xff\xfe": "E_JSON",
        b"[" * 100_000: "E_JSON",
        b'{"a":NaN}': "E_JSON",
        b'{"a":1' + b"0" * 5000 + b"}": "E_JSON",
        b'{"a":1,"a":2}': "E_JSON_DUPKEY",
        b" " * (1 << 20) + b"1": "E_SIZE",
    }

    for payload, code in hostile.items():
        assert [outcome(i) for i in decoded(form, payload, mapping=RSP)] == [code]
    assert all(code in CODES for code in hostile.values())


def test_a_mapping_reads_units_and_counts_antennas_from_one() -> None:
    entry = {"epc_code": EPC, "timestamp": 1_564_612_355_133, "location": "RSP-150005-0"}
    message = {"method": "inventory_event", "params": {"data": [entry]}}

    found = decoded("json", message, {"method": "other"}, mapping=RSP)

    assert [outcome(i) for i in found] == [
        (EPC, 1, None, 1_564_612_355_133_000),
        "N_NOT_A_READING",
    ]


@pytest.mark.parametrize(
    "text", ["=", "entries = 'x'", "entries = '['\nfields = {epc = 'a'}", "fields = {x = 'a'}"]
)
def test_a_mapping_that_cannot_be_used_says_why(text: str) -> None:
    with pytest.raises(MappingError):
        parse_mapping(text)
