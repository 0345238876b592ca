"""EPC decoding: one identity whatever the form, and each refusal by its code."""

from __future__ import annotations

import pytest

from contracts.gs1.epc import (
    EpcError,
    decode,
    decode_printed,
    encode_grai_96,
    encode_key,
    encode_sgln_96,
    encode_sgtin_96,
    encode_sscc_96,
    hold_code,
    key_of,
)


def code_of(epc: str) -> str:
    with pytest.raises(EpcError) as refused:
        decode(epc)
    return refused.value.code


def bits(*fields: tuple[int, int]) -> str:
    """Hex of (value, width) fields, filled with zeros to the next 16 bits."""
    text = "".join(f"{value:0{width}b}" for value, width in fields)
    text += "0" * (-len(text) % 16)
    return f"{int(text, 2):0{len(text) // 4}X}"


def nibbles(digits: str) -> tuple[int, int]:
    return int(digits, 16), 4 * len(digits)


def test_forms_of_one_identity_have_one_key() -> None:
    key = "01/80614141123458/21/6789"
    long_form = bits(
        (0x36, 8),
        (3, 3),
        (5, 3),
        (614141, 24),
        (812345, 20),
        *((ord(mark), 7) for mark in "6789"),
        (0, 112),
    )
    plus_form = bits(
        (0xF7, 8), (0, 1), (3, 3), nibbles("80614141123458"), (0, 3), (4, 5), (6789, 14)
    )
    dated_form = bits(
        (0xFB, 8),
        (1, 1),
        (1, 3),
        (4, 4),
        (26, 7),
        (12, 4),
        (31, 5),
        nibbles("80614141123458"),
        (4, 3),
        (4, 5),
        *((ord(mark), 7) for mark in "6789"),
    )
    assert key_of("3074257BF7194E4000001A85") == key
    assert key_of("3034257bf7194e4000001a85") == key
    assert key_of(long_form) == key
    assert key_of(plus_form) == key
    assert key_of(dated_form) == key
    assert decode(dated_form).date == ("17", "261231")
    assert decode(dated_form).digital_link == (
        "https://id.gs1.org/01/80614141123458/21/6789?17=261231"
    )


def test_serials_are_texts() -> None:
    def plus(encoding: int, length: int, value: int, width: int) -> str:
        head = ((0xF7, 8), (0, 4), nibbles("80614141123458"))
        return bits(*head, (encoding, 3), (length, 5), (value, width))

    assert decode(plus(0, 3, 7, 10)).serial == "007"
    assert decode(plus(0, 1, 7, 4)).serial == "7"
    assert decode(plus(1, 3, 0x0AF, 12)).serial == "0AF"
    assert decode(plus(2, 3, 0x0AF, 12)).serial == "0af"
    assert decode(plus(3, 2, 63, 12)).serial == "A_"
    code_40 = 1 * 1600 + 27 * 40 + 39 + 1
    assert decode(plus(5, 3, code_40, 16)).serial == "A-9"
    assert key_of(plus(0, 3, 7, 10)) != key_of(plus(0, 1, 7, 4))


def test_bits_behind_a_plus_code_are_kept_and_change_nothing() -> None:
    plain, tailed = "F900952012345678912350000000", "F90095201234567891235ABCDEF0"
    assert key_of(tailed) == key_of(plain) == "00/095201234567891235"
    assert decode(plain).extra == ""
    assert decode(tailed).extra.startswith("101010111100")


def test_a_hostname_that_cannot_be_told_refuses_no_tag() -> None:
    good = decode_printed("FD3795211411234538566CB0AFC525065F1876F0D996D800")
    cut = decode_printed("FD3795211411234538566CB0AFC525065F18")
    assert good.hostname == "id.example.com"
    assert cut.hostname is None
    assert cut.key == good.key == "01/79521141123453/21/32a%2Fb"


@pytest.mark.parametrize(
    ("epc", "code"),
    [
        ("", "E_EPC_LEN"),
        ("3074257B", "E_EPC_LEN"),
        ("3074257BF7194E4000001A8", "E_EPC_LEN"),
        ("3074257BF7194E4000001A850000", "E_EPC_LEN"),
        ("30" * 64, "E_EPC_LEN"),
        ("3074257BF7194E4000001A8G", "E_EPC_HEX"),
        ("+074257BF7194E4000001A85", "E_EPC_HEX"),
        ("3074257B_7194E4000001A85", "E_EPC_HEX"),
        ("307C257BF7194E4000001A85", "E_EPC_PARTITION"),
        ("3063A3529440004000000001", "E_EPC_RANGE"),
        ("3074000007D0900000000001", "E_EPC_RANGE"),
        ("311BA1B300CE0A6A83000001", "E_EPC_PAD"),
        ("3674257BF7194E72000000000000000000000000000000000001", "E_EPC_PAD"),
        ("F90095201A34567891235000", "E_EPC_RANGE"),
        ("F9009520123456789123", "E_EPC_LEN"),
    ],
)
def test_a_code_that_cannot_be_right_is_refused(epc: str, code: str) -> None:
    assert code_of(epc) == code


