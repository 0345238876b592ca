"""Which carton an order goes into: boxes packed at corner points, every answer checked.

Lengths are whole millimetres, weights whole grams. A box stands on the floor or on boxes under at
least 75 % of its base, nothing stands on a fragile one, hazard classes do not share a carton.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from random import Random

from core.domain.errors import Refused

Size = tuple[int, int, int]
SUPPORT = 0.75
SHUFFLES = 12
# Where no order of packing fits: items that are tried in every place, and the trials that ends.
MOST_SEARCHED = 10
TRIALS = 10_000


@dataclass(frozen=True, slots=True)
class Item:
    """One box: length, width, height; `upright` keeps its height upwards."""

    size: Size
    weight: int = 0
    upright: bool = False
    fragile: bool = False
    hazard: str = ""

    def turned(self) -> list[Size]:
        """The ways it may stand."""
        x, y, z = self.size
        if self.upright:
            return sorted({(x, y, z), (y, x, z)})
        return sorted({(x, y, z), (y, x, z), (x, z, y), (z, x, y), (y, z, x), (z, y, x)})


@dataclass(frozen=True, slots=True)
class Carton:
    """Inner length, width and height, and the heaviest load."""

    name: str
    size: Size
    max_weight: int

    @property
    def volume(self) -> int:
        """Cubic millimetres inside."""
        return self.size[0] * self.size[1] * self.size[2]


@dataclass(frozen=True, slots=True)
class Placed:
    """An item (by number) with its corner nearest the origin and its size as it stands."""

    item: int
    at: Size
    size: Size


@dataclass(frozen=True, slots=True)
class Packed:
    """One carton and what stands in it."""

    carton: Carton
    placed: tuple[Placed, ...]


def broken_rules(packed: Packed, items: Sequence[Item]) -> list[str]:
    """Every rule that a packing breaks; checked without the packer's own code."""
    found = []
    boxes = packed.placed
    for a in boxes:
        item = items[a.item]
        if a.size not in item.turned():
            found.append(f"{a.item} is turned")
        if any(
            p < 0 or p + s > c for p, s, c in zip(a.at, a.size, packed.carton.size, strict=True)
        ):
            found.append(f"{a.item} stands out")
        beneath = [b for b in boxes if b.at[2] + b.size[2] == a.at[2] and _shared(a, b) > 0]
        area = sum(_shared(a, b) for b in beneath)
        if a.at[2] > 0 and area < SUPPORT * a.size[0] * a.size[1]:
            found.append(f"{a.item} is not supported")
        if any(items[b.item].fragile for b in beneath):
            found.append(f"{a.item} stands on a fragile one")
        if any(b is not a and _overlap(a, b) for b in boxes):
            found.append(f"{a.item} overlaps")
    if sum(items[box.item].weight for box in boxes) > packed.carton.max_weight:
        found.append("too heavy")
    if len({items[box.item].hazard for box in boxes} - {""}) > 1:
        found.append("hazard classes together")
    return found


def pack(items: Sequence[Item], cartons: Sequence[Carton], *, seed: int) -> tuple[Packed, ...]:
    """The smallest carton that takes all, else few cartons filled in turn.

    Refuses with `plan_carton` an item that no carton takes.
    """
    by_size = sorted(cartons, key=lambda carton: (carton.volume, carton.name))
    left, found = list(range(len(items))), list[Packed]()
    for group in _classes(items, left):
        rest = group
        while rest:
            whole = next(
                (p for c in by_size if (p := _filled(c, items, rest, seed, whole=True))), None
            )
            best = whole or max(
                (p for c in by_size if (p := _filled(c, items, rest, seed, whole=False))),
                key=lambda packed: sum(_volume(box.size) for box in packed.placed),
                default=None,
            )
            if best is None:
                raise Refused("plan_carton", "an item fits no carton")
            if broken := broken_rules(best, items):
                raise AssertionError(f"a packing breaks a rule: {broken}")
            found.append(best)
            taken = {box.item for box in best.placed}
            rest = [item for item in rest if item not in taken]
    return tuple(found)


def _classes(items: Sequence[Item], numbers: Sequence[int]) -> list[list[int]]:
    """Items that may share a carton; what has no hazard class joins the first class."""
    plain = [n for n in numbers if not items[n].hazard]
    names = sorted({items[n].hazard for n in numbers} - {""})
    groups = [[n for n in numbers if items[n].hazard == name] for name in names]
    if groups:
        groups[0] = plain + groups[0]
    return groups or ([plain] if plain else [])


def _filled(
    carton: Carton, items: Sequence[Item], numbers: Sequence[int], seed: int, *, whole: bool
) -> Packed | None:
    """The carton with all of the items, or with as many as go in, by several orders of packing."""
    if whole and (
        sum(_volume(items[n].size) for n in numbers) > carton.volume
        or sum(items[n].weight for n in numbers) > carton.max_weight
    ):
        return None
    best: list[Placed] = []
    for order, tiling in product(_orders(items, numbers, seed), (True, False)):
        placed = _placed(carton, items, order, whole=whole, tiling=tiling)
        if len(placed) == len(numbers):
            return Packed(carton, tuple(placed))
        if sum(_volume(b.size) for b in placed) > sum(_volume(b.size) for b in best):
            best = placed
    if whole and len(numbers) <= MOST_SEARCHED:
        found = _searched(carton, items, numbers)
        return Packed(carton, tuple(found)) if found else None
    return None if whole or not best else Packed(carton, tuple(best))


