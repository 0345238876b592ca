"""Identities to EPC bytes in the `+` and `++` forms of SGTIN, DSGTIN, SSCC, GRAI and SGLN.

A serial takes the encoding of fewest bits (TDS 2.3, 14.5.6); a given one is kept when it fits.
"""

from __future__ import annotations

import math
import re

from contracts.gs1.bit_writer import BitWriter
from contracts.gs1.bits import EpcError
from contracts.gs1.encode import key_digits
from contracts.gs1.keys import CHARSET_82
from contracts.gs1.plus import CODE_40, DATE_AIS, FILE_SAFE, HOST_MARKS, HOST_WORDS, SCHEMES

_FITS = tuple(
    re.compile(pattern)
    for pattern in (
        r"[0-9]*",
        r"[0-9A-F]*",
        r"[0-9a-f]*",
        r"[0-9A-Za-z_-]*",
        r".*",
        r"[A-Z0-9.:-]*",
    )
)
_HEADERS = {scheme.name: header for header, scheme in SCHEMES.items()}
_WORDS = sorted(HOST_WORDS.items(), key=lambda pair: -len(pair[1]))


def bits_of(encoding: int, length: int) -> int:
    """Bits that `length` characters take in one of the serial encodings."""
    return (
        math.ceil(length * math.log2(10)),
        4 * length,
        4 * length,
        6 * length,
        7 * length,
        16 * -(-length // 3),
    )[encoding]


def cheapest(text: str) -> int:
    """The encoding of fewest bits that can hold `text`; the lower number when two are equal."""
    able = [at for at, form in enumerate(_FITS) if form.fullmatch(text)]
    return min(able, key=lambda encoding: (bits_of(encoding, len(text)), encoding))


def _code_40(text: str) -> int:
    value = 0
    filled = text + "\0" * (-len(text) % 3)
    for at in range(0, len(filled), 3):
        first, second, third = (CODE_40.index(mark) for mark in filled[at : at + 3])
        value = (value << 16) | (1600 * first + 40 * second + third + 1)
    return value


def _wide(text: str, width: int, alphabet: str = "") -> int:
    value = 0
    for mark in text:
        value = (value << width) | (alphabet.index(mark) if alphabet else ord(mark))
    return value


def _put_text(out: BitWriter, text: str, *, most: int, encoding: int | None) -> None:
    """Three bits of encoding, five of length, then the text."""
    if len(text) > most or not CHARSET_82.issuperset(text):
        raise EpcError("E_EPC_RANGE")
    chosen = cheapest(text) if encoding is None else encoding
    if not 0 <= chosen < len(_FITS) or _FITS[chosen].fullmatch(text) is None:
        raise EpcError("E_EPC_RANGE")
    match chosen:
        case 0:
            value = int(text or "0")
        case 1 | 2:
            value = int(text or "0", 16)
        case 3:
            value = _wide(text, 6, FILE_SAFE)
        case 4:
            value = _wide(text, 7)
        case _:
            value = _code_40(text)
    out.put(chosen, 3).put(len(text), 5).put(value, bits_of(chosen, len(text)))


def _put_date(out: BitWriter, date: tuple[str, str]) -> None:
    ai, digits = date
    if ai not in DATE_AIS or re.fullmatch(r"[0-9]{6}", digits) is None:
        raise EpcError("E_EPC_RANGE")
    month, day = int(digits[2:4]), int(digits[4:])
    if not 1 <= month <= 12 or day > 31:
        raise EpcError("E_EPC_RANGE")
    out.put(DATE_AIS.index(ai), 4).put(int(digits[:2]), 7).put(month, 4).put(day, 5)


def _put_hostname(out: BitWriter, hostname: str) -> None:
    """Code 40 or 7-bit codes with words, whichever is shorter."""
    host = hostname.lower()
    if not host or not HOST_MARKS.issuperset(host):
        raise EpcError("E_EPC_RANGE")
    codes, at = [], 0
    while at < len(host):
        code, word = next((c, w) for c, w in [*_WORDS, (ord(host[at]), host[at])]
                          if host.startswith(w, at))  # fmt: skip
        codes.append(code)
        at += len(word)
    plain = bits_of(5, len(host))
    if len(host) < 64 and plain < 7 * len(codes):
        out.put(0, 1).put(len(host), 6).put(_code_40(host.upper()), plain)
        return
    out.put(1, 1).put(len(codes), 6)
    for code in codes:
        out.put(code, 7)


def encode_plus(
    values: dict[str, str],
    *,
    filter_value: int = 1,
    date: tuple[str, str] | None = None,
    hostname: str | None = None,
    encoding: int | None = None,
    toggle: int = 0,
    extra: str = "",
) -> str:
    """The `+` form of these AI values; `++` with a hostname, DSGTIN with a date (AI, YYMMDD).

    `encoding` asks for one serial encoding (0–5); `extra` are the bits of AIDC data behind it.
    """
    kind = _kind(values)
    if date is not None and kind != "sgtin":
        raise EpcError("E_EPC_RANGE")
    name = f"{'d' if date else ''}{kind}{'++' if hostname else '+'}"
    out = BitWriter().put(_HEADERS[name], 8).put(toggle, 1).put(filter_value, 3)
    if date is not None:
        _put_date(out, date)
    _put_values(out, kind, values, encoding)
    if hostname:
        _put_hostname(out, hostname)
    if extra:
        out.put(int(extra, 2), len(extra))
    return out.hex()


def _put_values(out: BitWriter, kind: str, values: dict[str, str], encoding: int | None) -> None:
    match kind:
        case "sgtin":
            key_digits(values["01"], 14)
            if not values["21"]:
                raise EpcError("E_EPC_RANGE")
            out.bcd(values["01"])
            _put_text(out, values["21"], most=20, encoding=encoding)
        case "sscc":
            key_digits(values["00"], 18)
            out.bcd(values["00"])
        case "grai":
            asset, serial = values["8003"][:14], values["8003"][14:]
            if key_digits(asset, 14)[0] != "0":
                raise EpcError("E_EPC_RANGE")
            out.bcd(asset)
            _put_text(out, serial, most=16, encoding=encoding)
        case _:
            key_digits(values["414"], 13)
            out.bcd(values["414"])
            _put_text(out, values.get("254", "0"), most=20, encoding=encoding)


def _kind(values: dict[str, str]) -> str:
    for kind, wanted in (
        ("sgtin", {"01", "21"}),
        ("sscc", {"00"}),
        ("grai", {"8003"}),
        ("sgln", {"414"}),
    ):
        if values.keys() == wanted or (kind == "sgln" and values.keys() == {"414", "254"}):
            return kind
    raise EpcError("E_EPC_RANGE")
