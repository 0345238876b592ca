"""GS1 application identifiers: format, fixed lengths, check digits and dates of each value.

The table is that of the General Specifications, section 3; an AI that is not in it refuses a scan.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from typing import NamedTuple

from contracts.gs1.keys import CHARSET_39, CHARSET_82, has_check_digit, is_digits

# AI (or a range of the last digits) and format: N digits, X set 82, Y set 39, Z base64url.
_TABLE = """
00 N18|01-03 N14|10 X..20|11-13 N6|15-17 N6|20 N2|21 X..20|22 X..20|235 X..28|240-241 X..30
242 N..6|243 X..20|250-251 X..30|253 N13[X..17]|254 X..20|255 N13[N..12]|30 N..8|37 N..8
3100-3105 N6|3110-3115 N6|3120-3125 N6|3130-3135 N6|3140-3145 N6|3150-3155 N6|3160-3165 N6
3200-3205 N6|3210-3215 N6|3220-3225 N6|3230-3235 N6|3240-3245 N6|3250-3255 N6|3260-3265 N6
3270-3275 N6|3280-3285 N6|3290-3295 N6|3300-3305 N6|3310-3315 N6|3320-3325 N6|3330-3335 N6
3340-3345 N6|3350-3355 N6|3360-3365 N6|3370-3375 N6|3400-3405 N6|3410-3415 N6|3420-3425 N6
3430-3435 N6|3440-3445 N6|3450-3455 N6|3460-3465 N6|3470-3475 N6|3480-3485 N6|3490-3495 N6
3500-3505 N6|3510-3515 N6|3520-3525 N6|3530-3535 N6|3540-3545 N6|3550-3555 N6|3560-3565 N6
3570-3575 N6|3600-3605 N6|3610-3615 N6|3620-3625 N6|3630-3635 N6|3640-3645 N6|3650-3655 N6
3660-3665 N6|3670-3675 N6|3680-3685 N6|3690-3695 N6|3900-3909 N..15|3910-3919 N3N..15
3920-3929 N..15|3930-3939 N3N..15|3940-3943 N4|3950-3955 N6|400-401 X..30|402 N17|403 X..30
410-417 N13|420 X..20|421 N3X..9|422 N3|423 N3[N..12]|424 N3|425 N3[N..12]|426 N3|427 X..3
4300-4301 X..35|4302-4306 X..70|4307 X2|4308 X..30|4309 N20|4310-4311 X..35|4312-4316 X..70
4317 X2|4318 X..20|4319 X..30|4320 X..35|4321-4323 N1|4324-4325 N10|4326 N6|4330-4333 N6[X..1]
7001 N13|7002 X..30|7003 N10|7004 N..4|7005 X..12|7006 N6|7007 N6[N..6]|7008 X..3|7009 X..10
7010 X..2|7011 N6[N..4]|7020-7022 X..20|7023 X..30|7030-7039 N3X..27|7040 N1X3|7041 X..4
710-717 X..20|7230-7239 X3..30|7240 X..20|7241 N2|7242 X..25|7250 N8|7251 N12|7252 N1
7253-7254 X..40|7255 X..10|7256 X..90|7257 X..70|7258 X3|7259 X..40|8001 N14|8002 X..20
8003 N14[X..16]|8004 X..30|8005 N6|8006 N18|8007 X..34|8008 N8[N..4]|8009 X..50|8010 Y5..30
8011 N..12|8012 X..20|8013-8014 X..25|8017-8018 N18|8019 N..10|8020 X..25|8026 N18|8030 Z..90
8040-8041 N15|8042 N32|8043 N18..20|8110 X..70|8111 N4|8112 X..70|8200 X..70|90 X..30|91-99 X..90
"""
_PART = re.compile(r"(\[?)([NXYZ])(\d*)(\.\.)?(\d*)\]?")
_SETS = {
    "N": frozenset("0123456789"),
    "X": CHARSET_82,
    "Y": CHARSET_39,
    "Z": frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
}


class Format(NamedTuple):
    """`lead` digits in front, then characters of `allowed`; the total is least to most."""

    lead: int
    least: int
    most: int
    allowed: frozenset[str]

    def fits_length(self, value: str) -> bool:
        """Whether the length is one this AI may have."""
        return self.least <= len(value) <= self.most

    def fits_characters(self, value: str) -> bool:
        """Whether every character is one its place may hold."""
        lead, rest = value[: self.lead], value[self.lead :]
        return (not lead or is_digits(lead)) and self.allowed.issuperset(rest)


def _parsed(text: str) -> Format:
    lead, least, most, allowed = 0, 0, 0, _SETS["N"]
    for optional, kind, low, dots, high in _PART.findall(text):
        lead = most
        allowed = _SETS[kind]
        at_least = 0 if optional else int(low or "1")
        least += at_least
        most += int(high) if dots else int(low)
    return Format(lead, least, most, allowed)


def _build() -> dict[str, Format]:
    table: dict[str, Format] = {}
    for entry in _TABLE.strip().replace("\n", "|").split("|"):
        span, _, text = entry.partition(" ")
        first, _, last = span.partition("-")
        for number in range(int(first), int(last or first) + 1):
            table[f"{number:0{len(first)}d}"] = _parsed(text)
    return table


FORMATS = _build()
# Total length with the AI, by the first two digits; every other AI ends at FNC1 or at the end.
FIXED_TOTAL = {
    "00": 20,
    **dict.fromkeys(("01", "02", "03"), 16),
    "04": 18,
    **{str(ai): 8 for ai in range(11, 20)},
    "20": 4,
    **{str(ai): 10 for ai in range(31, 37)},
    "41": 16,
}
DATE_AIS = frozenset({"11", "12", "13", "15", "16", "17"})
_TIMED_AIS = frozenset({"7003", "7006", "7007", "8008"})
# How many leading digits carry the check digit as their last.
_CHECKED = {
    "00": 18,
    "01": 14,
    "02": 14,
    "03": 14,
    "402": 17,
    **{str(ai): 13 for ai in range(410, 418)},
    "253": 13,
    "255": 13,
    "8003": 14,
    "8006": 14,
    "8026": 14,
    "8017": 18,
    "8018": 18,
}


def ai_at(text: str, start: int) -> str | None:
    """The application identifier that begins at `start`, or None."""
    for length in (2, 3, 4):
        if (ai := text[start : start + length]) in FORMATS:
            return ai
    return None


def parse_date(digits: str, *, today: dt.date) -> dt.date | None:
    """YYMMDD; day 00 is the month's last day. None when there is no such date."""
    year, month, day = today.year // 100 * 100 + int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    ahead = year - today.year
    if ahead > 50:
        year -= 100
    elif ahead < -49:
        year += 100
    if not 1 <= month <= 12:
        return None
    last = calendar.monthrange(year, month)[1]
    return dt.date(year, month, day or last) if day <= last else None


