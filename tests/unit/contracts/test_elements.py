"""Barcode scans: what is accepted, what is refused and in which order."""

from __future__ import annotations

import datetime as dt

import pytest

from contracts.gs1.ais import parse_date
from contracts.gs1.elements import Barcode, BarcodeError, parse_barcode, parse_hand_entry
from contracts.gs1.epc import key_of

TODAY = dt.date(2026, 11, 18)
GTIN = "80614141123458"
SSCC = "106141412345678908"
FNC1 = "\x1d"


def scan(code: str, *, after_item: bool = False, symbology: str | None = None) -> Barcode:
    return parse_barcode(code, today=TODAY, after_item=after_item, symbology=symbology)


def refused(code: str, *, symbology: str | None = None) -> BarcodeError:
    with pytest.raises(BarcodeError) as refusal:
        scan(code, symbology=symbology)
    return refusal.value


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("614141123452", (("01", "00614141123452"),)),
        ("0614141123452\r\n", (("01", "00614141123452"),)),
        ("96385074\n", (("01", "00000096385074"),)),
        (GTIN + FNC1, (("01", GTIN),)),
        (SSCC, (("00", SSCC),)),
        ("]E00614141123452", (("01", "00614141123452"),)),
        ("]E496385074", (("01", "00000096385074"),)),
        (f"]I1{GTIN}", (("01", GTIN),)),
        (f"]C100{SSCC}", (("00", SSCC),)),
        (f"]d201{GTIN}10L1{FNC1}21S1{FNC1}", (("01", GTIN), ("10", "L1"), ("21", "S1"))),
        (f"]Q301{GTIN}{FNC1}10L1", (("01", GTIN), ("10", "L1"))),
        (f"]e002{GTIN}3712", (("02", GTIN), ("37", "12"))),
        (f"01{GTIN}17261231", (("01", GTIN), ("17", "261231"))),
        (f"{FNC1}01{GTIN}10aB", (("01", GTIN), ("10", "aB"))),
        (f"]C101{GTIN}01{GTIN}", (("01", GTIN),)),
        (f"]C101{GTIN}3103001500", (("01", GTIN), ("3103", "001500"))),
        (f"]C101{GTIN}7003261231{2359}", (("01", GTIN), ("7003", "2612312359"))),
    ],
)
def test_what_a_scanner_may_send(code: str, values: tuple[tuple[str, str], ...]) -> None:
    assert scan(code).values == values


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        ("", "E_BC_EMPTY"),
        ("   ", "E_BC_EMPTY"),
        ("]C1", "E_BC_EMPTY"),
        (f"]C1{FNC1}", "E_BC_EMPTY"),
        ("9" * 257, "E_BC_LEN"),
        ("]Y90614141123452", "E_BC_SYMBOLOGY"),
        ("loc:A-01-01-1", "E_BC_SYMBOLOGY"),
        ("3074257BF7194E4000001A85", "E_BC_SYMBOLOGY"),
        ("urn:epc:id:sgtin:0614141.812345.6789", "E_BC_SYMBOLOGY"),
        ("LOC:A-01-01", "E_BC_SYNTAX"),
        ("06141411234A2", "E_BC_CHARSET"),
        (f"(01){GTIN}", "E_BC_CHARSET"),
        ("0614141123452\r\r", "E_BC_CHARSET"),
        (f"]C101{GTIN}10L\x00", "E_BC_CHARSET"),
        (f"]C101{GTIN}10Lé", "E_BC_CHARSET"),
        ("]C10180614141123459", "E_BC_CHECK"),
        (f"]C100{SSCC[:-1]}7", "E_BC_CHECK"),
        ("]C189123", "E_BC_AI"),
        (f"]C101{GTIN}10{'L' * 21}", "E_BC_AI_LEN"),
        (f"]C101{GTIN}10", "E_BC_AI_LEN"),
        (f"]C101{GTIN}01{'00614141123452'}", "E_BC_AI_REPEAT"),
        (f"]C102{GTIN}", "E_BC_AI_PAIR"),
        ("]C13712", "E_BC_AI_PAIR"),
        (f"]C101{GTIN}02{GTIN}3712", "E_BC_AI_PAIR"),
        ("]C110L1", "E_BC_AI_PAIR"),
        (f"]C101{GTIN}17260230", "E_BC_DATE"),
        (f"]C101{GTIN}17261331", "E_BC_DATE"),
        (f"]C102{GTIN}370", "E_BC_RANGE"),
        (f"]C1{FNC1}01{GTIN}", "E_BC_SYNTAX"),
        (f"]C101{GTIN}10L1{FNC1}{FNC1}21S1", "E_BC_SYNTAX"),
        ("]E096385074", "E_BC_LEN"),
        ("806141411234580", "E_BC_LEN"),
        ("6.14141E+11", "E_BC_CHARSET"),
        ("https://example.com/shop?01=1", "E_BC_CHARSET"),
    ],
)
def test_what_is_refused_and_why(code: str, refusal: str) -> None:
    assert refused(code).code == refusal


