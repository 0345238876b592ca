"""Loads as they are built on the floor: pallets of tagged boxes, a carton carried by hand, strays.

Same seed, same places and dipoles. A tag keeps its chip's deafness wherever it goes.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from simulators.geometry import Path, Vector, standing
from simulators.scene import Body, PlacedTag
from simulators.tags import Tag

PALLET: Vector = (0.8, 1.2, 1.5)  # it travels along y, its long side first
CARTON: Vector = (0.4, 0.4, 0.3)
TOTE: Vector = (0.4, 0.6, 0.35)
CHEST_M = 1.0


@dataclass(frozen=True, slots=True)
class Load:
    """Tags that travel together: what they are on, how big it is and how high it is carried."""

    name: str
    tags: tuple[PlacedTag, ...]
    size: Vector
    material: str = "dry"
    lift_m: float = 0.0

    @property
    def keys(self) -> list[str]:
        """What the labels of this load say."""
        return [placed.tag.key for placed in self.tags]

    def body(self, path: Path, *, key: str) -> Body:
        """The load in the scene for one pass; `key` seeds that pass's shadowing."""
        return Body(key, self.tags, path, self.size, self.material)


def pallet(
    name: str,
    boxes: Sequence[Tag],
    *,
    sscc: Tag | None = None,
    seed: int = 0,
    material: str = "dry",
    size: Vector = PALLET,
) -> Load:
    """Boxes in a grid that fills the pallet, and its own label on a side at hand height."""
    count = max(len(boxes), 1)
    across = max(1, round((count * size[0] ** 2 / (size[1] * size[2])) ** (1 / 3)))
    along = max(1, round(across * size[1] / size[0]))
    layers = math.ceil(count / (across * along))
    placed = []
    for i, tag in enumerate(boxes):
        layer, rest = divmod(i, across * along)
        row, column = divmod(rest, across)
        place = (
            ((column + 0.5) / across - 0.5) * size[0],
            ((row + 0.5) / along - 0.5) * size[1],
            0.15 + (layer + 0.5) / layers * (size[2] - 0.2),
        )
        placed.append(_placed(tag, place, seed))
    if sscc is not None:
        placed.append(_placed(sscc, (size[0] / 2, 0.0, min(1.0, size[2] * 0.7)), seed))
    return Load(name, tuple(placed), size, material)


def carried(name: str, tags: Sequence[Tag], *, seed: int = 0, size: Vector = CARTON) -> Load:
    """A carton in someone's arms; all tags within it."""
    rng = random.Random(f"{seed}/{name}")
    placed = [
        _placed(tag, (rng.uniform(-0.15, 0.15), rng.uniform(-0.15, 0.15), CHEST_M + 0.2), seed)
        for tag in tags
    ]
    return Load(name, tuple(placed), (size[0], size[1], CHEST_M + size[2]), lift_m=CHEST_M)


def tote(name: str, tags: Sequence[Tag], *, seed: int = 0) -> Load:
    """A tote on the belt, its own tag on the rim, what it holds inside."""
    rng = random.Random(f"{seed}/{name}")
    placed = [
        _placed(tag, (rng.uniform(-0.15, 0.15), rng.uniform(-0.2, 0.2), 0.3), seed) for tag in tags
    ]
    return Load(name, tuple(placed), TOTE)


def scattered(
    tags: Sequence[Tag], *, centre: Vector, spread: Vector, seed: int, key: str
) -> list[Body]:
    """Tags that stand about, each a body of its own, up to `spread` from the centre."""
    rng = random.Random(f"{seed}/{key}")
    bodies = []
    for i, tag in enumerate(tags):
        foot = (
            centre[0] + rng.uniform(-spread[0], spread[0]),
            centre[1] + rng.uniform(-spread[1], spread[1]),
            0.0,
        )
        placed = _placed(tag, (0.0, 0.0, rng.uniform(0.2, max(0.3, spread[2]))), seed)
        bodies.append(Body(f"{key}/{i}", (placed,), standing(foot), CARTON))
    return bodies


def _placed(tag: Tag, offset: Vector, seed: int) -> PlacedTag:
    rng = random.Random(f"{seed}/{tag.hex}")
    angle, tilt = rng.uniform(0.0, 2.0 * math.pi), rng.gauss(0.0, 0.3)
    flat = math.cos(tilt)
    axis = (flat * math.cos(angle), flat * math.sin(angle), math.sin(tilt))
    return PlacedTag(tag, offset, axis, rng.gauss(0.0, 1.0))
