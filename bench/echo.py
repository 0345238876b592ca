"""The echo rule at a door with and without: loads that cross, and goods that only stay near them.

`python -m bench.echo 300 --seeds tuning` hears so many crossings once and judges them with each
value of `echo_db`; `inf` is the rule off. `--truck`: the pallets of trucks of 240 cartons past
forty strays, driven in, out and in again. Held-out seeds derive from the commit id.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, fields
from functools import partial
from itertools import count, islice, product
from uuid import UUID

from bench.portal import commit_id, seeds
from core.application.decisions import PassCall
from gateway.tracker import Tracker
from simulators.geometry import path_along
from simulators.loads import carried, pallet
from simulators.passes import Direction
from simulators.tags import Tag
from simulators.truck import build_truck
from tests.air import Air
from tests.radio import Heard
from tests.unit.gateway.lane import Lane, a_registry, crossed

DOOR = "dock-1"
LEVELS_DB = (math.inf, 6.0, 9.0, 12.0, 15.0, 18.0, 21.0, 24.0)
CROSSINGS, TRUCK_CROSSINGS = 6, 9
MATERIALS = ("dry", "dry", "textile", "food", "liquid")


@dataclass(frozen=True)
class Crossing:
    """One load, and what was carried beside it at the same time without crossing."""

    direction: Direction
    load: frozenset[str]
    beside: frozenset[str]


@dataclass
class Figures:
    """Counts at one level of the rule. Thin tags cross where a notice expects them, else not.

    A load whose class was wrong, or that was split, says nothing of this rule and counts apart.
    """

    loads: int = 0
    other_class: int = 0
    tags: int = 0
    lost: int = 0
    lost_expected: int = 0
    beside: int = 0
    beside_moved: int = 0
    beside_expected: int = 0
    standing: int = 0
    standing_moved: int = 0
    standing_expected: int = 0
    lost_by: Counter[str] = field(default_factory=Counter)

    def add(self, other: Figures) -> None:
        """Count another part in."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


class Yard:
    """Crossings of one door past goods that stand there: mixed loads with company, or a truck."""

    def __init__(self, seed: int, *, truck: bool) -> None:
        self.seed = seed
        self.air = Air(seed % 1_000_000, doors=(DOOR,))
        self._rng = random.Random(f"{seed}/echo")
        self.crossings: list[Crossing] = []
        self.key_of: dict[bytes, str] = {}
        self.standing: set[str] = set()
        self.end = 12.0
        if truck:
            self._stand(2.5, 3.0, 40)
            self._truck()
            return
        for aside, y in ((2.5, 3.0), (-2.5, 3.0), (1.0, -5.0)):
            self._stand(aside, y, 10)
        for number in range(CROSSINGS):
            self._mixed(number)

    def _stand(self, aside: float, y: float, count: int) -> None:
        tags = self._tags(count)
        self.standing |= {tag.key for tag in tags}
        self.air.park(tags, aside=aside, y=y)

    def _truck(self) -> None:
        loads = build_truck(self.air.site).loads
        ways: tuple[Direction, ...] = ("in", "out", "in")
        for load, way in product(loads, ways):
            self.key_of.update((placed.tag.epc, placed.tag.key) for placed in load.tags)
            self.end = self.air.go(load, way, self.end) + 4.5
            self.crossings.append(Crossing(way, frozenset(load.keys), frozenset()))

    def _tags(self, count: int) -> list[Tag]:
        found = self.air.tags(count)
        self.key_of.update((tag.epc, tag.key) for tag in found)
        return found

    def _mixed(self, number: int) -> None:
        rng, air, start = self._rng, self.air, self.end
        way: Direction = rng.choice(("in", "out"))
        if rng.random() < 0.7:
            tags = self._tags(rng.randint(8, 80))
            load = pallet(f"p{number}", tags, seed=self.seed, material=rng.choice(MATERIALS))
            speed = rng.uniform(1.0, 3.0)
        else:
            tags = self._tags(rng.randint(1, 5))
            load, speed = carried(f"c{number}", tags, seed=self.seed), rng.uniform(1.0, 1.5)
        end = air.go(load, way, start, speed=speed, reads=0)
        beside: list[Tag] = []
        if rng.random() < 0.5:
            beside = self._tags(rng.randint(1, 4))
            end = max(end, self._beside(beside, way, number, start))
        keys = frozenset(tag.key for tag in tags)
        self.crossings.append(Crossing(way, keys, frozenset(tag.key for tag in beside)))
        self.end = end + rng.uniform(4.0, 8.0)

    def _beside(self, tags: Sequence[Tag], way: Direction, number: int, start: float) -> float:
        """Carried on the entry side at the same time: up to the door and back, or along the wall.

        A body that stops half a metre before the wall breaks no beam.
        """
        rng, x = self._rng, self.air.site.door(DOOR).x
        side = -1.0 if way == "in" else 1.0
        near, far = side * rng.uniform(0.5, 2.0), side * 9.0
        stops = [(x + 0.8, far, 0.0), (x + 0.6, near, 0.0), (x + 0.8, far, 0.0)]
        if rng.random() < 0.5:
            y = near + 2 * side
            stops = [(x - 2.5, far, 0.0), (x - 1.5, y, 0.0), (x + 1.5, y, 0.0), (x + 2.5, far, 0.0)]
        path = path_along(stops, start=start + rng.uniform(-1.0, 2.0), speed_mps=1.3)
        return self.air.walk(carried(f"b{number}", tags, seed=self.seed), path)


