"""EPC schemes of the `+` and `++` family: decimal digits in nibbles, then an encoded serial.

They carry no company-prefix length, so no pure identity. What follows the code is AIDC data: kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from contracts.gs1.bits import Bits, EpcError, in_set, number
from contracts.gs1.identity import Epc
from contracts.gs1.keys import CHARSET_39, CHARSET_82

Values = tuple[tuple[str, str], ...]
CODE_40 = "\0ABCDEFGHIJKLMNOPQRSTUVWXYZ-.:0123456789"
FILE_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
DATE_AIS = ("11", "13", "15", "16", "17", "7006", "7007")
HOST_WORDS = {
    0x1E: "qr.",
    0x1F: "www.",
    0x20: "id.",
    0x5B: ".com",
    0x5C: ".org",
    0x5D: ".net",
    0x5E: ".int",
    0x60: ".edu",
    0x7B: ".gov",
    0x7C: ".mil",
    0x7D: ".biz",
    0x7E: ".eco",
    0x7F: ".med",
}
HOST_MARKS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")


def _code_40(bits: Bits, length: int) -> list[str]:
    text: list[str] = []
    for _ in range(-(-length // 3)):
        triple = bits.take(16) - 1
        if not 0 <= triple < 64000:
            raise EpcError("E_EPC_RANGE")
        text += [CODE_40[triple // 1600], CODE_40[triple // 40 % 40], CODE_40[triple % 40]]
    if any(mark != "\0" for mark in text[length:]):
        raise EpcError("E_EPC_PAD")
    return text[:length]


def _integer(bits: Bits, length: int) -> str:
    """`length` digits as one number, leading zeros restored."""
    return number(bits.take(math.ceil(length * math.log2(10))), length)


def _encoded(bits: Bits, *, most: int, least: int = 1) -> str:
    """Three bits of encoding, five bits of length, then the text."""
    encoding, length = bits.take(3), bits.take(5)
    bits.encoding = encoding if length else None
    match encoding:
        case 0:
            text = list(_integer(bits, length))
        case 1 | 2:
            text = list(f"{bits.take(4 * length):0{length}x}" if length else "")
            text = [mark.upper() for mark in text] if encoding == 1 else text
        case 3:
            text = [FILE_SAFE[bits.take(6)] for _ in range(length)]
        case 4:
            text = [chr(bits.take(7)) for _ in range(length)]
        case 5:
            text = _code_40(bits, length)
        case _:
            raise EpcError("E_EPC_RANGE")
    return in_set(text, CHARSET_82, most=most, least=least)


def _digits_then(bits: Bits, *, most: int, allowed: frozenset[str]) -> str:
    """Decimal nibbles up to F, or up to E with an encoded rest behind it."""
    digits: list[str] = []
    while (nibble := bits.take(4)) < 10:
        digits.append(str(nibble))
        if len(digits) > most:
            raise EpcError("E_EPC_RANGE")
    if nibble < 14:
        raise EpcError("E_EPC_RANGE")
    rest = _encoded(bits, most=most) if nibble == 14 else ""
    return in_set([*digits, *rest], allowed, most=most)


def _serial(bits: Bits, digits: int) -> str:
    """A decimal serial with four bits of length and no encoding bits."""
    length = bits.take(4)
    if length > digits:
        raise EpcError("E_EPC_RANGE")
    return _integer(bits, length)


def _sgtin(bits: Bits) -> Values:
    return ("01", bits.bcd(14)), ("21", _encoded(bits, most=20))


def _sscc(bits: Bits) -> Values:
    return (("00", bits.bcd(18)),)


def _sgln(bits: Bits) -> Values:
    place, extension = ("414", bits.bcd(13)), _encoded(bits, most=20, least=0)
    return (place,) if extension in ("", "0") else (place, ("254", extension))


def _grai(bits: Bits) -> Values:
    asset = bits.bcd(14)
    if asset[0] != "0":
        raise EpcError("E_EPC_RANGE")
    return (("8003", asset + _encoded(bits, most=16, least=0)),)


def _giai(bits: Bits) -> Values:
    return (("8004", _digits_then(bits, most=30, allowed=CHARSET_82)),)


def _gsrn(bits: Bits) -> Values:
    return (("8018", bits.bcd(18)),)


def _gsrnp(bits: Bits) -> Values:
    return (("8017", bits.bcd(18)),)


def _gdti(bits: Bits) -> Values:
    return (("253", bits.bcd(13) + _encoded(bits, most=17, least=0)),)


def _cpi(bits: Bits) -> Values:
    part = _digits_then(bits, most=30, allowed=CHARSET_39)
    serial = _serial(bits, 12)
    if not serial:
        raise EpcError("E_EPC_RANGE")
    return ("8010", part), ("8011", serial)


def _sgcn(bits: Bits) -> Values:
    return (("255", bits.bcd(13) + _serial(bits, 12)),)


def _itip(bits: Bits) -> Values:
    return ("8006", bits.bcd(18)), ("21", _encoded(bits, most=20))


def _date(bits: Bits) -> tuple[str, str]:
    kind, year, month, day = bits.take(4), bits.take(7), bits.take(4), bits.take(5)
    if kind >= len(DATE_AIS) or year > 99 or not 1 <= month <= 12:
        raise EpcError("E_EPC_RANGE")
    return DATE_AIS[kind], f"{year:02}{month:02}{day:02}"


def _hostname(bits: Bits) -> str | None:
    """The hostname, or None when it cannot be told: it never refuses a tag."""
    try:
        method, length = bits.take(1), bits.take(6)
        if method == 0:
            return "".join(_code_40(bits, length)).lower() or None
        marks = [bits.take(7) for _ in range(length)]
    except EpcError:
        return None
    words = [HOST_WORDS.get(mark, chr(mark)) for mark in marks]
    if not all(HOST_MARKS.issuperset(word) for word in words):
        return None
    return "".join(words).lower() or None


class Scheme(NamedTuple):
    """A `+` scheme, or with `hosted` its `++` form; `dated` ones open with a date."""

    name: str
    read: Callable[[Bits], Values]
    hosted: bool = False
    dated: bool = False


_PAIRS: tuple[tuple[int, int, str, Callable[[Bits], Values]], ...] = (
    (0xF7, 0xFD, "sgtin", _sgtin),
    (0xFB, 0xFC, "dsgtin", _sgtin),
    (0xF9, 0xEF, "sscc", _sscc),
    (0xF2, 0xE9, "sgln", _sgln),
    (0xF1, 0xEB, "grai", _grai),
    (0xFA, 0xEE, "giai", _giai),
    (0xF4, 0xE7, "gsrn", _gsrn),
    (0xF5, 0xE8, "gsrnp", _gsrnp),
    (0xF6, 0xEA, "gdti", _gdti),
    (0xF0, 0xE6, "cpi", _cpi),
    (0xF8, 0xEC, "sgcn", _sgcn),
    (0xF3, 0xED, "itip", _itip),
)
SCHEMES = {
    header: Scheme(f"{kind}{'++' if hosted else '+'}", read, hosted, kind == "dsgtin")
    for plain, double, kind, read in _PAIRS
    for header, hosted in ((plain, False), (double, True))
}


def decode_plus(scheme: Scheme, bits: Bits) -> Epc:
    """The EPC behind its header; `bits` stands after the header's eight bits."""
    toggle, filter_value = bits.take(1), bits.take(3)
    date = _date(bits) if scheme.dated else None
    values = scheme.read(bits)
    hostname = _hostname(bits) if scheme.hosted else None
    left = bits.left
    rest = bits.take(left)
    return Epc(
        scheme=scheme.name,
        kind=scheme.name.rstrip("+").removeprefix("d"),
        values=values,
        filter=filter_value,
        date=date,
        hostname=hostname,
        extra=f"{rest:0{left}b}" if rest else "",
        encoding=bits.encoding,
        toggle=toggle,
    )
