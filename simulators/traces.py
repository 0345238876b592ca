"""Labelled recordings of one dock door from the radio model: raw reads, beam edges and the truth.

Kinds of run as at the published gate: in, out, near (moved, not through), static, turned_back.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from simulators.geometry import Edge, Path, path_along
from simulators.inventory import inventory_of
from simulators.loads import Load, pallet, scattered
from simulators.passes import plan_crossing
from simulators.rf import RadioSettings
from simulators.scene import Body, Scene
from simulators.site import build_site
from simulators.tags import Tag, sscc18, sscc_tag, unit_tag

Kind = Literal["in", "out", "near", "static", "turned_back"]
KINDS: tuple[Kind, ...] = ("in", "out", "near", "static", "turned_back")
PREFIX = "0614141"
DOOR = "dock-1"
REST_S = 8.0
STILL_S = 8.0
BOXES = 12
Line = dict[str, object]


@dataclass(frozen=True, slots=True)
class Run:
    """One labelled run: its tags and the window of time it took, in microseconds UTC."""

    name: str
    kind: Kind
    tags: tuple[Tag, ...]
    since: int
    until: int

    def labels(self) -> Iterator[Line]:
        """One label per tag."""
        moved = self.kind in ("in", "out")
        for tag in self.tags:
            yield {
                "epc": tag.hex,
                "label": "moved" if moved else self.kind,
                "moved": moved,
                "direction": self.kind if moved else None,
                "run": self.name,
                "from": self.since,
                "to": self.until,
            }


def record(
    *, seed: int, start: int, plan: Sequence[Kind], boxes: int = BOXES, beams: bool = False
) -> tuple[list[Line], list[Run]]:
    """Lines of a trace (in order of time) and its runs. `start` is the first moment, us UTC."""
    site = build_site(seed)
    scene = Scene(seed=seed, radio=RadioSettings(), doorways=site.doorways)
    door = site.door(DOOR)
    device = site.device(door.device)
    inventory = inventory_of(device, scene=scene, seed=f"{seed}/trace")
    rng = random.Random(f"{seed}/runs")
    lines: list[Line] = []
    runs: list[Run] = []
    at = REST_S

    def micros(seconds: float) -> int:
        return start + int(seconds * 1_000_000)

    for number, kind in enumerate(plan):
        load = _load(seed, number, boxes, rng)
        bodies, edges, end = _bodies(kind, load, f"{seed}/{number}", door.x, at, seed, rng)
        for body in bodies:
            scene.add(body)
        end = max(end, at + STILL_S)
        for hit in inventory.reads_until(end):
            read = {"epc": hit.epc.hex().upper(), "antenna": hit.antenna}
            lines.append({**read, "rssi_dbm": hit.rssi_dbm, "occurred_at": micros(hit.at)})
        for body in bodies:
            scene.remove(body)
        if beams:
            lines += [_edge(edge, micros) for edge in edges]
        tags = tuple(placed.tag for placed in load.tags)
        runs.append(Run(f"{seed}-{number}", kind, tags, micros(at), micros(end)))
        at = end + REST_S
        inventory.skip_to(at - 1.0)
    lines.sort(key=lambda line: int(str(line["occurred_at"])))
    return lines, runs


def a_plan(*, seed: int, runs: int) -> list[Kind]:
    """All kinds in equal numbers, shuffled."""
    plan = [KINDS[n % len(KINDS)] for n in range(runs)]
    random.Random(f"{seed}/plan").shuffle(plan)
    return plan


def _load(seed: int, number: int, boxes: int, rng: random.Random) -> Load:
    serial = seed * 100_000 + number * 1_000
    gtin = build_site(1).items[number % 5].gtin
    tags = [unit_tag(gtin, serial + n) for n in range(boxes)]
    label = sscc_tag(sscc18(PREFIX, serial % 1_000_000_000))
    return pallet(f"run-{number}", tags, sscc=label, seed=rng.randrange(1 << 30))


def _bodies(
    kind: Kind, load: Load, key: str, x: float, at: float, seed: int, rng: random.Random
) -> tuple[list[Body], Sequence[Edge], float]:
    """What moves or stands in this run, its beam edges, and when it is over."""
    site = build_site(seed)
    if kind == "static":
        centre = (x + rng.choice((-2.5, 2.5)), rng.uniform(2.0, 3.5), 0.0)
        tags = [placed.tag for placed in load.tags]
        still = scattered(tags, centre=centre, spread=(0.5, 1.0, 1.2), seed=seed, key=key)
        return still, (), at + STILL_S
    speed = rng.uniform(0.9, 1.8)
    if kind == "near":
        path = _walk_by(x, at, speed, rng.uniform(2.0, 3.0))
        return [load.body(path, key=key)], (), path.end
    direction: Literal["in", "out"] = "out" if kind == "out" else "in"
    crossing = plan_crossing(
        load,
        name=key,
        door=site.door(DOOR),
        direction=direction,
        start=at,
        speed_mps=speed,
        turns_back=kind == "turned_back",
    )
    return [crossing.body], crossing.edges, crossing.body.path.end


def _walk_by(x: float, at: float, speed: float, distance: float) -> Path:
    stops = [(x - 5.0, distance, 0.0), (x + 5.0, distance, 0.0)]
    return path_along(stops, start=at, speed_mps=speed)


def _edge(edge: Edge, micros: Callable[[float], int]) -> Line:
    state = "high" if edge.high else "low"
    return {"sensor": "gpi", "port": edge.port, "state": state, "occurred_at": micros(edge.at)}