def calls_at(level: float, heard: Sequence[tuple[Heard, str]]) -> list[PassCall]:
    """The final calls with this value of the rule."""
    ids: Callable[[], UUID] = partial(_next_id, count(1))
    registry = a_registry(settings={"echo_db": level})
    lane = Lane(Tracker(registry, ids=ids, early=False))
    lane.hear_all(heard)
    lane.rest(6.0)
    return lane.calls(door=DOOR)


def _next_id(numbers: Iterator[int]) -> UUID:
    return UUID(int=next(numbers))


def figures_of(
    seed: int, levels: Sequence[float] = LEVELS_DB, truck: bool = False
) -> list[Figures]:
    """One yard, heard once and judged with each level."""
    yard = Yard(seed, truck=truck)
    heard = yard.air.heard(yard.end)
    read = {yard.key_of[hit.epc] for hit in yard.air.hits}
    return [score(yard, calls_at(level, heard), read) for level in levels]


def score(yard: Yard, calls: Sequence[PassCall], read: set[str]) -> Figures:
    """Compare what crossed with what was moved."""
    found, left = Figures(), list(calls)
    for one in yard.crossings:
        known = one.load & read
        found.loads += 1
        # A load that comes twice the same way has its calls in order.
        own = next(
            (
                call
                for call in left
                if call.direction == one.direction and 2 * len(crossed(call) & known) > len(known)
            ),
            None,
        )
        if own is None:
            found.other_class += 1
            continue
        left.remove(own)
        _count(found, own, known, one.beside, yard.standing)
    return found


def _count(
    found: Figures, call: PassCall, load: frozenset[str], beside: frozenset[str], standing: set[str]
) -> None:
    moved = crossed(call)
    expected = moved | {key for key, tag in call.tags.items() if tag.thin}
    found.tags += len(load)
    found.lost += len(load - moved)
    found.lost_expected += len(load - expected)
    found.lost_by.update(
        (call.tags[key].reason or "") if key in call.tags else "unseen" for key in load - moved
    )
    found.beside += len(beside & call.tags.keys())
    found.beside_moved += len(beside & moved)
    found.beside_expected += len(beside & expected)
    found.standing += len(standing & call.tags.keys())
    found.standing_moved += len(standing & moved)
    found.standing_expected += len(standing & expected)


def measure(
    name: str,
    loads: int,
    *,
    levels: Sequence[float] = LEVELS_DB,
    truck: bool = False,
    jobs: int = 1,
) -> dict[float, Figures]:
    """Figures by level over at least so many crossings."""
    yards = islice(seeds(name), math.ceil(loads / (TRUCK_CROSSINGS if truck else CROSSINGS)))
    totals = {level: Figures() for level in levels}
    work = partial(figures_of, levels=levels, truck=truck)
    with ProcessPoolExecutor(jobs) as pool:
        for found in pool.map(work, yards):
            for level, one in zip(levels, found, strict=True):
                totals[level].add(one)
    return totals


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.echo", description=__doc__)
    parser.add_argument("loads", type=int, nargs="?", default=60)
    parser.add_argument("--seeds", default=None, help="name the seeds derive from")
    parser.add_argument("--levels", type=float, nargs="+", default=list(LEVELS_DB))
    parser.add_argument("--truck", action="store_true")
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    name = args.seeds or commit_id()
    sys.stdout.write(f"seeds from {name}\n")
    found = measure(name, args.loads, levels=args.levels, truck=args.truck, jobs=args.jobs)
    for level, figures in found.items():
        sys.stdout.write(json.dumps({"echo_db": str(level), **vars(figures)}) + "\n")


if __name__ == "__main__":
    main()
