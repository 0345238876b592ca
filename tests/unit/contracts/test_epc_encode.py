"""Encoders of the long and `+` forms: exact round trips, one key for one object, typed refusals."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable

import pytest
from epcpy.utils.parsers import hex_to_tag_encodable
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.gs1.encode_any import encode, encode_key
from contracts.gs1.encode_plus import cheapest, encode_plus
from contracts.gs1.epc import EpcError, decode, key_of
from contracts.gs1.keys import CHARSET_82, check_digit, normal_key
from contracts.gs1.names import parse_name

TODAY = dt.date(2026, 11, 24)
MARKS = "".join(sorted(CHARSET_82))
KINDS = st.sampled_from(("sgtin", "sscc", "grai", "sgln"))
LENGTHS, FILTERS, DIGITS = st.integers(6, 12), st.integers(0, 7), st.integers(0, 10**17 - 1)
SERIALS = st.one_of(
    st.text(MARKS, min_size=1, max_size=16),
    st.text("0123456789", min_size=1, max_size=16),
    st.text("0123456789ABCDEF", min_size=1, max_size=16),
    st.text("0123456789abcdef", min_size=1, max_size=16),
    st.text("ABCXYZ-.:019", min_size=1, max_size=16),
    st.text("ABCxyz_-019", min_size=1, max_size=16),
)


def a_key(kind: str, digits: int, serial: str) -> str:
    """The normal key of one object of this kind."""

    def checked(width: int) -> str:
        body = f"{digits % 10**width:0{width}d}"
        return body + check_digit(body)

    match kind:
        case "sgtin":
            return normal_key((("01", checked(13)), ("21", serial)))
        case "sscc":
            return f"00/{checked(17)}"
        case "grai":
            return normal_key((("8003", f"0{checked(12)}{serial}"),))
        case _:
            place = ("414", checked(12))
            return normal_key((place,) if serial == "0" else (place, ("254", serial)))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(("sgtin", "grai", "sgln")), DIGITS, SERIALS, LENGTHS, FILTERS)
def test_the_long_form_comes_back_byte_for_byte(
    kind: str, digits: int, serial: str, length: int, lead: int
) -> None:
    key = a_key(kind, digits, serial)

    epc = encode_key(key, prefix_length=length, filter_value=lead, form="long")

    assert key_of(epc) == key
    assert encode(decode(epc)) == epc


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(("sgtin", "grai", "sgln")),
    DIGITS,
    st.text("ABCXYZabc019", min_size=1, max_size=16).filter(lambda text: text != "0"),
    LENGTHS,
)
def test_the_long_form_reads_the_same_by_an_independent_library(
    kind: str, digits: int, serial: str, length: int
) -> None:
    epc = encode_key(a_key(kind, digits, serial), prefix_length=length, form="long")

    assert decode(epc).pure_identity_uri == hex_to_tag_encodable(epc).epc_uri


@settings(max_examples=300, deadline=None)
@given(KINDS, DIGITS, SERIALS, FILTERS, st.integers(0, 5), st.integers(0, 1))
def test_the_plus_form_comes_back_byte_for_byte_in_any_spelling(
    kind: str, digits: int, serial: str, lead: int, encoding: int, toggle: int
) -> None:
    key = a_key(kind, digits, serial)
    plain = encode_key(key, filter_value=lead, form="+")
    assert key_of(plain) == key
    assert encode(decode(plain)) == plain

    values = dict(decode(plain).values)
    with contextlib.suppress(EpcError):
        other = encode_plus(values, filter_value=lead, encoding=encoding, toggle=toggle)
        assert key_of(other) == key
        assert len(other) >= len(plain)
        assert encode(decode(other)) == other


@settings(max_examples=200, deadline=None)
@given(
    KINDS,
    DIGITS,
    SERIALS,
    st.sampled_from(("id.example.com", "qr.shop.eco", "a.b-c.de", "www.gs1.org", "x")),
)
def test_the_hosted_form_keeps_the_key_and_the_hostname(
    kind: str, digits: int, serial: str, hostname: str
) -> None:
    key = a_key(kind, digits, serial)

    epc = encode_key(key, form="++", hostname=hostname)

    assert (key_of(epc), decode(epc).hostname) == (key, hostname)
    assert encode(decode(epc)) == epc


@settings(max_examples=100, deadline=None)
@given(DIGITS, SERIALS, st.dates(dt.date(2000, 1, 1), dt.date(2060, 1, 1)))
def test_a_dated_item_is_the_same_item(digits: int, serial: str, day: dt.date) -> None:
    key, date = a_key("sgtin", digits, serial), ("17", f"{day:%y%m%d}")

    epc = encode_key(key, form="+", date=date)

    assert (key_of(epc), decode(epc).date, decode(epc).scheme) == (key, date, "dsgtin+")
    assert encode(decode(epc)) == epc


@settings(max_examples=200, deadline=None)
@given(KINDS, DIGITS, st.integers(1, 2**38 - 1), LENGTHS, FILTERS)
def test_every_form_and_every_name_of_one_object_has_one_key(
    kind: str, digits: int, serial: int, length: int, lead: int
) -> None:
    key = a_key(kind, digits, str(serial))
    short = encode_key(key, prefix_length=length, filter_value=lead)
    assert encode(decode(short)) == short
    codes = [short, encode_key(key, form="+"), encode_key(key, form="++", hostname="id.gs1.org")]
    if kind != "sscc":
        codes.append(encode_key(key, prefix_length=length, form="long"))

    for code in codes:
        epc = decode(code)
        printed = (epc.pure_identity_uri, epc.tag_uri, epc.element_string, epc.digital_link, key)
        assert {parse_name(name, today=TODAY).key for name in printed if name} == {key}
    named = parse_name(decode(short).tag_uri or "", today=TODAY)
    assert (named.scheme, named.filter, named.prefix_length) == (f"{kind}-96", lead, length)


def test_the_cheapest_serial_encoding_is_taken() -> None:
    chosen = {text: cheapest(text) for text in ("0012", "00AF", "00af", "A_z", "ABCDEF", "a/b")}
    assert chosen == {"0012": 0, "00AF": 1, "00af": 2, "A_z": 3, "ABCDEF": 1, "a/b": 4}
    assert cheapest("XYZ-:.") == 5


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=120), st.sampled_from(("96", "long", "+")))
def test_any_name_is_read_or_refused_by_code(text: str, form: str) -> None:
    for name in (text, f"urn:epc:id:{text}", f"urn:epc:tag:sgtin-96:{text}", f"(01){text}"):
        code = ""
        try:
            encode_key(parse_name(name, today=TODAY).key, form=form)  # type: ignore[arg-type]
        except ValueError as refusal:
            code = getattr(refusal, "code", "untyped")
        assert code == "" or code.startswith(("E_EPC_", "E_BC_"))


@pytest.mark.parametrize(
    "name",
    [
        "urn:epc:id:sgtin:0614141.812345",
        "urn:epc:id:sgtin:0614141.81234.6789",
        "urn:epc:id:sgtin:06141.81234567.6789",
        "urn:epc:id:sgtin:0614141.812345.67%2",
        "urn:epc:id:sgtin:0614141.812345.",
        "urn:epc:tag:sgtin-96:8.0614141.812345.6789",
        "urn:epc:tag:sgtin-97:3.0614141.812345.6789",
        "urn:epc:id:nothing:1.2.3",
        "01/80614141123458/21",
        "",
    ],
)
def test_a_name_that_cannot_be_right_is_refused(name: str) -> None:
    with pytest.raises(EpcError) as refused:
        parse_name(name, today=TODAY)
    assert refused.value.code == "E_EPC_RANGE"


def test_what_a_form_cannot_hold_is_refused() -> None:
    item, pallet = "01/80614141123458/21/6789", "00/095201234567891235"
    wrong = "01/80614141123459/21/6789"
    attempts: tuple[Callable[[], str], ...] = (
        lambda: encode_key(pallet, form="long"),
        lambda: encode_key(wrong, form="+"),
        lambda: encode_key(item, form="++"),
        lambda: encode_key(item, form="+", hostname="x.com"),
        lambda: encode_key(item, date=("17", "261231")),
        lambda: encode_key(item, form="+", date=("17", "261331")),
        lambda: encode_key(item, form="++", hostname="ü.de"),
        lambda: encode_key(item, form="+", filter_value=8),
        lambda: encode_key("01/80614141123458/21/" + "9" * 21, form="long"),
        lambda: encode_key("8004/95211415678", form="+"),
    )
    for attempt in attempts:
        with pytest.raises(EpcError) as refused:
            attempt()
        assert refused.value.code == "E_EPC_RANGE"