def test_text_with_a_hole_or_a_foreign_character_is_refused() -> None:
    head = ((0x36, 8), (3, 3), (5, 3), (614141, 24), (812345, 20))
    hole = bits(*head, (ord("A"), 7), (0, 7), (ord("B"), 7), (0, 119))
    space = bits(*head, (ord(" "), 7), (0, 133))
    nothing = bits(*head, (0, 140))
    assert code_of(hole) == "E_EPC_PAD"
    assert code_of(space) == "E_EPC_RANGE"
    assert code_of(nothing) == "E_EPC_RANGE"


def test_reserved_encodings_and_impossible_dates_are_refused() -> None:
    gtin = nibbles("80614141123458")
    assert code_of(bits((0xF7, 8), (0, 4), gtin, (6, 3), (3, 5), (0, 21))) == "E_EPC_RANGE"
    assert code_of(bits((0xF7, 8), (0, 4), gtin, (0, 3), (1, 5), (10, 4))) == "E_EPC_RANGE"
    month_13 = ((4, 4), (26, 7), (13, 4), (1, 5))
    assert code_of(bits((0xFB, 8), (0, 4), *month_13, gtin, (0, 3), (1, 5), (7, 4))) == (
        "E_EPC_RANGE"
    )


def test_sgcn_serial_needs_its_leading_one() -> None:
    head = ((0x3F, 8), (3, 3), (5, 3), (9521141, 24), (67890, 17))
    assert decode(bits(*head, (104711, 41))).serial == "04711"
    assert code_of(bits(*head, (204711, 41))) == "E_EPC_RANGE"


def test_a_second_field_of_no_digits_is_empty_and_not_zero() -> None:
    place = decode(bits((0x32, 8), (0, 3), (0, 3), (952114112345, 40), (0, 1), (0, 41)))
    assert place.pure_identity_uri == "urn:epc:id:sgln:952114112345..0"
    assert place.key == "414/9521141123454"
    assert code_of(bits((0x32, 8), (0, 3), (0, 3), (952114112345, 40), (1, 1), (0, 41))) == (
        "E_EPC_RANGE"
    )


def test_adi_and_dod_drop_the_space_before_a_short_cage_code() -> None:
    six_bit = [(ord(mark) & 0x3F, 6) for mark in " 2S194"]
    adi = bits((0x3B, 8), (1, 6), *six_bit, (0, 6), *((ord(m) & 0x3F, 6) for m in "12A"), (0, 6))
    assert decode(adi).pure_identity_uri == "urn:epc:id:adi:2S194..12A"
    assert decode_printed("2F320434147455900000162E").key == "urn:epc:id:usdod:CAGEY.5678"


def test_what_may_never_move_stock_is_held_with_its_reason() -> None:
    assert hold_code(decode("000000000000000000000000")) == "Q_EPC_UNPROGRAMMED"
    assert hold_code(decode("E28011700000020A7C1F0A3B")) == "Q_EPC_FOREIGN"
    assert hold_code(decode("8A450224")) == "Q_EPC_FOREIGN"
    assert hold_code(decode("3500E86F8000A9E000000586")) == "Q_EPC_FOREIGN"
    assert hold_code(decode("3476451FD40000000000162E")) == "Q_EPC_FOREIGN"
    assert hold_code(decode("3074257BF7194E4000001A85")) is None
    assert decode("E28011700000020A7C1F0A3B").key == "urn:epc:raw:96.xE28011700000020A7C1F0A3B"


def test_a_protocol_word_that_says_iso_makes_any_bits_foreign() -> None:
    assert hold_code(decode("307C257BF7194E4000001A85", pc="3100")) == "Q_EPC_FOREIGN"
    assert decode("3074257BF7194E4000001A85", pc="3000").key == "01/80614141123458/21/6789"


def test_bytes_are_decoded_as_their_hex() -> None:
    assert decode(bytes.fromhex("3074257BF7194E4000001A85")).scheme == "sgtin-96"


def test_encoding_gives_the_published_codes() -> None:
    assert encode_sgtin_96("80614141123458", "6789", prefix_length=7, filter_value=3) == (
        "3074257BF7194E4000001A85"
    )
    assert encode_sscc_96("095201234567891235", prefix_length=6, filter_value=0) == (
        "311BA1B300CE0A6A83000000"
    )
    assert encode_grai_96("095211411234545678", prefix_length=7, filter_value=3) == (
        "3376451FD40C0E400000162E"
    )
    assert encode_sgln_96("9521141123454", "5678", prefix_length=7, filter_value=3) == (
        "3276451FD46072000000162E"
    )


@pytest.mark.parametrize("serial", ["", "007", "12a", str(2**38), "-1", "１"])
def test_a_serial_that_a_96_bit_tag_cannot_hold_is_refused(serial: str) -> None:
    with pytest.raises(EpcError) as refused:
        encode_sgtin_96("80614141123458", serial, prefix_length=7)
    assert refused.value.code == "E_EPC_RANGE"


def test_a_key_is_encoded_by_what_it_names() -> None:
    for key in (
        "01/80614141123458/21/6789",
        "00/095201234567891235",
        "8003/095211411234545678",
        "414/9521141123454",
        "414/9521141123454/254/5678",
    ):
        assert key_of(encode_key(key, prefix_length=7)) == key
    with pytest.raises(EpcError):
        encode_key("8004/95211415678", prefix_length=7)
