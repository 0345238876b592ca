"""The document of one route and its answer: over aisles, or over any floor of linked nodes."""

from __future__ import annotations

from core.application.plans.reading import (
    Document,
    bad,
    ends,
    layout,
    number,
    part,
    place,
    rows,
    text,
)
from core.domain.planning.floor import floor
from core.domain.planning.route import plan_floor_route, plan_route
from core.domain.planning.tour import Solver

MAX_STOPS = 1_000
MAX_TOUR_STOPS = 300


def route_answer(document: Document, *, seed: int, solver: Solver | None) -> dict[str, object]:
    """Metres, the order of the stops, what is passed, and the metres saved."""
    if "floor" in document:
        return _over_floor(document, seed, solver)
    given = rows(document, "stops", most=MAX_STOPS)
    if "stops" not in document:
        raise bad("stops is a list of places")
    start, end = ends(document)
    ground, stops = layout(part(document, "layout")), [place(row) for row in given]
    route = plan_route(ground, start, end, stops, seed=seed, solver=solver)
    return {
        "method": route.method,
        "metres": route.length,
        "order": route.order,
        "corners": route.passed,
        "serpentine_metres": route.simple_length,
        "saved_metres": route.saved,
    }


def _over_floor(document: Document, seed: int, solver: Solver | None) -> dict[str, object]:
    described = part(document, "floor")
    names: dict[str, int] = {}
    links = []
    for row in rows(described, "links"):
        if not isinstance(row, list) or len(row) not in (3, 4) or row[3:] not in ([], ["one-way"]):
            raise bad('a link is [from, to, metres] or [from, to, metres, "one-way"]')
        a, b = (names.setdefault(text(name, "a node"), len(names)) for name in row[:2])
        metres = number(row[2], "the length of a link")
        links += [(a, b, metres)] if row[3:] else [(a, b, metres), (b, a, metres)]

    def node(value: object) -> int:
        name = text(value, "a node")
        if name not in names:
            raise bad("a stop, start or end is a node of a link")
        return names[name]

    start = node(document.get("start"))
    end = start if document.get("end") is None else node(document["end"])
    stops = [node(row) for row in rows(document, "stops", most=MAX_TOUR_STOPS)]
    route = plan_floor_route(floor(len(names), links), start, end, stops, seed=seed, solver=solver)
    known = list(names)
    return {
        "method": "tour",
        "metres": route.length,
        "order": route.order,
        "nodes": [known[number] for number in route.passed],
        "nearest_next_metres": route.simple_length,
        "saved_metres": route.simple_length - route.length,
    }
