"""Check digits and keys."""

from __future__ import annotations

import pytest

from contracts.gs1.keys import (
    KeyRefusedError,
    check_digit,
    gln_from,
    grai_from,
    gtin_from,
    handling_unit_key,
    parse_gtin,
    parse_sscc,
    sgtin_key,
    split_key,
    sscc_from,
)


def test_check_digit_of_the_standard_examples() -> None:
    assert check_digit("0950600013435") == "2"
    assert check_digit("10614141234567890") == "8"


@pytest.mark.parametrize(
    ("text", "gtin"),
    [
        ("614141123452", "00614141123452"),
        ("0614141123452", "00614141123452"),
        ("96385074", "00000096385074"),
        ("80614141123458", "80614141123458"),
    ],
)
def test_every_gtin_is_stored_with_fourteen_digits(text: str, gtin: str) -> None:
    assert parse_gtin(text) == gtin


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0614141123453", "E_BC_CHECK"),
        ("06141411234", "E_BC_LEN"),
        ("０614141123452", "E_BC_CHARSET"),
        ("", "E_BC_CHARSET"),
    ],
)
def test_a_bad_gtin_is_refused_with_its_code(text: str, code: str) -> None:
    with pytest.raises(KeyRefusedError) as refused:
        parse_gtin(text)
    assert refused.value.code == code


def test_sscc_of_a_running_number_takes_its_leading_digit_as_extension() -> None:
    assert sscc_from("0614141", 7) == "006141410000000074"
    assert sscc_from("0614141", 1_234567890) == "106141412345678908"
    assert parse_sscc(sscc_from("0614141", 9_999_999_999))


def test_a_number_that_does_not_fit_the_prefix_is_refused() -> None:
    for serial in (-1, 10_000_000_000):
        with pytest.raises(ValueError, match="does not fit"):
            sscc_from("0614141", serial)
    with pytest.raises(ValueError, match="does not fit"):
        gtin_from("0614141", 100_000)


def test_other_keys_of_a_prefix() -> None:
    assert gtin_from("0614141", 12345, indicator=8) == "80614141123458"
    assert gtin_from("0614141", 12345) == "00614141123452"
    assert grai_from("9521141", 12345, "5678") == "095211411234545678"
    assert gln_from("9521141", 12345) == "9521141123454"


def test_a_key_is_split_into_plain_values() -> None:
    key = sgtin_key("79521141123453", "32a/b")
    assert key == "01/79521141123453/21/32a%2Fb"
    assert split_key(key) == (("01", "79521141123453"), ("21", "32a/b"))
    assert split_key("urn:epc:id:gid:1.2.3") == ()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("106141412345678908", "00/106141412345678908"),
        ("00/106141412345678908", "00/106141412345678908"),
        ("8003/095211411234545678", "8003/095211411234545678"),
    ],
)
def test_a_handling_unit_is_named_by_its_sscc_or_key(text: str, key: str) -> None:
    assert handling_unit_key(text) == key


def test_a_handling_unit_with_a_bad_check_digit_is_refused() -> None:
    for text in ("106141412345678907", "8003/095211411234555678"):
        with pytest.raises(KeyRefusedError) as refused:
            handling_unit_key(text)
        assert refused.value.code == "E_BC_CHECK"
