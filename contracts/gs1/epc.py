"""EPC bytes to identity: which scheme, is it legal, what is its normal key, may it move stock.

Forms of one identity give one key. Headers of no known scheme are kept under their raw bits.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from contracts.gs1.binary import SCHEMES, decode_binary
from contracts.gs1.bits import Bits, EpcError
from contracts.gs1.encode import encode_grai_96, encode_sgln_96, encode_sgtin_96, encode_sscc_96
from contracts.gs1.encode_any import encode, encode_key
from contracts.gs1.identity import Epc
from contracts.gs1.plus import SCHEMES as PLUS_SCHEMES
from contracts.gs1.plus import decode_plus

__all__ = [
    "Epc",
    "EpcError",
    "Hold",
    "Seen",
    "decode",
    "decode_printed",
    "encode",
    "encode_grai_96",
    "encode_key",
    "encode_sgln_96",
    "encode_sgtin_96",
    "encode_sscc_96",
    "hold_code",
    "key_of",
    "look_up",
]

Hold = Literal["Q_EPC_UNPROGRAMMED", "Q_EPC_FOREIGN"]
CACHE_EPCS = 131_072
_HEX = re.compile(r"[0-9A-Fa-f]*")
_MOVABLE = frozenset({"sgtin", "sscc", "sgln", "grai"})
_ISO_TOGGLE = 0x0100


class Seen(NamedTuple):
    """What the hot path needs of an EPC; `hold` is the code under which it is kept aside."""

    key: str
    kind: str
    hold: Hold | None


def decode(epc: str | bytes, *, pc: str | None = None) -> Epc:
    """Decode hex digits or bytes. Raises `EpcError`.

    `pc` is the protocol-control word in hex; when it says ISO, the bits are no GS1 code.
    """
    digits = epc.hex() if isinstance(epc, bytes) else epc
    if _HEX.fullmatch(digits) is None:
        raise EpcError("E_EPC_HEX")
    if not 8 <= len(digits) <= 124 or len(digits) % 4:
        raise EpcError("E_EPC_LEN")
    digits = digits.upper()
    if pc is not None and int(pc, 16) & _ISO_TOGGLE:
        return Epc("iso", "iso", raw=digits)
    bits = Bits(digits)
    header = bits.take(8)
    if scheme := SCHEMES.get(header):
        return decode_binary(scheme, bits)
    if plus := PLUS_SCHEMES.get(header):
        return decode_plus(plus, bits)
    kind = "unprogrammed" if header == 0 else "unknown"
    return Epc(kind, kind, raw=digits)


def decode_printed(text: str) -> Epc:
    """Decode a code as labels and standards print it: without the zero fill to 16 bits."""
    if _HEX.fullmatch(text) is None:
        raise EpcError("E_EPC_HEX")
    return decode(text + "0" * (-len(text) % 4))


def hold_code(epc: Epc) -> Hold | None:
    """Why this EPC is kept aside whatever the site knows, or None when it may stand for stock."""
    if epc.kind == "unprogrammed":
        return "Q_EPC_UNPROGRAMMED"
    return None if epc.kind in _MOVABLE else "Q_EPC_FOREIGN"


@lru_cache(maxsize=CACHE_EPCS)
def look_up(epc: str, pc: str | None = None) -> Seen:
    """Key, kind and hold code of a reading's EPC, cached. Raises `EpcError`."""
    decoded = decode(epc, pc=pc)
    return Seen(decoded.key, decoded.kind, hold_code(decoded))


def key_of(epc: str) -> str:
    """The normal key of hex digits, cached. Raises `EpcError`."""
    return look_up(epc).key
