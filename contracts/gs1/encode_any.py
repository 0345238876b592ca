"""One entry to all encoders: a normal key, or a decoded EPC, to the bytes of a chosen form.

Encodes SGTIN, SSCC, GRAI and SGLN; everything else is refused with `E_EPC_RANGE`.
"""

from __future__ import annotations

from typing import Literal

from contracts.gs1.bits import EpcError
from contracts.gs1.encode import encode_grai_96, encode_sgln_96, encode_sgtin_96, encode_sscc_96
from contracts.gs1.encode_long import encode_grai_170, encode_sgln_195, encode_sgtin_198
from contracts.gs1.encode_plus import encode_plus
from contracts.gs1.identity import Epc
from contracts.gs1.keys import split_key

Form = Literal["96", "long", "+", "++"]
_KINDS = frozenset({"sgtin", "sscc", "grai", "sgln"})


def encode_key(
    key: str,
    *,
    prefix_length: int = 7,
    filter_value: int = 1,
    form: Form = "96",
    date: tuple[str, str] | None = None,
    hostname: str | None = None,
) -> str:
    """The EPC of a normal key. `+` needs no prefix length; `++` needs a hostname.

    A date (AI, YYMMDD) makes a DSGTIN, which only the `+` forms have.
    """
    values = dict(split_key(key))
    if form in ("+", "++"):
        if (form == "++") != bool(hostname):
            raise EpcError("E_EPC_RANGE")
        return encode_plus(values, filter_value=filter_value, date=date, hostname=hostname)
    if date is not None or hostname:
        raise EpcError("E_EPC_RANGE")
    return _with_prefix(
        values, form, prefix_length=prefix_length, filter_value=filter_value, nothing="0"
    )


def _with_prefix(
    values: dict[str, str], form: str, *, prefix_length: int, filter_value: int, nothing: str
) -> str:
    """The 96-bit or long form; `nothing` is the extension of a place that has none."""
    lead, long = filter_value, form == "long"
    match values:
        case {"01": gtin, "21": serial}:
            sgtin = encode_sgtin_198 if long else encode_sgtin_96
            return sgtin(gtin, serial, prefix_length=prefix_length, filter_value=lead)
        case {"00": sscc} if not long:
            return encode_sscc_96(sscc, prefix_length=prefix_length, filter_value=lead)
        case {"8003": grai}:
            asset = encode_grai_170 if long else encode_grai_96
            return asset(grai, prefix_length=prefix_length, filter_value=lead)
        case {"414": gln}:
            place = encode_sgln_195 if long else encode_sgln_96
            extension = values.get("254", nothing)
            return place(gln, extension, prefix_length=prefix_length, filter_value=lead)
        case _:
            raise EpcError("E_EPC_RANGE")


def encode(epc: Epc) -> str:
    """The bytes that decode to this EPC, in its own scheme and spelling.

    Exact for SGTIN, SSCC, GRAI and SGLN in 96-bit, long and `+` form, but for zero words behind a
    `+` code. The hostname of a `++` code takes its shortest spelling.
    """
    if epc.kind not in _KINDS:
        raise EpcError("E_EPC_RANGE")
    values = dict(epc.values)
    if not epc.scheme.endswith("+"):
        return _with_prefix(
            values,
            "96" if epc.scheme.endswith("-96") else "long",
            prefix_length=epc.prefix_length or 0,
            filter_value=epc.filter or 0,
            nothing="0",
        )
    if epc.scheme.endswith("++") and not epc.hostname:
        raise EpcError("E_EPC_RANGE")
    if epc.kind == "sgln" and "254" not in values:
        values["254"] = "0" if epc.encoding is not None else ""
    return encode_plus(
        values,
        filter_value=epc.filter or 0,
        date=epc.date,
        hostname=epc.hostname,
        encoding=epc.encoding,
        toggle=epc.toggle,
        extra=epc.extra,
    )
