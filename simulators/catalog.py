"""Goods of the demo site: owner, some sixty items with GTINs and weights, and the first stock.

One seed, one catalogue.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from simulators.tags import gtin14

OWNER = "acme"
CHANNEL = "web"
OWNER_PREFIX = "9521101"  # GS1 prefix 952 is kept for demonstrations
FOREIGN_PREFIX = "9521990"
ITEM_COUNT = 60

_KINDS = (
    ("Desk lamp", "dry", 900),
    ("Wool scarf", "textile", 220),
    ("Cotton shirt", "textile", 260),
    ("Coffee beans", "food", 1000),
    ("Green tea", "food", 250),
    ("Notebook A5", "dry", 320),
    ("Power drill", "metal", 2100),
    ("Water bottle", "liquid", 780),
    ("Running shoes", "textile", 840),
    ("Board game", "dry", 1250),
    ("USB charger", "dry", 140),
    ("Yoga mat", "textile", 1150),
)
_VARIANTS = ("black", "white", "blue", "green", "red")


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the owner; `demand` is its share of order lines."""

    sku: str
    gtin: str
    name: str
    weight_g: int
    material: str
    demand: float


@dataclass(frozen=True, slots=True)
class StockLine:
    """Untagged goods on a shelf at the start."""

    sku: str
    location: str
    quantity: int


@dataclass(frozen=True, slots=True)
class PickFace:
    """Which item lives in a pick face, and between which figures it is kept."""

    sku: str
    location: str
    low: int
    high: int


def build_items(seed: int) -> tuple[Item, ...]:
    """The catalogue; demand falls from the first item on by a power law."""
    rng = random.Random(f"{seed}/items")
    items = []
    for i in range(ITEM_COUNT):
        name, material, weight = _KINDS[i % len(_KINDS)]
        variant = _VARIANTS[i // len(_KINDS)]
        items.append(
            Item(
                sku=f"A-{100 + i}",
                gtin=gtin14(OWNER_PREFIX, 100 + i),
                name=f"{name}, {variant}",
                weight_g=round(weight * rng.uniform(0.9, 1.1)),
                material=material,
                demand=round((i + 1) ** -0.7, 4),
            )
        )
    return tuple(items)


def build_stock(
    seed: int, items: tuple[Item, ...], *, faces: list[str], reserve: list[str]
) -> tuple[tuple[PickFace, ...], tuple[StockLine, ...]]:
    """One pick face for each item and two reserve bins behind it."""
    rng = random.Random(f"{seed}/stock")
    faces, reserve = rng.sample(faces, len(items)), rng.sample(reserve, 2 * len(items))
    homes, lines = [], []
    for i, item in enumerate(items):
        high = 40 if item.demand > 0.2 else 20
        homes.append(PickFace(item.sku, faces[i], high // 4, high))
        lines.append(StockLine(item.sku, faces[i], rng.randint(high // 2, high)))
        lines.extend(
            StockLine(item.sku, place, rng.randint(20, 60)) for place in reserve[2 * i : 2 * i + 2]
        )
    return tuple(homes), tuple(lines)