def _orders(items: Sequence[Item], numbers: Sequence[int], seed: int) -> list[list[int]]:
    """Large first by volume, by base, by longest side, then shuffled; fragile items last."""
    keys = (
        lambda n: -_volume(items[n].size),
        lambda n: -max(items[n].size) * sorted(items[n].size)[1],
        lambda n: -max(items[n].size),
    )
    orders = [sorted(numbers, key=key) for key in keys]
    dice = Random(seed)
    for _ in range(SHUFFLES):
        weights = {n: -_volume(items[n].size) * dice.uniform(0.3, 1.0) for n in numbers}
        orders.append(sorted(numbers, key=weights.__getitem__))
    return [sorted(order, key=lambda n: items[n].fragile) for order in orders]


def _placed(
    carton: Carton, items: Sequence[Item], order: Sequence[int], *, whole: bool, tiling: bool
) -> list[Placed]:
    placed: list[Placed] = []
    points: set[Size] = {(0, 0, 0)}
    weight = 0
    for number in order:
        heavy = weight + items[number].weight > carton.max_weight
        turns = items[number].turned()
        if tiling:
            turns.sort(key=lambda t: sum(c % s for c, s in zip(carton.size, t, strict=True)))
        else:
            turns.sort(key=lambda t: t[2])
        box = None if heavy else _corner(carton, items, placed, points, number, turns)
        if box is None:
            if whole:
                return placed
            continue
        placed.append(box)
        weight += items[number].weight
        (x, y, z), (dx, dy, dz) = box.at, box.size
        points.discard(box.at)
        points |= {(x + dx, y, z), (x, y + dy, z), (x, y, z + dz)}
        points |= {(x + dx, 0, z), (0, y + dy, z), (x + dx, y, 0), (x, y + dy, 0)}
    return placed


def _corner(
    carton: Carton,
    items: Sequence[Item],
    placed: Sequence[Placed],
    points: set[Size],
    number: int,
    turns: Sequence[Size],
) -> Placed | None:
    """The lowest, then innermost corner where the item may stand."""
    for at in sorted(points, key=lambda p: (p[2], p[1], p[0])):
        for size in turns:
            box = Placed(number, at, size)
            if _stands(carton, items, placed, box):
                return box
    return None


def _stands(carton: Carton, items: Sequence[Item], placed: Sequence[Placed], box: Placed) -> bool:
    """Whether a box may stand there beside what stands already."""
    at, size = box.at, box.size
    if any(p + s > c for p, s, c in zip(at, size, carton.size, strict=True)):
        return False
    if any(_overlap(box, other) for other in placed):
        return False
    beneath = [b for b in placed if b.at[2] + b.size[2] == at[2] and _shared(box, b)]
    held = sum(_shared(box, b) for b in beneath) >= SUPPORT * size[0] * size[1]
    return (at[2] == 0 or held) and not any(items[b.item].fragile for b in beneath)


def _searched(carton: Carton, items: Sequence[Item], numbers: Sequence[int]) -> list[Placed]:
    """Every item and turn at the lowest, innermost corner in turn, within a number of trials."""
    trials = TRIALS

    def went(placed: list[Placed], points: frozenset[Size], left: tuple[int, ...]) -> list[Placed]:
        nonlocal trials
        if not left:
            return placed
        for at in sorted(points, key=lambda p: (p[2], p[1], p[0])):
            tried = set()
            for number in left:
                for size in items[number].turned():
                    trials -= 1
                    if trials < 0:
                        return []
                    same = (size, items[number].fragile)
                    box = Placed(number, at, size)
                    if same in tried or not _stands(carton, items, placed, box):
                        continue
                    tried.add(same)
                    more = {
                        (at[0] + size[0], at[1], at[2]),
                        (at[0], at[1] + size[1], at[2]),
                        (at[0], at[1], at[2] + size[2]),
                    }
                    rest = tuple(n for n in left if n != number)
                    if found := went([*placed, box], (points - {at}) | more, rest):
                        return found
            points -= {at}
        return []

    ordered = sorted(numbers, key=lambda n: (items[n].fragile, -_volume(items[n].size)))
    return went([], frozenset({(0, 0, 0)}), tuple(ordered))


def _volume(size: Size) -> int:
    return size[0] * size[1] * size[2]


def _shared(a: Placed, b: Placed) -> int:
    """The area that two boxes share, seen from above."""
    across = min(a.at[0] + a.size[0], b.at[0] + b.size[0]) - max(a.at[0], b.at[0])
    along = min(a.at[1] + a.size[1], b.at[1] + b.size[1]) - max(a.at[1], b.at[1])
    return max(0, across) * max(0, along)


def _overlap(a: Placed, b: Placed) -> bool:
    above = min(a.at[2] + a.size[2], b.at[2] + b.size[2]) > max(a.at[2], b.at[2])
    return above and _shared(a, b) > 0
