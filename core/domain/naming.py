"""How people and devices name a unit or handling unit; every form becomes the one normal key."""

from __future__ import annotations

import re
from urllib.parse import unquote

from contracts.gs1.bits import EpcError
from contracts.gs1.epc import key_of
from contracts.gs1.keys import (
    KeyRefusedError,
    check_digit,
    grai_key,
    parse_grai,
    parse_gtin,
    parse_sscc,
    sgtin_key,
    sscc_key,
)
from core.domain.errors import FieldError, Refused

_HEX = re.compile(r"[0-9A-Fa-f]{24,}")
_URN = re.compile(r"urn:epc:id:(sgtin|sscc|grai):([0-9]+)\.([0-9]+)(?:\.(.+))?")
_BRACKETS = re.compile(r"\((01|00|8003|21)\)([^()]+)")


def normal_unit_key(text: str, *, pointer: str) -> str:
    """The normal key behind a key, an EPC in hex, a URN, an element string or an SSCC.

    Raises `Refused("validation")` that points at `pointer`; the value is not echoed.
    """
    try:
        return _key(text)
    except (KeyRefusedError, EpcError, ValueError) as error:
        code = getattr(error, "code", "format")
        detail = "This is no SGTIN, SSCC or GRAI: send the EPC in hex, its key or its URN."
        raise Refused("validation", detail, errors=(FieldError(pointer, code, detail),)) from None


def _key(text: str) -> str:
    if text.startswith("urn:"):
        return _from_urn(text)
    if text.startswith("("):
        return _from_values(dict(_BRACKETS.findall(text)))
    if "/" in text:
        parts = text.split("/")
        return _from_values(dict(zip(parts[::2], map(unquote, parts[1::2]), strict=True)))
    if _HEX.fullmatch(text):
        return key_of(text)
    return sscc_key(parse_sscc(text)) if len(text) == 18 else grai_key(parse_grai(text))


def _from_values(values: dict[str, str]) -> str:
    match values:
        case {"01": gtin, "21": serial}:
            return sgtin_key(parse_gtin(gtin), serial)
        case {"00": sscc}:
            return sscc_key(parse_sscc(sscc))
        case {"8003": grai}:
            return grai_key(parse_grai(grai))
    raise ValueError("no known key")


def _from_urn(text: str) -> str:
    found = _URN.fullmatch(text)
    if found is None:
        raise ValueError("no known URN")
    kind, prefix, reference, serial = found.groups()
    if kind == "grai":
        body = f"{prefix}{reference}"
        return grai_key(parse_grai(f"0{body}{check_digit(body)}{unquote(serial or '')}"))
    body = reference[0] + prefix + reference[1:]
    if kind == "sgtin":
        return sgtin_key(parse_gtin(body + check_digit(body)), unquote(serial or ""))
    return sscc_key(parse_sscc(body + check_digit(body)))
