"""Identities to EPC bytes in the long forms: SGTIN-198, SGLN-195, GRAI-170, with text serials.

A 7-bit serial or extension may hold any character of set 82 and keeps its leading zeros.
"""

from __future__ import annotations

from contracts.gs1.binary import ASSET, ITEM, PLACE
from contracts.gs1.bit_writer import BitWriter
from contracts.gs1.bits import EpcError
from contracts.gs1.encode import HEAD_BITS, indicator_moved, joined, key_digits


def encode_sgtin_198(gtin: str, serial: str, *, prefix_length: int, filter_value: int = 1) -> str:
    """A unit of an item; `serial` has 1 to 20 characters."""
    moved = indicator_moved(key_digits(gtin, 14), prefix_length)
    head = joined(0x36, filter_value, moved, ITEM, prefix_length)
    return BitWriter().put(head, HEAD_BITS + ITEM.bits).text7(serial, most=20).hex()


def encode_grai_170(grai: str, *, prefix_length: int, filter_value: int = 0) -> str:
    """A returnable asset; `grai` is the AI 8003 value: 0, 13 digits, 1 to 16 characters."""
    body = key_digits(grai[:14], 14)
    if body[0] != "0":
        raise EpcError("E_EPC_RANGE")
    head = joined(0x37, filter_value, body[1:], ASSET, prefix_length)
    return BitWriter().put(head, HEAD_BITS + ASSET.bits).text7(grai[14:], most=16).hex()


def encode_sgln_195(
    gln: str, extension: str = "0", *, prefix_length: int, filter_value: int = 0
) -> str:
    """A place; extension "0" means none, else 1 to 20 characters."""
    head = joined(0x39, filter_value, key_digits(gln, 13), PLACE, prefix_length)
    return BitWriter().put(head, HEAD_BITS + PLACE.bits).text7(extension, most=20).hex()
