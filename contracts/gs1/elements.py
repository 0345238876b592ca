"""Barcode scans to identities: plain codes, GS1 element strings, Digital Links, `LOC:` labels.

A scan is accepted whole or refused whole; a refusal carries its code and what could be read.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from contracts.gs1.ais import (
    DATE_AIS,
    FIXED_TOTAL,
    FORMATS,
    ai_at,
    parse_date,
    proves_itself,
    value_problem,
)
from contracts.gs1.bits import EpcError
from contracts.gs1.epc import decode
from contracts.gs1.keys import KeyRefusedError, is_digits, normal_key, parse_gtin, parse_sscc

Values = tuple[tuple[str, str], ...]
FNC1 = "\x1d"
MAX_CHARS = 256
_AIM = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_ELEMENT_IDS = frozenset({"]C1", "]d2", "]Q3", "]e0", "]J1"})
_TEXT_IDS = frozenset({"]C0", "]A0", "]d1", "]Q1"})
_KEY_IDS = {"]E0": (12, 13), "]E4": (8,), "]I1": (14,)}
_LOCATION = re.compile(r"[A-Z0-9]{1,16}-[A-Z0-9]{1,8}-[A-Z0-9]{1,8}-[A-Z0-9]{1,8}")
_CONTROL = re.compile(r"[\x00-\x1c\x1e-\x1f\x7f-\x9f]")
_PRIMARY = ("01", "00", "8006", "414", "417", "8003", "8004", "253", "255", "8010", "8017", "8018")
_BRACKET = re.compile(r"\(([0-9]{2,4})\)")
_EPC_TEXT = re.compile(r"(?=.*[A-Fa-f])[0-9A-Fa-f]{24,124}")
Kind = Literal["gtin", "sscc", "elements", "link", "location", "label"]


class BarcodeError(KeyRefusedError):
    """A refused scan: the values that could be read, and both readings when it is ambiguous."""

    def __init__(self, code: str, values: Values = (), readings: tuple[Values, ...] = ()) -> None:
        super().__init__(code)
        self.values = values
        self.readings = readings


@dataclass(frozen=True, slots=True)
class Barcode:
    """An accepted scan. `text` is the location code or label text where it is one."""

    kind: Kind
    values: Values = ()
    dates: tuple[tuple[str, dt.date], ...] = ()
    text: str = ""

    def get(self, ai: str) -> str | None:
        """The value of an AI, or None."""
        return dict(self.values).get(ai)

    @property
    def gtin(self) -> str | None:
        """The item: AI 01, the content of a pallet (02), or that of a piece (8006)."""
        piece = self.get("8006")
        return self.get("01") or self.get("02") or (piece[:14] if piece else None)

    @property
    def expiry(self) -> dt.date | None:
        """AI 17."""
        return dict(self.dates).get("17")

    @property
    def count(self) -> int | None:
        """AI 37 (content of a pallet) or 30 (variable count)."""
        text = self.get("37") or self.get("30")
        return int(text) if text else None

    @property
    def epc_key(self) -> str | None:
        """The normal key this scan names, equal to that of the tag, or None."""
        if (gtin := self.get("01")) and (serial := self.get("21")):
            return normal_key((("01", gtin), ("21", serial)))
        for lead, behind in (("8010", "8011"), ("8006", "21")):
            if (first := self.get(lead)) and (second := self.get(behind)):
                return normal_key(((lead, first), (behind, second)))
        if gln := self.get("414"):
            extension = self.get("254")
            place = (("414", gln),)
            return normal_key((*place, ("254", extension)) if extension else place)
        for ai in ("00", "8003", "8004", "253", "255", "8017", "8018"):
            if value := self.get(ai):
                return normal_key(((ai, value),))
        return None


def parse_barcode(
    code: str,
    *,
    today: dt.date,
    symbology: str | None = None,
    after_item: bool = False,
    families: Mapping[str, str] | None = None,
) -> Barcode:
    """What a scan says. Raises `BarcodeError`.

    `after_item`: this handheld scanned an item just before, so a lot or serial may stand alone.
    `families`: the site's own labels, prefix to regular expression of the text behind it.
    """
    text = _without_line_end(code)
    if not text.strip(" " + FNC1) or _AIM.fullmatch(text):
        raise BarcodeError("E_BC_EMPTY")
    if len(text) > MAX_CHARS:
        raise BarcodeError("E_BC_LEN")
    aim, text = _split_aim(text, symbology)
    if not text.strip(" " + FNC1):
        raise BarcodeError("E_BC_EMPTY")
    if aim in _ELEMENT_IDS:
        return _element_string(text, today=today, after_item=after_item)
    if aim in _KEY_IDS:
        return _plain(text.removesuffix(FNC1), _KEY_IDS[aim])
    return _text(text, aim, today=today, after_item=after_item, families=families or {})


def parse_hand_entry(text: str, *, today: dt.date, after_item: bool = False) -> Barcode:
    """What a person typed: as a scan, or with brackets as printed under the bars."""
    if not text.startswith("("):
        return parse_barcode(text, today=today, after_item=after_item)
    marks = list(_BRACKET.finditer(text))
    if not marks or marks[0].start() != 0:
        raise BarcodeError("E_BC_AI")
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    values = [(mark[1], text[mark.end() : end]) for mark, end in zip(marks, ends, strict=True)]
    return _settled("elements", values, None, today=today, after_item=after_item)


def _without_line_end(text: str) -> str:
    if text.endswith("\r\n"):
        return text[:-2]
    return text[:-1] if text.endswith(("\r", "\n")) else text


def _split_aim(text: str, symbology: str | None) -> tuple[str | None, str]:
    if text.startswith("]"):
        aim, text = text[:3], text[3:]
    elif symbology:
        aim = symbology if symbology.startswith("]") else f"]{symbology}"
    else:
        return None, text
    if aim not in _ELEMENT_IDS and aim not in _TEXT_IDS and aim not in _KEY_IDS:
        raise BarcodeError("E_BC_SYMBOLOGY")
    return aim, text


def _text(
    text: str,
    aim: str | None,
    *,
    today: dt.date,
    after_item: bool,
    families: Mapping[str, str],
) -> Barcode:
    for prefix, pattern in families.items():
        if text.startswith(prefix) and re.fullmatch(pattern, text.removeprefix(prefix)):
            return Barcode("label", text=text)
    if text[:4].upper() == "LOC:":
        return _location(text)
    if text[:8].lower() == "urn:epc:" or _is_epc(text):
        raise BarcodeError("E_BC_SYMBOLOGY")
    if text[:8].lower().startswith(("http://", "https://")):
        return _link(text, today=today, after_item=after_item)
    bare = text.removesuffix(FNC1)
    if is_digits(bare) and (aim or len(bare) in (8, 12, 13, 14, 18)):
        return _plain(bare, (8, 12, 13, 14, 18))
    if aim:
        raise BarcodeError("E_BC_CHARSET")
    try:
        return _element_string(text.removeprefix(FNC1), today=today, after_item=after_item)
    except BarcodeError as refusal:
        if is_digits(bare):
            raise BarcodeError("E_BC_LEN", refusal.values) from refusal
        if FNC1 in text or refusal.values:
            raise
        raise BarcodeError("E_BC_CHARSET") from refusal


def _location(text: str) -> Barcode:
    if not text.startswith("LOC:"):
        raise BarcodeError("E_BC_SYMBOLOGY")
    place = text.removeprefix("LOC:")
    if _CONTROL.search(place) or FNC1 in place:
        raise BarcodeError("E_BC_CHARSET")
    if _LOCATION.fullmatch(place) is None:
        raise BarcodeError("E_BC_SYNTAX")
    return Barcode("location", text=place)


def _is_epc(text: str) -> bool:
    if _EPC_TEXT.fullmatch(text) is None:
        return False
    try:
        return decode(text).kind not in ("unknown", "unprogrammed")
    except EpcError:
        return False


def _plain(text: str, lengths: tuple[int, ...]) -> Barcode:
    if not is_digits(text):
        raise BarcodeError("E_BC_CHARSET")
    if len(text) not in lengths:
        raise BarcodeError("E_BC_LEN")
    try:
        if len(text) == 18:
            return Barcode("sscc", (("00", parse_sscc(text)),))
        return Barcode("gtin", (("01", parse_gtin(text)),))
    except KeyRefusedError as refusal:
        raise BarcodeError(refusal.code) from refusal


def _link(text: str, *, today: dt.date, after_item: bool) -> Barcode:
    """A Digital Link counts from its first GS1 key in the path, whatever the domain."""
    try:
        parts = urlsplit(text)
        query = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError as refusal:
        raise BarcodeError("E_BC_CHARSET") from refusal
    steps = [unquote(step) for step in parts.path.split("/") if step]
    start = next((at for at, step in enumerate(steps) if step in _PRIMARY), None)
    if start is None or _CONTROL.search(text):
        raise BarcodeError("E_BC_CHARSET")
    steps = steps[start:]
    if len(steps) % 2:
        raise BarcodeError("E_BC_AI_LEN")
    values = list(zip(steps[::2], steps[1::2], strict=True))
    if values[0][0] == "01" and len(values[0][1]) in (8, 12, 13):
        values[0] = ("01", values[0][1].zfill(14))
    values += [(name, value) for name, value in query if is_digits(name)]
    return _settled("link", values, None, today=today, after_item=after_item)


def _element_string(text: str, *, today: dt.date, after_item: bool) -> Barcode:
    if _CONTROL.search(text):
        raise BarcodeError("E_BC_CHARSET")
    values: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        ai = ai_at(text, at)
        if ai is None:
            code = "E_BC_SYNTAX" if text[at] == FNC1 else "E_BC_AI"
            return _settled("elements", values, code, today=today, after_item=after_item)
        start, total = at + len(ai), FIXED_TOTAL.get(ai[:2])
        end = text.find(FNC1, start)
        end = len(text) if end < 0 else end
        at = end if total is None else min(end, at + total)
        value = text[start:at]
        if not FORMATS[ai].fits_length(value):
            return _settled("elements", values, "E_BC_AI_LEN", today=today, after_item=after_item)
        values.append((ai, value))
        if total is None and FORMATS[ai].fits_characters(value):
            _refuse_ambiguous(values, today=today)
        if at < len(text) and text[at] == FNC1:
            at += 1
    return _settled("elements", values, None, today=today, after_item=after_item)


def _refuse_ambiguous(values: list[tuple[str, str]], *, today: dt.date) -> None:
    """A value whose tail proves itself to be other AIs may have lost the FNC1 in front of them."""
    ai, value = values[-1]
    for cut in range(FORMATS[ai].least, len(value) - 3):
        if proves_itself(value[cut:], today=today):
            other = [*values[:-1], (ai, value[:cut]), *_fixed(value[cut:])]
            raise BarcodeError("E_BC_SYNTAX", tuple(values[:-1]), (tuple(values), tuple(other)))


def _fixed(text: str) -> list[tuple[str, str]]:
    """Whole fixed-length AIs, known to be such."""
    values = []
    while text:
        ai, total = ai_at(text, 0) or "", FIXED_TOTAL[text[:2]]
        values.append((ai, text[len(ai) : total]))
        text = text[total:]
    return values


def _settled(
    kind: Kind,
    values: list[tuple[str, str]],
    stopped: str | None,
    *,
    today: dt.date,
    after_item: bool,
) -> Barcode:
    """Judge each value, then what stopped the reading, then repeats and pairs."""
    good: list[tuple[str, str]] = []
    first: str | None = None
    for ai, value in values:
        code = value_problem(ai, value, today=today) if ai in FORMATS else "E_BC_AI"
        first = first or code
        if code is None:
            good.append((ai, value))
    distinct = tuple(dict.fromkeys(good))
    found = dict(distinct)
    code = first or stopped
    if code is None and len(found) != len(distinct):
        code = "E_BC_AI_REPEAT"
    if code is None and _breaks_pairs(found, after_item=after_item):
        code = "E_BC_AI_PAIR"
    if code is not None:
        raise BarcodeError(code, distinct)
    dated = [(ai, parse_date(value, today=today)) for ai, value in distinct if ai in DATE_AIS]
    return Barcode(kind, distinct, tuple((ai, day) for ai, day in dated if day is not None))


def _breaks_pairs(found: dict[str, str], *, after_item: bool) -> bool:
    content = "02" in found and ("37" not in found or "01" in found)
    count = "37" in found and "02" not in found and "8026" not in found
    item = after_item or any(ai in found for ai in ("01", "02", "8006"))
    return content or count or (not item and ("10" in found or "21" in found))
