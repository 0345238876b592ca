"""The document of a bin choice and its answer: what to take where, in the order of the walk."""

from __future__ import annotations

from collections.abc import Callable

from core.application.plans.reading import (
    Document,
    bad,
    ends,
    layout,
    objects,
    part,
    place,
    text,
    whole,
)
from core.domain.planning.bins import Stock, choose_bins
from core.domain.planning.sweep import shortest_walk

MOST_BINS = 5_000
MOST_UNITS = 1_000_000


def bins_answer(
    document: Document, *, seed: int, clock: Callable[[], float], budget_s: float
) -> dict[str, object]:
    """Takes in walking order, metres, and the metres saved against the nearest bins."""
    ground = layout(part(document, "layout"))
    start, end = ends(document)
    numbers: dict[str, int] = {}
    stock = []
    for row in objects(document, "bins", most=MOST_BINS):
        item = numbers.setdefault(text(row.get("item"), "item"), len(numbers))
        units = whole(row.get("units"), "units", most=MOST_UNITS)
        window = whole(row.get("window", 0), "window")
        stock.append(Stock(item, place(row.get("place")), units, window))
    demand = {}
    for name, wanted in part(document, "demand").items():
        if name not in numbers:
            raise bad("the demand is for items that are in a bin")
        demand[numbers[name]] = whole(wanted, "demand", most=MOST_UNITS)
    choice = choose_bins(
        ground, start, end, stock, demand, seed=seed, clock=clock, budget_s=budget_s
    )
    chosen = sorted(choice.takes)
    walk = shortest_walk(ground, start, end, [stock[number].place for number in chosen])
    return {
        "metres": walk.length,
        "takes": [{"bin": chosen[at], "units": choice.takes[chosen[at]]} for at in walk.order],
        "corners": walk.corners,
        "nearest_bins_metres": choice.nearest_length,
        "saved_metres": choice.nearest_length - walk.length,
        "rounds": choice.rounds,
    }
