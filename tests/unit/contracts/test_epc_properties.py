"""EPC properties over generated codes, with epcpy as an independent reader of the older schemes."""

from __future__ import annotations

import random

import pytest
from epcpy.utils.parsers import hex_to_tag_encodable
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.gs1.epc import (
    Epc,
    EpcError,
    decode,
    encode_grai_96,
    encode_key,
    encode_sgln_96,
    encode_sgtin_96,
    encode_sscc_96,
    key_of,
)
from contracts.gs1.keys import check_digit

LENGTHS = st.integers(6, 12)
FILTERS = st.integers(0, 7)


def _checked(digits: int, width: int) -> str:
    body = f"{digits:0{width}d}"
    return body + check_digit(body)


def _encoded(epc: Epc) -> str:
    values = dict(epc.values)
    length, lead = epc.prefix_length or 0, epc.filter or 0
    if "21" in values:
        return encode_sgtin_96(values["01"], values["21"], prefix_length=length, filter_value=lead)
    if "00" in values:
        return encode_sscc_96(values["00"], prefix_length=length, filter_value=lead)
    if "8003" in values:
        return encode_grai_96(values["8003"], prefix_length=length, filter_value=lead)
    extension = values.get("254", "0")
    return encode_sgln_96(values["414"], extension, prefix_length=length, filter_value=lead)


def _agrees_with_the_oracle(epc: str) -> None:
    assert decode(epc).pure_identity_uri == hex_to_tag_encodable(epc).epc_uri


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**13 - 1), st.integers(0, 2**38 - 1), LENGTHS, FILTERS)
def test_sgtin_comes_back(item: int, serial: int, length: int, lead: int) -> None:
    gtin = _checked(item, 13)
    epc = encode_sgtin_96(gtin, str(serial), prefix_length=length, filter_value=lead)
    assert key_of(epc) == f"01/{gtin}/21/{serial}"
    assert _encoded(decode(epc)) == epc
    _agrees_with_the_oracle(epc)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**17 - 1), LENGTHS, FILTERS)
def test_sscc_comes_back(unit: int, length: int, lead: int) -> None:
    sscc = _checked(unit, 17)
    epc = encode_sscc_96(sscc, prefix_length=length, filter_value=lead)
    assert key_of(epc) == f"00/{sscc}"
    assert _encoded(decode(epc)) == epc
    _agrees_with_the_oracle(epc)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**12 - 1), st.integers(0, 2**38 - 1), LENGTHS, FILTERS)
def test_grai_comes_back(asset: int, serial: int, length: int, lead: int) -> None:
    grai = f"0{_checked(asset, 12)}{serial}"
    epc = encode_grai_96(grai, prefix_length=length, filter_value=lead)
    assert key_of(epc) == f"8003/{grai}"
    assert _encoded(decode(epc)) == epc
    _agrees_with_the_oracle(epc)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**12 - 1), st.integers(0, 2**41 - 1), LENGTHS, FILTERS)
def test_sgln_comes_back(place: int, extension: int, length: int, lead: int) -> None:
    gln = _checked(place, 12)
    epc = encode_sgln_96(gln, str(extension), prefix_length=length, filter_value=lead)
    assert decode(epc).key == f"414/{gln}" + (f"/254/{extension}" if extension else "")
    assert _encoded(decode(epc)) == epc
    _agrees_with_the_oracle(epc)


def test_other_schemes_agree_with_the_oracle_on_the_published_codes() -> None:
    for epc in (
        "3666C4409047E159B2C2BF100000000000000000000000000000",
        "3776451FD40C0E59B2C2BF1000000000000000000000",
        "3876451FD59B2C2BF10000000000000000000000000000000000",
        "3976451FD46072CD9615F8800000000000000000000000000000",
        "3476451FD40000000000162E",
        "2D76451FD4499602D2000000",
        "2C76451FD46072000000162E",
        "3C76451FD400C0E680003039",
        "3F76451FD612640000019907",
    ):
        _agrees_with_the_oracle(epc)


def test_ten_thousand_random_codes_of_every_header_are_read_or_refused_by_code() -> None:
    rng = random.Random(20_261_118)
    refused: dict[str, int] = {}
    for turn in range(10_000):
        size = rng.choice((4, 12, 12, 14, 18, 22, 26, 30, 62))
        code = bytes([turn % 256]) + rng.randbytes(size - 1)
        if turn % 3 == 0:
            code = code[: size // 2] + bytes(size - size // 2)
        try:
            epc = decode(code)
        except EpcError as refusal:
            refused[refusal.code] = refused.get(refusal.code, 0) + 1
        else:
            assert epc.key
            assert (epc.tag_uri is None) == (epc.pure_identity_uri is None)
    assert set(refused) == {"E_EPC_LEN", "E_EPC_PARTITION", "E_EPC_RANGE", "E_EPC_PAD"}


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=130))
def test_any_text_is_read_or_refused_by_code(text: str) -> None:
    code = ""
    try:
        decode(text)
    except EpcError as refusal:
        code = refusal.code
    assert code in {"", "E_EPC_HEX", "E_EPC_LEN", "E_EPC_PARTITION", "E_EPC_RANGE", "E_EPC_PAD"}
    with pytest.raises(ValueError, match=r".*"):
        encode_key(text, prefix_length=7)
