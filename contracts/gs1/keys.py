"""GS1 keys: check digits, GTIN, SSCC, GLN and GRAI, and their normal key (Digital Link path).

A key is refused with a stable code; nothing is repaired, only GTINs are filled to 14 digits.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

CHARSET_82 = frozenset(
    "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
)
CHARSET_39 = frozenset("#-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGITS = re.compile(r"[0-9]+")
_GTIN_LENGTHS = (8, 12, 13, 14)


class KeyRefusedError(ValueError):
    """A key that breaks a rule; `code` is one of the stable E_BC_* codes."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def is_digits(text: str) -> bool:
    """Whether `text` is one or more ASCII digits."""
    return _DIGITS.fullmatch(text) is not None


def check_digit(body: str) -> str:
    """The mod 10 check digit of ASCII digits (weights 3, 1 from the right)."""
    total = 3 * sum(map(int, body[-1::-2])) + sum(map(int, body[-2::-2]))
    return str(-total % 10)


def has_check_digit(key: str) -> bool:
    """Whether the last digit of `key` is its check digit."""
    return check_digit(key[:-1]) == key[-1]


def _refuse_unless(text: str, lengths: tuple[int, ...]) -> str:
    if not is_digits(text):
        raise KeyRefusedError("E_BC_CHARSET")
    if len(text) not in lengths:
        raise KeyRefusedError("E_BC_LEN")
    if not has_check_digit(text):
        raise KeyRefusedError("E_BC_CHECK")
    return text


def parse_gtin(text: str) -> str:
    """GTIN-8, -12, -13 or -14 as 14 digits."""
    return _refuse_unless(text, _GTIN_LENGTHS).zfill(14)


def parse_sscc(text: str) -> str:
    """An SSCC of 18 digits."""
    return _refuse_unless(text, (18,))


def parse_gln(text: str) -> str:
    """A GLN of 13 digits."""
    return _refuse_unless(text, (13,))


def parse_grai(text: str) -> str:
    """A GRAI as AI 8003 carries it: 0, 13 digits, then up to 16 characters of serial."""
    if not is_digits(text[:14]) or not CHARSET_82.issuperset(text):
        raise KeyRefusedError("E_BC_CHARSET")
    if not 14 <= len(text) <= 30 or text[0] != "0":
        raise KeyRefusedError("E_BC_LEN")
    if not has_check_digit(text[:14]):
        raise KeyRefusedError("E_BC_CHECK")
    return text


def sscc_from(prefix: str, serial: int) -> str:
    """The SSCC of a company prefix and a running number; its leading digit is the extension."""
    width = 17 - len(prefix)
    digits = f"{serial:0{width}d}"
    if not is_digits(prefix) or not 4 <= len(prefix) <= 12:
        raise ValueError("company prefix has 4 to 12 digits")
    if serial < 0 or len(digits) > width:
        raise ValueError("serial does not fit the company prefix")
    body = digits[0] + prefix + digits[1:]
    return body + check_digit(body)


def gtin_from(prefix: str, item: int, *, indicator: int = 0) -> str:
    """The GTIN-14 of a company prefix, an item reference and an indicator digit."""
    body = f"{indicator}{prefix}{item:0{12 - len(prefix)}d}"
    if not is_digits(body) or len(body) != 13:
        raise ValueError("item does not fit the company prefix")
    return body + check_digit(body)


def grai_from(prefix: str, asset_type: int, serial: str) -> str:
    """The AI 8003 value of a returnable asset: 0, prefix, type, check digit, serial."""
    body = f"{prefix}{asset_type:0{12 - len(prefix)}d}" if len(prefix) < 12 else prefix
    if not is_digits(body) or len(body) != 12:
        raise ValueError("asset type does not fit the company prefix")
    return parse_grai(f"0{body}{check_digit(body)}{serial}")


def gln_from(prefix: str, location: int) -> str:
    """The GLN of a company prefix and a location reference."""
    body = f"{prefix}{location:0{12 - len(prefix)}d}" if len(prefix) < 12 else prefix
    if not is_digits(body) or len(body) != 12:
        raise ValueError("location does not fit the company prefix")
    return body + check_digit(body)


def normal_key(values: tuple[tuple[str, str], ...]) -> str:
    """The normal key of these (AI, value) pairs: a Digital Link path without host."""
    return "/".join(f"{ai}/{quote(value, safe='')}" for ai, value in values)


def split_key(key: str) -> tuple[tuple[str, str], ...]:
    """The (AI, plain value) pairs of a normal key; empty when it is a URI and has none."""
    if key.startswith("urn:"):
        return ()
    parts = key.split("/")
    return tuple((ai, unquote(value)) for ai, value in zip(parts[::2], parts[1::2], strict=True))


def sgtin_key(gtin: str, serial: str) -> str:
    """The normal key of one unit of an item; `gtin` has 14 digits."""
    return normal_key((("01", gtin), ("21", serial)))


def sscc_key(sscc: str) -> str:
    """The normal key of a logistic unit."""
    return f"00/{sscc}"


def grai_key(grai: str) -> str:
    """The normal key of a returnable asset; `grai` is the AI 8003 value with its leading 0."""
    return normal_key((("8003", grai),))


def sgln_key(gln: str, extension: str | None = None) -> str:
    """The normal key of a place."""
    return f"414/{gln}" if extension is None else normal_key((("414", gln), ("254", extension)))


def handling_unit_key(text: str) -> str:
    """The normal key of a handling unit named by its SSCC digits or by a `00/` or `8003/` key."""
    if text.startswith("8003/"):
        return grai_key(parse_grai(unquote(text.removeprefix("8003/"))))
    return sscc_key(parse_sscc(text.removeprefix("00/")))
