"""EPC schemes with a company-prefix partition (96-bit and long forms), GID, USDoD and ADI.

Lengths and digit counts are those of GS1 TDS 2.3, tables 14-1 and E; check digits are computed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from contracts.gs1.bits import Bits, EpcError, in_set, number
from contracts.gs1.identity import Epc
from contracts.gs1.keys import CHARSET_39, check_digit

PREFIX_BITS = (40, 37, 34, 30, 27, 24, 20)
Parts = tuple[str, ...]
Values = tuple[tuple[str, str], ...]


class Joint(NamedTuple):
    """Bits and decimal digits that company prefix and second field share."""

    bits: int
    digits: int


ITEM = Joint(44, 13)
ASSET = Joint(44, 12)
LONG = Joint(58, 17)
PLACE = Joint(41, 12)


def checked(body: str) -> str:
    """`body` with its check digit."""
    return body + check_digit(body)


def fronted(prefix: str, reference: str) -> str:
    """Prefix and reference whose first digit (indicator or extension) stands in front."""
    return checked(reference[0] + prefix + reference[1:])


def _prefix(bits: Bits) -> tuple[int, str]:
    partition = bits.take(3)
    if partition == 7:
        raise EpcError("E_EPC_PARTITION")
    return PREFIX_BITS[partition], number(bits.take(PREFIX_BITS[partition]), 12 - partition)


def _joint(bits: Bits, joint: Joint) -> tuple[str, str]:
    used, prefix = _prefix(bits)
    return prefix, number(bits.take(joint.bits - used), joint.digits - len(prefix))


def _sgtin(bits: Bits) -> tuple[Parts, Values]:
    prefix, item = _joint(bits, ITEM)
    serial = str(bits.take(38)) if bits.left < 96 else bits.text7(20, most=20)
    return (prefix, item, serial), (("01", fronted(prefix, item)), ("21", serial))


def _sscc(bits: Bits) -> tuple[Parts, Values]:
    prefix, reference = _joint(bits, LONG)
    bits.zeros(24)
    return (prefix, reference), (("00", fronted(prefix, reference)),)


def _sgln(bits: Bits) -> tuple[Parts, Values]:
    prefix, location = _joint(bits, PLACE)
    extension = str(bits.take(41)) if bits.left < 96 else bits.text7(20, most=20)
    place = (("414", checked(prefix + location)),)
    return (prefix, location, extension), (
        place if extension == "0" else (*place, ("254", extension))
    )


def _grai(bits: Bits) -> tuple[Parts, Values]:
    prefix, asset = _joint(bits, ASSET)
    serial = str(bits.take(38)) if bits.left < 96 else bits.text7(16, most=16)
    return (prefix, asset, serial), (("8003", "0" + checked(prefix + asset) + serial),)


def _giai(bits: Bits) -> tuple[Parts, Values]:
    long = bits.left > 96
    used, prefix = _prefix(bits)
    if long:
        chars, odd = divmod(188 - used, 7)
        asset = bits.text7(chars, most=30 - len(prefix))
        bits.zeros(odd)
    else:
        asset = str(bits.take(82 - used))
    return (prefix, asset), (("8004", prefix + asset),)


def _gsrn(ai: str) -> Callable[[Bits], tuple[Parts, Values]]:
    def read(bits: Bits) -> tuple[Parts, Values]:
        prefix, reference = _joint(bits, LONG)
        bits.zeros(24)
        return (prefix, reference), ((ai, checked(prefix + reference)),)

    return read


def _gdti(bits: Bits) -> tuple[Parts, Values]:
    prefix, document = _joint(bits, PLACE)
    serial = str(bits.take(41)) if bits.left < 96 else bits.text7(17, most=17)
    return (prefix, document, serial), (("253", checked(prefix + document) + serial),)


def _sgcn(bits: Bits) -> tuple[Parts, Values]:
    prefix, coupon = _joint(bits, PLACE)
    stored = str(bits.take(41))
    if stored[0] != "1" or len(stored) > 13:
        raise EpcError("E_EPC_RANGE")
    return (prefix, coupon, stored[1:]), (("255", checked(prefix + coupon) + stored[1:]),)


def _cpi_96(bits: Bits) -> tuple[Parts, Values]:
    used, prefix = _prefix(bits)
    part = str(bits.take(51 - used))
    if len(part) > 15 - len(prefix):
        raise EpcError("E_EPC_RANGE")
    return _cpi(prefix, part, str(bits.take(31)))


def _cpi_var(bits: Bits) -> tuple[Parts, Values]:
    prefix = _prefix(bits)[1]
    part = bits.text6(most=30 - len(prefix))
    serial = str(bits.take(40))
    if len(serial) > 12:
        raise EpcError("E_EPC_RANGE")
    return _cpi(prefix, part, serial)


def _cpi(prefix: str, part: str, serial: str) -> tuple[Parts, Values]:
    return (prefix, part, serial), (("8010", prefix + part), ("8011", serial))


def _itip(bits: Bits) -> tuple[Parts, Values]:
    long = bits.left > 112
    prefix, item = _joint(bits, ITEM)
    piece, total = number(bits.take(7), 2), number(bits.take(7), 2)
    serial = bits.text7(20, most=20) if long else str(bits.take(38))
    unit = (("8006", fronted(prefix, item) + piece + total), ("21", serial))
    return (prefix, item, piece, total, serial), unit


def _gid(bits: Bits) -> tuple[Parts, Values]:
    return (str(bits.take(28)), str(bits.take(24)), str(bits.take(36))), ()


def _usdod(bits: Bits) -> tuple[Parts, Values]:
    code = [chr(bits.take(8)) for _ in range(6)]
    return (_cage(code), str(bits.take(36))), ()


def _adi(bits: Bits) -> tuple[Parts, Values]:
    code = [chr(six if six & 0x20 else six | 0x40) for six in (bits.take(6) for _ in range(6))]
    cage = _cage(code)
    return (cage, bits.text6(most=32, least=0), bits.text6(most=30)), ()


def _cage(code: list[str]) -> str:
    """A CAGE code of five characters has a space in front; a DoDAAC has six."""
    return in_set(code[1:] if code[0] == " " else code, CHARSET_39 - frozenset("#-/"), most=6)


class Scheme(NamedTuple):
    """`bits` is None where the code says itself how long it is; `filter` counts filter bits."""

    name: str
    bits: int | None
    read: Callable[[Bits], tuple[Parts, Values]]
    filter: int = 3


SCHEMES = {
    0x30: Scheme("sgtin-96", 96, _sgtin),
    0x36: Scheme("sgtin-198", 198, _sgtin),
    0x31: Scheme("sscc-96", 96, _sscc),
    0x32: Scheme("sgln-96", 96, _sgln),
    0x39: Scheme("sgln-195", 195, _sgln),
    0x33: Scheme("grai-96", 96, _grai),
    0x37: Scheme("grai-170", 170, _grai),
    0x34: Scheme("giai-96", 96, _giai),
    0x38: Scheme("giai-202", 202, _giai),
    0x2D: Scheme("gsrn-96", 96, _gsrn("8018")),
    0x2E: Scheme("gsrnp-96", 96, _gsrn("8017")),
    0x2C: Scheme("gdti-96", 96, _gdti),
    0x3E: Scheme("gdti-174", 174, _gdti),
    0x3C: Scheme("cpi-96", 96, _cpi_96),
    0x3D: Scheme("cpi-var", None, _cpi_var),
    0x3F: Scheme("sgcn-96", 96, _sgcn),
    0x40: Scheme("itip-110", 110, _itip),
    0x41: Scheme("itip-212", 212, _itip),
    0x35: Scheme("gid-96", 96, _gid, 0),
    0x2F: Scheme("usdod-96", 96, _usdod, 4),
    0x3B: Scheme("adi-var", None, _adi, 6),
}


def decode_binary(scheme: Scheme, bits: Bits) -> Epc:
    """The EPC behind its header; `bits` stands after the header's eight bits."""
    if scheme.bits is not None and bits.left + 8 != -(-scheme.bits // 16) * 16:
        raise EpcError("E_EPC_LEN")
    value = bits.take(scheme.filter) if scheme.filter else None
    parts, values = scheme.read(bits)
    bits.end()
    kind = scheme.name.partition("-")[0]
    length = None if kind in ("gid", "usdod", "adi") else len(parts[0])
    return Epc(scheme.name, kind, values, parts, value, length)
