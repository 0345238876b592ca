"""Parts that the JSON documents of the planners share; every refusal is `plan_input`."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from core.domain.errors import Refused
from core.domain.planning.blocks import Blocks, Place

MAX_ROWS = 10_000
Document = Mapping[str, object]
_WAYS = {"down": 1, "up": -1}


def bad(detail: str) -> Refused:
    """The document is not of the form that docs/planning.md gives."""
    return Refused("plan_input", detail)


def part(document: Document, name: str) -> Document:
    """A member that is an object."""
    value = document.get(name)
    if not isinstance(value, dict):
        raise bad(f"{name} is an object")
    return value


def number(value: object, what: str) -> float:
    """A finite number of at most 1e9 either way."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad(f"{what} is a number of at most 1e9")
    if not isfinite(value) or abs(value) > 1e9:
        raise bad(f"{what} is a number of at most 1e9")
    return float(value)


def whole(value: object, what: str, *, least: int = 0, most: int = 9_999) -> int:
    """A whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise bad(f"{what} is a whole number from {least} to {most}")
    return value


def text(value: object, what: str) -> str:
    """A short name."""
    if not isinstance(value, str) or not 1 <= len(value) <= 100:
        raise bad(f"{what} is a text of 1 to 100 characters")
    return value


def rows(document: Document, name: str, *, most: int = MAX_ROWS) -> list[object]:
    """A list, empty where it is left out."""
    value = document.get(name, [])
    if not isinstance(value, list) or len(value) > most:
        raise bad(f"{name} is a list of at most {most}")
    return value


def tuples(document: Document, name: str, width: int) -> list[list[object]]:
    """A list of lists of one width."""
    found = []
    for row in rows(document, name):
        if not isinstance(row, list) or len(row) != width:
            raise bad(f"{name} is a list of lists of {width}")
        found.append(row)
    return found


def objects(document: Document, name: str, *, most: int = MAX_ROWS) -> list[Document]:
    """A list of objects."""
    found: list[Document] = []
    for row in rows(document, name, most=most):
        if not isinstance(row, dict):
            raise bad(f"{name} is a list of objects")
        found.append(row)
    return found


def layout(document: Document) -> Blocks:
    """A layout of aisles and cross-aisles."""
    one_way = set()
    for aisle, way in tuples(document, "one_way_aisles", 2):
        if way not in ("down", "up"):
            raise bad('a one-way aisle is [aisle, "down"] or [aisle, "up"]')
        one_way.add((whole(aisle, "an aisle's number"), _WAYS[str(way)]))
    return Blocks(
        tuple(number(x, "an aisle") for x in rows(document, "aisles")),
        tuple(number(y, "a cross-aisle") for y in rows(document, "cross_aisles")),
        frozenset(
            (whole(a, "an aisle's number"), number(y, "a height"))
            for a, y in tuples(document, "closed_aisles", 2)
        ),
        frozenset(
            (whole(c, "a cross-aisle's number"), whole(a, "an aisle's number"))
            for c, a in tuples(document, "closed_cross_aisles", 2)
        ),
        frozenset(one_way),
    )


def place(value: object) -> Place:
    """A point of an aisle or of a cross-aisle."""
    if isinstance(value, dict) and set(value) == {"aisle", "y"}:
        return Place(whole(value["aisle"], "aisle"), number(value["y"], "y"))
    if isinstance(value, dict) and set(value) == {"cross_aisle", "x"}:
        return Place(-1, number(value["x"], "x"), whole(value["cross_aisle"], "cross_aisle"))
    raise bad("a place is {aisle, y} or {cross_aisle, x}")


def ends(document: Document) -> tuple[Place, Place]:
    """Start and end; the end is the start where it is left out."""
    start = place(document.get("start"))
    return start, start if document.get("end") is None else place(document["end"])
