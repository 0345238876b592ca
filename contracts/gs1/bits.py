"""Bit fields of EPC memory and the refusal they end in: read in order, never past the end."""

from __future__ import annotations

from contracts.gs1.keys import CHARSET_39, CHARSET_82


class EpcError(ValueError):
    """An EPC that cannot be right; `code` is one of the stable E_EPC_* codes."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Bits:
    """A cursor over the bits of one EPC."""

    __slots__ = ("encoding", "left", "value")

    def __init__(self, digits: str) -> None:
        self.encoding: int | None = None
        self.value = int(digits, 16)
        self.left = 4 * len(digits)

    def take(self, count: int) -> int:
        """The next `count` bits as a number."""
        if count > self.left:
            raise EpcError("E_EPC_LEN")
        self.left -= count
        return (self.value >> self.left) & ((1 << count) - 1)

    def end(self, *, boundary: int = 16) -> None:
        """Refuse what follows, but for zero bits up to the next boundary."""
        if self.left >= boundary:
            raise EpcError("E_EPC_LEN")
        self.zeros(self.left)

    def zeros(self, count: int) -> None:
        """The next `count` bits are filler."""
        if self.take(count):
            raise EpcError("E_EPC_PAD")

    def bcd(self, count: int) -> str:
        """The next `count` decimal digits, four bits each."""
        digits = f"{self.take(4 * count):0{count}x}"
        if not digits.isdigit():
            raise EpcError("E_EPC_RANGE")
        return digits

    def text7(self, chars: int, *, most: int) -> str:
        """Seven-bit characters up to the first 0; what follows in the field is filler."""
        text: list[str] = []
        for at in range(chars):
            code = self.take(7)
            if code == 0:
                self.zeros(7 * (chars - at - 1))
                break
            text.append(chr(code))
        return in_set(text, CHARSET_82, most=most)

    def text6(self, *, most: int, least: int = 1) -> str:
        """Six-bit characters up to 000000."""
        text: list[str] = []
        while code := self.take(6):
            text.append(chr(code if code & 0x20 else code | 0x40))
            if len(text) > most:
                break
        return in_set(text, CHARSET_39, most=most, least=least)


def number(value: int, digits: int) -> str:
    """`value` in exactly `digits` decimal digits; no digits at all is the empty text."""
    text = str(value).zfill(digits) if digits or value else ""
    if len(text) > digits:
        raise EpcError("E_EPC_RANGE")
    return text


def in_set(text: list[str], allowed: frozenset[str], *, most: int, least: int = 1) -> str:
    """The joined text when its length and characters are legal."""
    if not least <= len(text) <= most or not allowed.issuperset(text):
        raise EpcError("E_EPC_RANGE")
    return "".join(text)
