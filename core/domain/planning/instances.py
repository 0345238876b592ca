"""Picker routing instances in the SPRP format (one JSON object a line), as layouts and stock.

Cell 0 of an aisle lies beside the top cross-aisle; with two blocks a middle cross-aisle of size 1
stands after half of the cells. Reference values: Hessler and Irnich, katrinhessler/SPRP-SS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from core.domain.errors import Refused
from core.domain.planning.blocks import Blocks, Place

_NUMBERS = ("aisle_gap", "cell_gap", "top_gap", "bottom_gap")
MAX_SIDE = 10_000


@dataclass(frozen=True, slots=True)
class Bin:
    """One cell that holds some units of one item."""

    item: int
    place: Place
    units: int


@dataclass(frozen=True, slots=True)
class Instance:
    """One order and where its items lie; `optimum` is None where nobody published one."""

    name: str
    layout: Blocks
    depot: Place
    bins: tuple[Bin, ...]
    demand: dict[int, int]
    optimum: float | None


def read_instance(document: Mapping[str, object], *, blocks: int) -> Instance:
    """The instance with 1 or 2 blocks. Refuses with `bench_format` what the format forbids."""
    aisles, cells = _count(document, "aisles"), _count(document, "cells")
    if blocks == 2 and cells < 2:
        raise _bad("two blocks need two cells")
    aisle_gap, cell_gap, top, bottom = (_length(document, name) for name in _NUMBERS)
    half = cells // 2 if blocks == 2 else cells
    heights = [top + cell_gap * cell + (1.0 if cell >= half else 0.0) for cell in range(cells)]
    middle = [heights[half - 1] + cell_gap] if blocks == 2 else []
    layout = Blocks(
        tuple(aisle_gap * aisle for aisle in range(aisles)),
        (0.0, *middle, heights[-1] + bottom),
    )
    side = document.get("depot_side")
    if side not in ("top", "bottom"):
        raise _bad("depot_side is top or bottom")
    depot = Place(
        _index(document.get("depot_aisle"), aisles), layout.ys[0 if side == "top" else -1]
    )
    key = "opt_two_block" if blocks == 2 else "opt_one_block"
    optimum = None if document.get(key) is None else _length(document, key)
    bins = _bins(document, aisles, heights)
    demand = _demand(document, bins)
    return Instance(str(document.get("name", "")), layout, depot, bins, demand, optimum)


def _bad(detail: str) -> Refused:
    return Refused("bench_format", detail)


def _index(value: object, size: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < size:
        raise _bad(f"an index is a whole number below {size}")
    return value


def _count(document: Mapping[str, object], name: str) -> int:
    value = _index(document.get(name), MAX_SIDE + 1)
    if value < 1:
        raise _bad(f"{name} is at least 1")
    return value


def _length(document: Mapping[str, object], name: str) -> float:
    value = document.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
        raise _bad(f"{name} is a number")
    if value <= 0:
        raise _bad(f"{name} is more than 0")
    return float(value)


def _bins(document: Mapping[str, object], aisles: int, heights: list[float]) -> tuple[Bin, ...]:
    rows = document.get("stock")
    if not isinstance(rows, list):
        raise _bad("stock is a list of [item, aisle, cell, units]")
    found = []
    for row in rows:
        if not isinstance(row, list) or len(row) != 4:
            raise _bad("stock is a list of [item, aisle, cell, units]")
        item, units = _index(row[0], 1 << 53), _index(row[3], 1 << 53)
        place = Place(_index(row[1], aisles), heights[_index(row[2], len(heights))])
        found.append(Bin(item, place, units))
    return tuple(found)


def _demand(document: Mapping[str, object], bins: tuple[Bin, ...]) -> dict[int, int]:
    rows = document.get("demand")
    if not isinstance(rows, dict):
        raise _bad("demand is an object of units by item")
    demand: dict[int, int] = {}
    for name, units in rows.items():
        if not name.isascii() or not name.isdigit() or len(name) > 15:
            raise _bad("demand names items by number")
        demand[int(name)] = _index(units, 1 << 53)
    held: dict[int, int] = {}
    for held_bin in bins:
        held[held_bin.item] = held.get(held_bin.item, 0) + held_bin.units
    if any(held.get(item, 0) < units for item, units in demand.items()):
        raise _bad("the stock does not cover the demand")
    return demand
