"""`dockledger plan`: planners that read and write JSON. A refusal exits 3 with its code."""

from __future__ import annotations

import json
import sys
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import typer

from core.domain.errors import Refused
from core.domain.planning.blocks import Blocks, Place
from core.domain.planning.rules import better_serpentine, length_in_order
from core.domain.planning.sweep import shortest_walk
from runtime.cli.exits import emit, usage

app = typer.Typer(help="Plan routes from JSON; see docs/planning.md.", no_args_is_help=True)
MAX_BYTES = 4 << 20
MAX_STOPS = 1_000


@app.callback()
def _plan() -> None:
    """Plan routes from JSON."""


@app.command("route")
def route_command(
    file: Annotated[str, typer.Argument(help="A JSON file, or - for standard input.")] = "-",
) -> None:
    """Print the proven shortest walk over the stops of a rectangular layout."""
    document = _document(file)
    layout = _layout(_object(document, "layout"))
    start = _place(document.get("start"))
    end = start if document.get("end") is None else _place(document["end"])
    rows = document.get("stops")
    if not isinstance(rows, list) or len(rows) > MAX_STOPS:
        raise Refused("plan_input", f"stops is a list of at most {MAX_STOPS} places")
    stops = [_place(row) for row in rows]
    walk = shortest_walk(layout, start, end, stops)
    answer: dict[str, object] = {
        "metres": walk.length,
        "order": walk.order,
        "corners": walk.corners,
        "serpentine_metres": None,
        "saved_metres": None,
    }
    if layout.is_open:
        order = better_serpentine(layout, start, end, stops)
        simple = length_in_order(layout, start, end, stops, order)
        answer["serpentine_metres"] = simple
        answer["saved_metres"] = simple - walk.length
    emit(answer)


def _document(file: str) -> dict[str, Any]:
    try:
        if file == "-":
            raw = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(file).open("rb") as source:
                raw = source.read(MAX_BYTES + 1)
    except OSError as failure:
        raise usage("the file cannot be read") from failure
    if len(raw) > MAX_BYTES:
        raise Refused("plan_input", "the document is larger than 4 MiB")
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as failure:
        raise Refused("plan_input", "the document is no JSON") from failure
    if not isinstance(document, dict):
        raise Refused("plan_input", "the document is an object")
    return document


def _object(document: dict[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name)
    if not isinstance(value, dict):
        raise Refused("plan_input", f"{name} is an object")
    return value


def _number(value: object, what: str) -> float:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    if not known or not isfinite(value) or abs(value) > 1e9:  # type: ignore[arg-type]
        raise Refused("plan_input", f"{what} is a number of at most 1e9")
    return float(value)  # type: ignore[arg-type]


def _whole(value: object, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 10_000:
        raise Refused("plan_input", f"{what} is a whole number from 0 to 9999")
    return value


def _rows(document: dict[str, Any], name: str, width: int) -> list[list[object]]:
    rows = document.get(name, [])
    if not isinstance(rows, list) or len(rows) > 10_000:
        raise Refused("plan_input", f"{name} is a list of at most 10,000")
    if width and any(not isinstance(row, list) or len(row) != width for row in rows):
        raise Refused("plan_input", f"{name} is a list of lists of {width}")
    return rows


def _layout(document: dict[str, Any]) -> Blocks:
    return Blocks(
        tuple(_number(x, "an aisle") for x in _rows(document, "aisles", 0)),
        tuple(_number(y, "a cross-aisle") for y in _rows(document, "cross_aisles", 0)),
        frozenset(
            (_whole(a, "an aisle's number"), _number(y, "a height"))
            for a, y in _rows(document, "closed_aisles", 2)
        ),
        frozenset(
            (_whole(c, "a cross-aisle's number"), _whole(a, "an aisle's number"))
            for c, a in _rows(document, "closed_cross_aisles", 2)
        ),
    )


def _place(value: object) -> Place:
    if isinstance(value, dict) and set(value) == {"aisle", "y"}:
        return Place(_whole(value["aisle"], "aisle"), _number(value["y"], "y"))
    if isinstance(value, dict) and set(value) == {"cross_aisle", "x"}:
        cross = _whole(value["cross_aisle"], "cross_aisle")
        return Place(-1, _number(value["x"], "x"), cross)
    raise Refused("plan_input", "a place is {aisle, y} or {cross_aisle, x}")