def value_problem(ai: str, value: str, *, today: dt.date) -> str | None:
    """The first E_BC_* code against one value: length, characters, check digit, date, range."""
    form = FORMATS[ai]
    if not form.fits_length(value):
        return "E_BC_AI_LEN"
    if not form.fits_characters(value) or (ai == "8003" and value[0] != "0"):
        return "E_BC_CHARSET"
    if (checked := _CHECKED.get(ai)) and not has_check_digit(value[:checked]):
        return "E_BC_CHECK"
    if ai in DATE_AIS and parse_date(value, today=today) is None:
        return "E_BC_DATE"
    if ai in _TIMED_AIS and not _is_timed(ai, value, today=today):
        return "E_BC_DATE"
    return "E_BC_RANGE" if ai == "37" and int(value) == 0 else None


def _is_timed(ai: str, value: str, *, today: dt.date) -> bool:
    """A real day, then a time of day, or with 7007 perhaps a second day."""
    days = (value[:6], value[6:]) if ai == "7007" and value[6:] else (value[:6],)
    for digits in days:
        if len(digits) != 6 or digits[4:] == "00" or parse_date(digits, today=today) is None:
            return False
    if ai == "7007":
        return True
    clock = value[6:]
    if len(clock) % 2:
        return False
    parts = [int(clock[at : at + 2]) for at in range(0, len(clock), 2)]
    return all(part < limit for part, limit in zip(parts, (24, 60, 60), strict=False))


def proves_itself(text: str, *, today: dt.date) -> bool:
    """Whether `text` reads as whole fixed-length AIs, one of them with a proof.

    A proof is a key with a right check digit or a date AI with a real date.
    """
    proven = False
    while text:
        ai = ai_at(text, 0)
        total = FIXED_TOTAL.get(text[:2])
        if ai is None or total is None or len(text) < total:
            return False
        if value_problem(ai, text[len(ai) : total], today=today) is not None:
            return False
        proven = proven or ai in _CHECKED or ai in DATE_AIS
        text = text[total:]
    return proven
