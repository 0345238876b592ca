"""The golden schemas say what the structs say, and the codec what the schemas say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import msgspec
import pytest

from contracts.codec import decode_up, encode
from contracts.fields import READ, SCAN
from contracts.reference import page
from contracts.schema import FOLDER, MESSAGES, schema_text, write_schemas
from contracts.v1 import Observation, Scan
from tests.unit.contracts.messages import NOW, a_message, a_read, problem, topic_of

DOCS = Path(__file__).parents[3] / "docs" / "wire.md"
CONTRACTS = Path(__file__).parents[3] / "contracts"


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_the_committed_schema_is_what_the_structs_say(name: str) -> None:
    committed = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert committed == schema_text(name), "run: python -m contracts.schema"


def test_writing_gives_one_file_for_each_message(tmp_path: Path) -> None:
    write_schemas(tmp_path)
    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted(MESSAGES)


def _fits(name: str, message: object) -> bool:
    schema = json.loads(schema_text(name))
    return bool(jsonschema.Draft202012Validator(schema).is_valid(message))


@pytest.mark.parametrize("kind", ["reads", "scans", "sensors", "status"])
def test_what_we_send_fits_its_schema(kind: str) -> None:
    for topic_kind in ("reads", "scans", "sensors", "status"):
        if topic_kind == kind:
            message = a_message(topic_kind)
            payload = json.dumps(message).encode()
            _, content = decode_up(payload, topic=topic_of(topic_kind), now=NOW)
            assert _fits(kind, json.loads(encode(content.message)))
    assert not _fits(kind, {**a_message("reads"), "schema": "other.v1"})


@pytest.mark.parametrize(
    "changes",
    [
        {"antenna": 0},
        {"antenna": 65},
        {"rssi_dbm": 1},
        {"count": 0},
        {"phase_deg": 360},
        {"device": ""},
        {"hint": 1},
        {"epc": ...},
        {"occurred_at": 2**63},
        {"frequency_khz": 960_001},
        {"tx_power_dbm": 41},
        {"doppler_hz": 1001},
        {"rssi_spread_db": -1},
        {"antenna": None},
        {"rssi_mean_dbm": None},
    ],
)
def test_the_schema_and_the_codec_refuse_the_same_readings(changes: dict[str, object]) -> None:
    message = a_message(reads=[a_read(**changes)])
    assert _fits("reads", message) == (problem(message) is None)


def test_structs_and_field_tables_name_the_same_fields() -> None:
    for struct, fields in ((Observation, READ), (Scan, SCAN)):
        names = [field.name for field in msgspec.structs.fields(struct)]
        assert names == [field.name for field in fields]


def test_the_reference_page_explains_every_code_that_is_raised() -> None:
    page = DOCS.read_text(encoding="utf-8")
    raised = {
        code
        for path in CONTRACTS.rglob("*.py")
        for code in re.findall(r'"([EQF]_[A-Z_]+)"', path.read_text(encoding="utf-8"))
    }
    assert len(raised) > 30
    assert {code for code in raised if f"`{code}`" not in page} == set()


def test_the_reference_page_is_what_the_tables_say() -> None:
    assert DOCS.read_text(encoding="utf-8") == page(), "run: python -m contracts.reference"
