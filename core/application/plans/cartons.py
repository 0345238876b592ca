"""The document of a cartonisation and its answer: cartons, and where every item stands."""

from __future__ import annotations

from core.application.plans.reading import Document, bad, objects, text, whole
from core.domain.planning.cartons import Carton, Item, Size, pack

MOST_ITEMS = 200
MOST_CARTONS = 50
MOST_MM = 10_000
MOST_GRAMS = 10_000_000


def cartons_answer(document: Document, *, seed: int) -> dict[str, object]:
    """The smallest carton that takes everything, else several; how full each is."""
    cartons = [
        Carton(
            text(row.get("name"), "name"),
            _size(row),
            whole(row.get("max_grams", MOST_GRAMS), "max_grams", most=MOST_GRAMS),
        )
        for row in objects(document, "cartons", most=MOST_CARTONS)
    ]
    items, names = list[Item](), list[str]()
    for row in objects(document, "items", most=MOST_ITEMS):
        for _ in range(whole(row.get("quantity", 1), "quantity", least=1, most=MOST_ITEMS)):
            names.append(text(row.get("id"), "id"))
            items.append(_item(row))
    if not items or len(items) > MOST_ITEMS:
        raise bad(f"an order holds 1 to {MOST_ITEMS} items")
    found = []
    for packed in pack(items, cartons, seed=seed):
        boxes = packed.placed
        used = sum(box.size[0] * box.size[1] * box.size[2] for box in boxes)
        found.append(
            {
                "carton": packed.carton.name,
                "grams": sum(items[box.item].weight for box in boxes),
                "filled": round(used / packed.carton.volume, 4),
                "items": [
                    {"id": names[box.item], "at_mm": box.at, "size_mm": box.size} for box in boxes
                ],
            }
        )
    return {"cartons": found}


def _size(row: Document) -> Size:
    sides = row.get("size_mm")
    if not isinstance(sides, list) or len(sides) != 3:
        raise bad("size_mm is [length, width, height]")
    x, y, z = (whole(side, "a side", least=1, most=MOST_MM) for side in sides)
    return x, y, z


def _item(row: Document) -> Item:
    upright, fragile = row.get("upright", False), row.get("fragile", False)
    if not isinstance(upright, bool) or not isinstance(fragile, bool):
        raise bad("upright and fragile are true or false")
    return Item(
        _size(row),
        whole(row.get("grams", 0), "grams", most=MOST_GRAMS),
        upright,
        fragile,
        text(row["hazard"], "hazard") if "hazard" in row else "",
    )