def test_the_symbology_may_come_apart_from_the_text() -> None:
    assert scan(f"01{GTIN}10L1", symbology="]C1").get("10") == "L1"
    assert refused("0614141123452", symbology="]Y9").code == "E_BC_SYMBOLOGY"


def test_a_lot_may_follow_the_item_scanned_before_it() -> None:
    assert scan("]C110L1", after_item=True).values == (("10", "L1"),)


def test_a_bad_check_digit_still_shows_the_other_fields() -> None:
    refusal = refused(f"]C1018061414112345910L1{FNC1}17261231")
    assert refusal.code == "E_BC_CHECK"
    assert refusal.values == (("10", "L1"), ("17", "261231"))


@pytest.mark.parametrize("tail", ["17261231", f"01{GTIN}", "4149521141123454", "17261200"])
def test_a_lot_that_swallowed_a_proven_field_is_ambiguous(tail: str) -> None:
    refusal = refused(f"]C100{SSCC}01{GTIN}10L{tail}")
    assert refusal.code == "E_BC_SYNTAX"
    swallowed, split = refusal.readings
    assert swallowed[-1] == ("10", f"L{tail}")
    assert ("10", "L") in split
    assert split[-1][1] in tail


@pytest.mark.parametrize("lot", ["L17261331", "L2012", "L10ABC", "L0180614141123459", "L3712"])
def test_a_lot_whose_tail_proves_nothing_stays_one_lot(lot: str) -> None:
    assert scan(f"]C101{GTIN}10{lot}").get("10") == lot


def test_day_nought_is_the_last_of_its_month_in_leap_years_too() -> None:
    assert scan(f"]C101{GTIN}17280200").expiry == dt.date(2028, 2, 29)
    assert scan(f"]C101{GTIN}17270200").expiry == dt.date(2027, 2, 28)


@pytest.mark.parametrize(
    ("digits", "today", "year"),
    [
        ("760101", 2026, 2076),
        ("770101", 2026, 1977),
        ("010101", 1951, 2001),
        ("020101", 1951, 1902),
        ("490101", 2099, 2149),
        ("480101", 2099, 2148),
    ],
)
def test_the_century_is_the_nearest(digits: str, today: int, year: int) -> None:
    day = parse_date(digits, today=dt.date(today, 6, 1))
    assert day is not None
    assert day.year == year


def test_a_location_label_and_the_labels_a_site_registers() -> None:
    assert scan("LOC:A-01-01-1") == Barcode("location", text="A-01-01-1")
    families = {"LOC:": r"STAGE-(IN|OUT-[0-9])", "TOTE-": r"[0-9]{4}"}
    label = parse_barcode("LOC:STAGE-OUT-1", today=TODAY, families=families)
    assert label == Barcode("label", text="LOC:STAGE-OUT-1")
    assert parse_barcode("TOTE-0042", today=TODAY, families=families).kind == "label"
    with pytest.raises(BarcodeError) as refusal:
        parse_barcode("TOTE-42", today=TODAY, families=families)
    assert refusal.value.code == "E_BC_CHARSET"


def test_a_digital_link_counts_from_its_first_key_whatever_the_domain() -> None:
    link = scan(f"https://brand.example/shop/01/{GTIN}/10/L%2F1/21/6789?17=261231&lang=en")
    assert link.kind == "link"
    assert link.values == (("01", GTIN), ("10", "L/1"), ("21", "6789"), ("17", "261231"))
    assert link.epc_key == key_of("3074257BF7194E4000001A85")
    assert scan("]Q1https://id.gs1.org/01/614141123452").gtin == "00614141123452"
    assert refused(f"https://id.gs1.org/01/{GTIN[:-1]}9").code == "E_BC_CHECK"


def test_a_barcode_and_a_tag_of_one_thing_have_one_key() -> None:
    assert scan(f"]C101{GTIN}216789").epc_key == key_of("3074257BF7194E4000001A85")
    assert scan("]C100095201234567891235").epc_key == key_of("311BA1B300CE0A6A83000000")
    assert scan("]C18003095211411234545678").epc_key == key_of("3376451FD40C0E400000162E")
    assert scan(f"]C14149521141123454{FNC1}2545678").epc_key == key_of("3276451FD46072000000162E")


def test_brackets_are_for_the_hand_entry_field_alone() -> None:
    typed = parse_hand_entry(f"(01){GTIN}(10)L17261231(21)A(1)", today=TODAY)
    assert typed.values == (("01", GTIN), ("10", "L17261231"), ("21", "A(1)"))
    assert parse_hand_entry("614141123452", today=TODAY).gtin == "00614141123452"
    with pytest.raises(BarcodeError) as refusal:
        parse_hand_entry("(89)1", today=TODAY)
    assert refusal.value.code == "E_BC_AI"
