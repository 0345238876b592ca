"""Simulated radio through smoothing into the tracker: a truck with strays beside the door.

The physics knows nothing of the rules; what crossed is compared with what was moved.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pytest

from contracts.v1 import SensorReading
from edge.device_clock import DeviceClock
from edge.drivers.port import RawRead
from edge.smoothing import PORTAL, Smoother
from gateway.tracker import Tracker
from simulators.inventory import Inventory, inventory_of
from simulators.loads import Load, carried, pallet, scattered
from simulators.passes import Direction, plan_heard_crossing
from simulators.rf import RadioSettings
from simulators.scene import Body, Scene
from simulators.site import build_site
from simulators.tags import Tag, gtin14, sscc18, sscc_tag, unit_tag
from tests.radio import Heard
from tests.unit.gateway.lane import START, Lane, a_registry, crossed

GTIN = gtin14("0614141", 12345)
DOORS = ("dock-1", "dock-2")
SLICE_S = 0.02


@dataclass
class Air:
    """A scene with the readers of both doors."""

    seed: int
    moved: list[tuple[str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.site = build_site(self.seed)
        self.scene = Scene(seed=self.seed, radio=RadioSettings(), doorways=self.site.doorways)
        self.bodies: list[Body] = []
        self.edges: list[tuple[float, str, int, bool]] = []
        self.serial = 0

    def tags(self, count: int) -> list[Tag]:
        """Fresh units."""
        self.serial += count
        return [unit_tag(GTIN, 1000 * self.seed + self.serial - n) for n in range(count)]

    def park(self, tags: list[Tag], *, aside: float, y: float = 2.5) -> None:
        """Tags that stand inside, beside door 1."""
        centre = (self.site.door("dock-1").x + aside, y, 0.0)
        for body in scattered(
            tags, centre=centre, spread=(0.5, 1.2, 1.2), seed=self.seed, key=f"park{aside}"
        ):
            self.scene.add(body)

    def go(
        self,
        load: Load,
        direction: Direction,
        start: float,
        *,
        door: str = "dock-1",
        back: bool = False,
    ) -> float:
        """Move a load; when it is gone."""
        place = self.site.door(door)
        crossing = plan_heard_crossing(
            load,
            name=f"{load.name}/{start}",
            door=place,
            device=self.site.device(place.device),
            direction=direction,
            start=start,
            speed_mps=1.8,
            scene=self.scene,
            reads=2,
            turns_back=back,
        )
        self.scene.add(crossing.body)
        self.bodies.append(crossing.body)
        self.edges += [(e.at, door, e.port, e.high) for e in crossing.edges]
        self.moved.append((door, "not_crossed" if back else direction, load.name))
        return crossing.body.path.end

    def heard(self, until: float) -> list[tuple[Heard, str]]:
        """What the agents of both doors send, in order."""
        readers = {door: self._reader(door) for door in DOORS}
        smoothers = {
            door: Smoother(device="r1", profile=PORTAL, clock=DeviceClock()) for door in DOORS
        }
        out: list[tuple[Heard, str]] = []
        edges = sorted(self.edges)
        for step in range(int(until / SLICE_S)):
            now = (step + 1) * SLICE_S
            for body in [b for b in self.bodies if b.path.end < now]:
                self.scene.remove(body)
                self.bodies.remove(body)
            for door in DOORS:
                smoother = smoothers[door]
                for hit in readers[door].reads_until(now):
                    at = START + int(hit.at * 1e6)
                    read = RawRead(hit.epc, hit.antenna, hit.rssi_dbm, at, at)
                    smoother.add(read, at)
                smoother.step(START + int(now * 1e6))
                out += [(Heard(START + int(now * 1e6), o), door) for o in smoother.take()]
            while edges and edges[0][0] <= now:
                out += _edge(edges.pop(0), smoothers, now)
        return out

    def _reader(self, door: str) -> Inventory:
        device = self.site.device(self.site.door(door).device)
        return inventory_of(device, scene=self.scene, seed=f"{self.seed}/{device.name}")


def _edge(
    edge: tuple[float, str, int, bool], smoothers: dict[str, Smoother], now: float
) -> list[tuple[Heard, str]]:
    """A beam's change flushes what was read before it, as the agent does."""
    at, door, port, high = edge
    moment = START + int(now * 1e6)
    smoothers[door].flush(moment)
    out = [(Heard(moment, observed), door) for observed in smoothers[door].take()]
    state = "high" if high else "low"
    told = SensorReading(
        device="r1", kind="gpi", occurred_at=START + int(at * 1e6), port=port, state=state
    )
    return [*out, (Heard(moment, told), door)]


def judged(air: Air, until: float) -> Lane:
    lane = Lane(Tracker(a_registry(), ids=Lane().tracker._ids))
    lane.hear_all(air.heard(until))
    lane.rest(6.0)
    return lane


@pytest.mark.parametrize("seed", [1, 3])
def test_a_truck_is_unloaded_and_no_stray_moves(seed: int) -> None:
    air = Air(seed)
    air.park(air.tags(10), aside=2.2)
    air.park(air.tags(10), aside=-2.2)
    boxes = [air.tags(24) for _ in range(3)]
    loads = [
        pallet(f"p{n}", tags, sscc=sscc_tag(sscc18("0614141", 10 * seed + n)), seed=seed)
        for n, tags in enumerate(boxes)
    ]
    plan: list[tuple[int, Direction, bool]] = [
        (0, "in", False),
        (1, "in", True),
        (1, "in", False),
        (1, "out", False),
        (1, "in", False),
        (2, "in", False),
    ]
    clock = 12.0
    for n, direction, back in plan:
        clock = air.go(loads[n], direction, clock, back=back) + 4.5

    lane = judged(air, clock)

    calls = lane.calls(door="dock-1")
    assert [call.direction for call in calls] == [way for _, way, _ in air.moved]
    for call, (n, _, back) in zip(calls, plan, strict=True):
        assert crossed(call) == (set() if back else set(loads[n].keys))
    others = [call.direction for call in lane.calls(door="dock-2")]
    assert set(others) <= {"not_crossed"}


@pytest.mark.parametrize("seed", [5, 6])
def test_a_carried_carton_is_called_early_at_its_own_door(seed: int) -> None:
    air = Air(seed)
    air.park(air.tags(8), aside=2.2)
    cartons = [carried(f"c{n}", air.tags(1), seed=seed) for n in range(4)]
    clock = 12.0
    for n, carton in enumerate(cartons):
        clock = air.go(carton, "out", clock, door=DOORS[n % 2]) + 5.0

    lane = judged(air, clock)

    finals = [call for call in lane.calls() if call.direction != "not_crossed"]
    assert [(c.portal, c.direction) for c in finals] == [(d, w) for d, w, _ in air.moved]
    assert [crossed(call) for call in finals] == [set(carton.keys) for carton in cartons]
    early = Counter(call.pass_id for call in lane.calls(early=True))
    assert all(early[call.pass_id] >= 1 for call in finals)
