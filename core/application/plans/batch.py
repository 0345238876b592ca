"""The document of a batching and its answer: orders and the walk of every batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.application.plans.reading import Document, ends, layout, objects, part, place, text, whole
from core.domain.planning.batching import Cost, plan_batches
from core.domain.planning.blocks import Blocks, Place
from core.domain.planning.one_block import OneBlock
from core.domain.planning.sweep import shortest_walk

MOST_ORDERS = 300
MOST_STOPS = 300


def batch_answer(
    document: Document, *, seed: int, clock: Callable[[], float], budget_s: float
) -> dict[str, object]:
    """Batches with their walks, metres, and the metres saved against batches as orders came."""
    ground = layout(part(document, "layout"))
    start, end = ends(document)
    capacity = whole(document.get("capacity"), "capacity", least=1, most=1_000_000)
    names, sizes, stops = [], [], []
    for row in objects(document, "orders", most=MOST_ORDERS):
        names.append(text(row.get("id"), "id"))
        sizes.append(whole(row.get("size"), "size", most=1_000_000))
        stops.append([place(stop) for stop in objects(row, "stops", most=MOST_STOPS)])
    cost = _cost(ground, start, end, stops)
    found = plan_batches(sizes, capacity, cost, seed=seed, clock=clock, budget_s=budget_s)
    batches = []
    for batch in found.batches:
        lines = [(names[order], at) for order in batch for at in range(len(stops[order]))]
        walk = shortest_walk(ground, start, end, [p for order in batch for p in stops[order]])
        batches.append(
            {
                "orders": [names[order] for order in batch],
                "metres": walk.length,
                "stops": [{"order": lines[at][0], "stop": lines[at][1]} for at in walk.order],
            }
        )
    return {
        "metres": found.length,
        "batches": batches,
        "savings_metres": found.savings_length,
        "first_come_metres": found.first_come_length,
        "saved_metres": found.first_come_length - found.length,
        "steps": found.steps,
    }


def _cost(ground: Blocks, start: Place, end: Place, stops: Sequence[Sequence[Place]]) -> Cost:
    """The quick programme where there is one block and one depot, else the general one."""
    depot = ground.snapped(start)
    if len(ground.ys) == 2 and ground.is_open and start == end and depot.cross < 0:
        block = OneBlock(ground, depot, [p for places in stops for p in places])
        picks = [block.picks(places) for places in stops]
        return lambda batch: block.length([picks[order] for order in batch])
    return lambda batch: (
        shortest_walk(ground, start, end, [p for order in batch for p in stops[order]]).length
    )
