"""Bit fields into EPC memory, the counterpart of `bits`: known widths, filled to 16 bits."""

from __future__ import annotations

from contracts.gs1.bits import EpcError
from contracts.gs1.keys import CHARSET_82


class BitWriter:
    """Collects fields in order; `hex` fills with zeros to the next multiple of 16 bits."""

    __slots__ = ("count", "value")

    def __init__(self) -> None:
        self.value = 0
        self.count = 0

    def put(self, value: int, width: int) -> BitWriter:
        """A number in `width` bits; one that does not fit is refused, never cut."""
        if not 0 <= value < 1 << width:
            raise EpcError("E_EPC_RANGE")
        self.value = (self.value << width) | value
        self.count += width
        return self

    def bcd(self, digits: str) -> BitWriter:
        """Decimal digits, four bits each."""
        return self.put(int(digits, 16), 4 * len(digits))

    def text7(self, text: str, *, most: int) -> BitWriter:
        """Seven-bit characters in a field of `most`, the rest of it zero."""
        if not 1 <= len(text) <= most or not CHARSET_82.issuperset(text):
            raise EpcError("E_EPC_RANGE")
        for mark in text:
            self.put(ord(mark), 7)
        return self.put(0, 7 * (most - len(text)))

    def hex(self) -> str:
        """Upper-case hex digits."""
        fill = -self.count % 16
        return f"{self.value << fill:0{(self.count + fill) // 4}X}"
