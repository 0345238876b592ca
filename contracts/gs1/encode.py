"""Identities to EPC bytes in the 96-bit forms a site writes: SGTIN, SSCC, GRAI, SGLN.

What does not fit its field is refused with `EpcError`, never cut.
"""

from __future__ import annotations

from contracts.gs1.binary import ASSET, ITEM, LONG, PLACE, PREFIX_BITS, Joint
from contracts.gs1.bits import EpcError
from contracts.gs1.keys import has_check_digit, is_digits

HEAD_BITS = 14


def joined(header: int, filter_value: int, digits: str, joint: Joint, prefix_length: int) -> int:
    """Header, filter, partition (`HEAD_BITS`), company prefix and second field as one number."""
    if not 6 <= prefix_length <= 12:
        raise EpcError("E_EPC_PARTITION")
    if not 0 <= filter_value <= 7:
        raise EpcError("E_EPC_RANGE")
    partition = 12 - prefix_length
    rest_bits = joint.bits - PREFIX_BITS[partition]
    head = (header << 6) | (filter_value << 3) | partition
    head = (head << PREFIX_BITS[partition]) | int(digits[:prefix_length])
    return (head << rest_bits) | int(digits[prefix_length:] or "0")


def key_digits(key: str, length: int) -> str:
    """The digits before the check digit of a right key."""
    if len(key) != length or not is_digits(key) or not has_check_digit(key):
        raise EpcError("E_EPC_RANGE")
    return key[:-1]


def indicator_moved(body: str, prefix_length: int) -> str:
    """Indicator or extension digit from the front to behind the company prefix."""
    return body[1 : prefix_length + 1] + body[0] + body[prefix_length + 1 :]


def _plain_number(serial: str, bits: int) -> int:
    """A decimal serial without leading zeros that fits `bits`."""
    if not is_digits(serial) or len(serial) > 20 or (serial[0] == "0" and serial != "0"):
        raise EpcError("E_EPC_RANGE")
    if (value := int(serial)) >= 1 << bits:
        raise EpcError("E_EPC_RANGE")
    return value


def _printed(value: int) -> str:
    return f"{value:024X}"


def encode_sgtin_96(gtin: str, serial: str, *, prefix_length: int, filter_value: int = 1) -> str:
    """A unit of an item; `gtin` has 14 digits, `serial` is decimal below 2^38."""
    body = key_digits(gtin, 14)
    moved = indicator_moved(body, prefix_length)
    head = joined(0x30, filter_value, moved, ITEM, prefix_length)
    return _printed((head << 38) | _plain_number(serial, 38))


def encode_sscc_96(sscc: str, *, prefix_length: int, filter_value: int = 2) -> str:
    """A logistic unit."""
    body = key_digits(sscc, 18)
    moved = indicator_moved(body, prefix_length)
    return _printed(joined(0x31, filter_value, moved, LONG, prefix_length) << 24)


def encode_grai_96(grai: str, *, prefix_length: int, filter_value: int = 0) -> str:
    """A returnable asset; `grai` is the AI 8003 value: 0, 13 digits, serial."""
    body = key_digits(grai[:14], 14)
    if body[0] != "0":
        raise EpcError("E_EPC_RANGE")
    head = joined(0x33, filter_value, body[1:], ASSET, prefix_length)
    return _printed((head << 38) | _plain_number(grai[14:], 38))


def encode_sgln_96(
    gln: str, extension: str = "0", *, prefix_length: int, filter_value: int = 0
) -> str:
    """A place; extension "0" means none."""
    head = joined(0x32, filter_value, key_digits(gln, 13), PLACE, prefix_length)
    return _printed((head << 41) | _plain_number(extension, 41))
