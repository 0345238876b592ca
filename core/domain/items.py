"""What is known of an item beside its name: one table that file, interface and database share.

Lengths in millimetres, weights in grams, money in minor units of its currency (ISO 4217).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from contracts.gs1.keys import KeyRefusedError, parse_gtin
from core.domain.csv_text import text_code, whole_number

MAX_NUMBER = 2**31 - 1
MAX_MONEY = 10**15
TRACKING = ("none", "lot", "serial", "both")
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
HS_CODE = re.compile(r"[0-9]{6,12}")
COUNTRY = re.compile(r"[A-Z]{2}")
CURRENCY = re.compile(r"[A-Z]{3}")
GTIN_CODES = {
    "E_BC_CHARSET": "gtin-charset",
    "E_BC_LEN": "gtin-length",
    "E_BC_CHECK": "gtin-check",
}
Value = str | int | bool


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a cell is no value, as a field code."""

    code: str


def _number(low: int, high: int) -> Callable[[str], Value | Wrong]:
    def read(cell: str) -> Value | Wrong:
        found = whole_number(cell, low=low, high=high)
        return Wrong(found) if isinstance(found, str) else found

    return read


def _text(high: int, pattern: re.Pattern[str]) -> Callable[[str], Value | Wrong]:
    def read(cell: str) -> Value | Wrong:
        code = text_code(cell, high=high, pattern=pattern)
        return cell if code is None else Wrong("format" if code == "charset" else code)

    return read


def _choice(*words: str) -> Callable[[str], Value | Wrong]:
    return lambda cell: cell if cell in words else Wrong("choice")


def _flag(cell: str) -> Value | Wrong:
    return {"true": True, "false": False}.get(cell, Wrong("choice"))


def read_gtin(cell: str) -> Value | Wrong:
    """A GTIN as 14 digits."""
    try:
        return parse_gtin(cell)
    except KeyRefusedError as error:
        return Wrong(GTIN_CODES.get(error.code, "gtin-check"))


# Columns of the table `item`, in file order.
FACTS: Mapping[str, Callable[[str], Value | Wrong]] = {
    "tracking": _choice(*TRACKING),
    "active": _flag,
    "safety_stock": _number(0, MAX_NUMBER),
    "weight_g": _number(0, MAX_NUMBER),
    "volume_ml": _number(0, MAX_NUMBER),
    "length_mm": _number(1, MAX_NUMBER),
    "width_mm": _number(1, MAX_NUMBER),
    "height_mm": _number(1, MAX_NUMBER),
    "shelf_life_days": _number(1, 36_500),
    "storage_class": _text(32, CODE),
    "hazard_class": _text(16, CODE),
    "hs_code": _text(12, HS_CODE),
    "origin": _text(2, COUNTRY),
    "standard_cost": _number(0, MAX_MONEY),
    "price": _number(0, MAX_MONEY),
    "currency": _text(3, CURRENCY),
}
# Packagings above the base unit: a GTIN and how many base units it holds.
LEVELS = ("case", "pallet")
PACKAGING: Mapping[str, Callable[[str], Value | Wrong]] = {
    name: read
    for level in LEVELS
    for name, read in (
        (f"{level}_gtin", read_gtin),
        (f"{level}_quantity", _number(2, MAX_NUMBER)),
    )
}


def read_cells(cells: Mapping[str, str]) -> tuple[dict[str, Value], dict[str, str]]:
    """Values of the cells that say something, and field codes of those that are wrong."""
    values: dict[str, Value] = {}
    wrong: dict[str, str] = {}
    for name, read in {**FACTS, **PACKAGING}.items():
        cell = cells.get(name, "")
        if not cell:
            continue
        value = read(cell)
        if isinstance(value, Wrong):
            wrong[name] = value.code
        else:
            values[name] = value
    return values, wrong


def misfits(facts: Mapping[str, Value | None]) -> dict[str, str]:
    """Facts that do not fit together, by name and field code."""
    wrong = {}
    money = any(facts.get(name) is not None for name in ("standard_cost", "price"))
    if money and facts.get("currency") is None:
        wrong["currency"] = "required"
    for level in LEVELS:
        held, name = facts.get(f"{level}_quantity"), f"{level}_quantity"
        if facts.get(f"{level}_gtin") is not None and held is None:
            wrong[name] = "required"
    return wrong
