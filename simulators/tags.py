"""What is written on the simulated tags: SGTIN-96, SSCC-96 and GRAI-96 beside their plain keys.

Encoded here on its own: the product's decoder meets a second reading of the standard.
"""

from __future__ import annotations

from dataclasses import dataclass

PREFIX_DIGITS = 7
_PARTITION = 5  # a company prefix of seven digits (TDS 2.3, tables 14-2 and following)
_MAX_SERIAL = 2**38


@dataclass(frozen=True, slots=True)
class Tag:
    """One physical tag: the bytes in its EPC bank and the key a person would read on its label."""

    epc: bytes
    key: str

    @property
    def hex(self) -> str:
        """The EPC as readers print it."""
        return self.epc.hex().upper()


def check_digit(digits: str) -> str:
    """The GS1 modulo-10 digit for `digits`, which come without one."""
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(reversed(digits)))
    return str(-total % 10)


def gtin14(prefix: str, item: int) -> str:
    """A GTIN-14 with indicator 0 of a seven-digit prefix and a five-digit item number."""
    body = f"0{prefix}{item:05d}"
    return body + check_digit(body)


def sscc18(prefix: str, serial: int, *, extension: int = 0) -> str:
    """An SSCC of a seven-digit prefix."""
    body = f"{extension}{prefix}{serial:09d}"
    return body + check_digit(body)


def unit_tag(gtin: str, serial: int) -> Tag:
    """SGTIN-96 of one unit; the filter value says point of sale."""
    prefix, reference = gtin[1 : 1 + PREFIX_DIGITS], gtin[0] + gtin[1 + PREFIX_DIGITS : 13]
    bits = _pack((0x30, 8), (1, 3), (_PARTITION, 3), (int(prefix), 24), (int(reference), 20))
    return Tag(_close(bits, serial), f"01/{gtin}/21/{serial}")


def sscc_tag(sscc: str) -> Tag:
    """SSCC-96 of a pallet or carton."""
    prefix, reference = sscc[1 : 1 + PREFIX_DIGITS], sscc[0] + sscc[1 + PREFIX_DIGITS : 17]
    bits = _pack(
        (0x31, 8), (2, 3), (_PARTITION, 3), (int(prefix), 24), (int(reference), 34), (0, 24)
    )
    return Tag(bits.to_bytes(12, "big"), f"00/{sscc}")


def tote_tag(prefix: str, kind: int, serial: int) -> Tag:
    """GRAI-96 of a tote."""
    body = f"{prefix}{kind:05d}"
    bits = _pack((0x33, 8), (0, 3), (_PARTITION, 3), (int(prefix), 24), (kind, 20))
    return Tag(_close(bits, serial), f"8003/0{body}{check_digit(body)}{serial}")


def _close(bits: int, serial: int) -> bytes:
    if not 0 <= serial < _MAX_SERIAL:
        raise ValueError("a 96-bit serial has 38 bits")
    return ((bits << 38) | serial).to_bytes(12, "big")


def _pack(*fields: tuple[int, int]) -> int:
    value = 0
    for number, width in fields:
        if not 0 <= number < 1 << width:
            raise ValueError(f"a number does not fit its {width} bits")
        value = (value << width) | number
    return value
