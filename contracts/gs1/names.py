"""An EPC named in print: normal key, Digital Link, element string, tag or pure-identity URI.

Each name of one object gives the same normal key as its tag.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from contracts.gs1.binary import SCHEMES, checked, fronted
from contracts.gs1.bits import EpcError
from contracts.gs1.elements import Barcode, parse_hand_entry
from contracts.gs1.keys import CHARSET_82, is_digits, normal_key, split_key

Values = tuple[tuple[str, str], ...]
_ID = re.compile(r"urn:epc:id:([a-z]+):([^:]*)")
_TAG = re.compile(r"urn:epc:tag:([a-z]+-(?:[0-9]+|var)):([^:]*)")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_FILTERLESS = frozenset({"gid"})
_NAMES = {scheme.name for scheme in SCHEMES.values()}
_DATED = ("17", "11", "13", "15", "16", "7006", "7007")


@dataclass(frozen=True, slots=True)
class Named:
    """What a printed name says; what it does not say is None."""

    key: str
    scheme: str | None = None
    filter: int | None = None
    prefix_length: int | None = None
    date: tuple[str, str] | None = None
    hostname: str | None = None


def parse_name(text: str, *, today: dt.date) -> Named:
    """The object this text names. Raises `EpcError`, or `KeyRefusedError` with an E_BC_ code."""
    if text.startswith("urn:epc:"):
        return _uri(text)
    if text.startswith(("(", "http://", "https://")):
        return _from_scan(text, parse_hand_entry(text, today=today))
    return Named(_key(text))


def _key(text: str) -> str:
    try:
        values = split_key(text)
    except ValueError as refusal:
        raise EpcError("E_EPC_RANGE") from refusal
    good = all(is_digits(ai) and v and CHARSET_82.issuperset(v) for ai, v in values)
    if not values or not good:
        raise EpcError("E_EPC_RANGE")
    return normal_key(values)


def _from_scan(text: str, found: Barcode) -> Named:
    if found.epc_key is None:
        raise EpcError("E_EPC_RANGE")
    date = next(((ai, value) for ai in _DATED if (value := found.get(ai))), None)
    if date is not None and "/21/" not in found.epc_key:
        date = None
    host = urlsplit(text).hostname if found.kind == "link" else None
    return Named(found.epc_key, date=date, hostname=None if host == "id.gs1.org" else host)


def _uri(text: str) -> Named:
    """The escapes of a URI are whole, its fields as many and as long as the scheme has."""
    if _ESCAPE.search(text) or len(text) > 200:
        raise EpcError("E_EPC_RANGE")
    if match := _ID.fullmatch(text):
        fields = match[2].split(".")
        key, length = _values(match[1], fields)
        return Named(key, prefix_length=length)
    match = _TAG.fullmatch(text)
    if match is None or match[1] not in _NAMES:
        raise EpcError("E_EPC_RANGE")
    kind, fields = match[1].partition("-")[0], match[2].split(".")
    lead = None
    if kind not in _FILTERLESS:
        most = {"usdod": 15, "adi": 63}.get(kind, 7)
        if not re.fullmatch(r"0|[1-9][0-9]?", fields[0]) or int(fields[0]) > most:
            raise EpcError("E_EPC_RANGE")
        lead, fields = int(fields[0]), fields[1:]
    key, length = _values(kind, fields)
    return Named(key, scheme=match[1], filter=lead, prefix_length=length)


def _digits(*fields: str, total: int) -> None:
    """Company prefix of 6 to 12 digits, and the fields together `total` digits."""
    joined = "".join(fields)
    if not is_digits(joined) or len(joined) != total or not 6 <= len(fields[0]) <= 12:
        raise EpcError("E_EPC_RANGE")


def _sgtin(f: list[str]) -> Values:
    _digits(*f[:2], total=13)
    return ("01", fronted(f[0], f[1])), ("21", f[2])


def _sscc(f: list[str]) -> Values:
    _digits(*f, total=17)
    return (("00", fronted(f[0], f[1])),)


def _sgln(f: list[str]) -> Values:
    _digits(*f[:2], total=12)
    place = ("414", checked(f[0] + f[1]))
    return (place,) if f[2] == "0" else (place, ("254", f[2]))


def _typed(ai: str, lead: str = "") -> Callable[[list[str]], Values]:
    def read(f: list[str]) -> Values:
        _digits(*f[:2], total=12)
        return ((ai, lead + checked(f[0] + f[1]) + f[2]),)

    return read


def _relation(ai: str) -> Callable[[list[str]], Values]:
    def read(f: list[str]) -> Values:
        _digits(*f, total=17)
        return ((ai, checked(f[0] + f[1])),)

    return read


def _giai(f: list[str]) -> Values:
    _digits(f[0], total=len(f[0]))
    return (("8004", f[0] + f[1]),)


def _cpi(f: list[str]) -> Values:
    _digits(f[0], total=len(f[0]))
    return ("8010", f[0] + f[1]), ("8011", f[2])


def _itip(f: list[str]) -> Values:
    _digits(*f[:2], total=13)
    _digits("000000", f[2], f[3], total=10)
    return ("8006", fronted(f[0], f[1]) + f[2] + f[3]), ("21", f[4])


# Fields of the pure identity, how to read them, and the longest serial.
_READ: dict[str, tuple[int, Callable[[list[str]], Values], int]] = {
    "sgtin": (3, _sgtin, 20),
    "sscc": (2, _sscc, 17),
    "sgln": (3, _sgln, 20),
    "grai": (3, _typed("8003", "0"), 16),
    "giai": (2, _giai, 24),
    "gsrn": (2, _relation("8018"), 17),
    "gsrnp": (2, _relation("8017"), 17),
    "gdti": (3, _typed("253"), 17),
    "sgcn": (3, _typed("255"), 12),
    "cpi": (3, _cpi, 12),
    "itip": (5, _itip, 20),
}
_KEPT = {"gid": 3, "usdod": 2, "adi": 3}


def _values(kind: str, printed: list[str]) -> tuple[str, int | None]:
    """Normal key and company prefix length of the printed fields."""
    fields = [unquote(field) for field in printed]
    if not all(CHARSET_82.union("#").issuperset(field) for field in fields):
        raise EpcError("E_EPC_RANGE")
    if kind in _KEPT and len(fields) == _KEPT[kind]:
        return f"urn:epc:id:{kind}:{'.'.join(printed)}", None
    if kind not in _READ or len(fields) != _READ[kind][0]:
        raise EpcError("E_EPC_RANGE")
    _, read, most = _READ[kind]
    values = read(fields)
    last = fields[-1]
    if len(last) > most or (not last and kind not in ("sscc", "gsrn", "gsrnp")):
        raise EpcError("E_EPC_RANGE")
    return normal_key(values), len(fields[0])
