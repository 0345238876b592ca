"""`dockledger epc` and `dockledger barcode` answer with the codes of the gateway, exit 3."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from runtime.cli import barcode, epc

RUN = CliRunner()


def test_decode_prints_every_form_of_an_identity() -> None:
    done = RUN.invoke(epc.app, ["decode", "3074257BF7194E4000001A85", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "scheme": "sgtin-96",
        "key": "01/80614141123458/21/6789",
        "filter": 3,
        "serial": "6789",
        "date": None,
        "hostname": None,
        "prefix_length": 7,
        "pure_identity_uri": "urn:epc:id:sgtin:0614141.812345.6789",
        "tag_uri": "urn:epc:tag:sgtin-96:3.0614141.812345.6789",
        "element_string": "(01)80614141123458(21)6789",
        "digital_link": "https://id.gs1.org/01/80614141123458/21/6789",
        "code": None,
    }


def test_decode_completes_a_printed_code_and_shows_text_for_people() -> None:
    done = RUN.invoke(epc.app, ["decode", "F90095201234567891235"])
    assert done.exit_code == 0
    assert "https://id.gs1.org/00/095201234567891235" in done.stdout


def test_a_foreign_code_is_shown_with_its_hold() -> None:
    done = RUN.invoke(epc.app, ["decode", "E28011700000020A7C1F0A3B", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["code"] == "Q_EPC_FOREIGN"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0x3074257BF7194E4000001A85", "E_EPC_HEX"),
        ("307C257BF7194E4000001A85", "E_EPC_PARTITION"),
        ("", "E_EPC_LEN"),
    ],
)
def test_a_refused_code_exits_three(text: str, code: str) -> None:
    done = RUN.invoke(epc.app, ["decode", text, "--json"])
    assert (done.exit_code, json.loads(done.stdout)) == (3, {"code": code})
    plain = RUN.invoke(epc.app, ["decode", text])
    assert (plain.exit_code, plain.stderr) == (3, f"dockledger: {code}\n")


def test_encode_is_the_way_back() -> None:
    asked = ["encode", "01/80614141123458/21/6789", "--filter", "3", "--prefix-length", "7"]
    done = RUN.invoke(epc.app, asked)
    assert (done.exit_code, done.stdout) == (0, "3074257BF7194E4000001A85\n")
    for key in ("01/80614141123458/21/007", "nonsense", "8004/95211415678"):
        refused = RUN.invoke(epc.app, ["encode", key, "--json"])
        assert (refused.exit_code, json.loads(refused.stdout)) == (3, {"code": "E_EPC_RANGE"})


def test_parse_prints_values_dates_and_the_key() -> None:
    scan = "]C101806141411234581726120021A1"
    done = RUN.invoke(barcode.app, ["parse", scan, "--today", "2026-11-18", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "kind": "elements",
        "values": [["01", "80614141123458"], ["17", "261200"], ["21", "A1"]],
        "dates": {"17": "2026-12-31"},
        "text": None,
        "key": "01/80614141123458/21/A1",
        "code": None,
    }


def test_a_refused_scan_exits_three_and_shows_what_could_be_read() -> None:
    done = RUN.invoke(barcode.app, ["parse", "]C1018061414112345917261231", "--json"])
    assert done.exit_code == 3
    assert json.loads(done.stdout) == {"code": "E_BC_CHECK", "values": [["17", "261231"]]}
    plain = RUN.invoke(barcode.app, ["parse", "0614141123453"])
    assert (plain.exit_code, plain.stderr) == (3, "dockledger: E_BC_CHECK\n")
