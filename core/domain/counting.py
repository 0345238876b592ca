"""Counting a bin: what the counter saw against the book, right although goods move meanwhile.

A count takes a while, and the book moves during it. A quantity is right when the book showed it at
some moment of the count; where goods moved and it never did, the line is counted again, not judged.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple
from uuid import UUID

Finding = Literal["right", "more", "less", "disturbed"]
UnitFinding = Literal["missing", "elsewhere", "back", "unknown", "disturbed"]


class LineKey(NamedTuple):
    """Goods without tags in a bin, loose or in a handling unit that stands there."""

    owner_id: str
    item_id: int
    lot_id: int | None
    handling_unit_id: UUID | None
    status: str


@dataclass(frozen=True, slots=True)
class Window:
    """The book of one line during a count: its values in order, the last is the book now.

    `leaving` is what people hold a task for: goods that may be gone from the bin and not yet from
    the book.
    """

    values: tuple[int, ...]
    leaving: int = 0

    @property
    def now(self) -> int:
        """The book at the end of the count."""
        return self.values[-1]


@dataclass(frozen=True, slots=True)
class Line:
    """What was found of one line; `variance` is counted less expected, 0 unless it is judged."""

    key: LineKey
    expected: int
    counted: int
    variance: int
    finding: Finding


def judge_line(key: LineKey, window: Window, counted: int) -> Line:
    """The finding of one line."""
    if counted in window.values:
        return Line(key, window.now, counted, 0, "right")
    taken = range(window.now - window.leaving, window.now)
    if len(set(window.values)) > 1 or counted in taken:
        return Line(key, window.now, counted, 0, "disturbed")
    variance = counted - window.now
    return Line(key, window.now, counted, variance, "more" if variance > 0 else "less")


def judge_lines(book: Mapping[LineKey, Window], counted: Mapping[LineKey, int]) -> list[Line]:
    """Every line of the bin: what was not counted is 0, what the book does not know is expected 0.

    Lines come in the order of the book, then of the counter.
    """
    nothing = Window((0,))
    keys = dict.fromkeys([*book, *counted])
    return [judge_line(key, book.get(key, nothing), counted.get(key, 0)) for key in keys]


@dataclass(frozen=True, slots=True)
class UnitBook:
    """The tags of a bin during a count: there all the time, and those that came or went."""

    whole: frozenset[str]
    moved: frozenset[str]


@dataclass(frozen=True, slots=True)
class Known:
    """A tag that the counter saw: its state in the book, or `in_order` in an order's carton."""

    state: str


_STRAYS: dict[str, UnitFinding] = {
    "present": "elsewhere",
    "missing": "back",
    "in_order": "disturbed",
}


def judge_units(
    book: UnitBook, seen: Collection[str], known: Mapping[str, Known]
) -> dict[str, UnitFinding]:
    """Tags that book and counter see differently; what agrees is left out.

    `missing` was here all the time and was not seen; `elsewhere` is booked at another place; `back`
    was missing; `unknown` stands for nothing here or has left the site, `disturbed` is booked in an
    order's tote or carton: both move nothing.
    """
    found: dict[str, UnitFinding] = {}
    for key in sorted(book.whole - set(seen)):
        found[key] = "missing"
    for key in sorted(set(seen) - book.whole):
        if key in book.moved:
            continue
        unit = known.get(key)
        found[key] = "unknown" if unit is None else _STRAYS.get(unit.state, "unknown")
    return found


def units_off(lines: Collection[Line], units: Mapping[str, UnitFinding]) -> int:
    """How far book and bin are apart, in base units: what an approval limit is compared with."""
    tags = sum(finding in ("missing", "elsewhere", "back") for finding in units.values())
    return sum(abs(line.variance) for line in lines) + tags
