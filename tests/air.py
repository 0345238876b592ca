"""The air of two dock doors in simulated time: what stands and moves there, and what agents tell.

Radio model to smoother, no network. The physics knows nothing of the gateway's rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from contracts.v1 import SensorReading
from edge.device_clock import DeviceClock
from edge.drivers.port import RawRead
from edge.smoothing import PORTAL, Smoother
from simulators.geometry import Path, Vector
from simulators.inventory import Hit, Inventory, inventory_of
from simulators.loads import Load, scattered
from simulators.passes import Direction, plan_crossing, plan_heard_crossing
from simulators.rf import RadioSettings
from simulators.scene import Body, Scene
from simulators.site import build_site
from simulators.tags import Tag, gtin14, unit_tag
from tests.radio import Heard
from tests.unit.gateway.lane import START

GTIN = gtin14("0614141", 12345)
DOORS = ("dock-1", "dock-2")
SLICE_S = 0.02
ASIDE: Vector = (0.5, 1.2, 1.2)


@dataclass
class Air:
    """A scene with the readers of these doors. Time 0 is `began`; `hits` are the raw reads told.

    `moved` tells door, class and name of each load that went to a door, in order.
    """

    seed: int
    doors: Sequence[str] = DOORS
    began: int = START
    moved: list[tuple[str, str, str]] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)

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

    def park(
        self, tags: Sequence[Tag], *, aside: float, y: float = 2.5, door: str = "dock-1"
    ) -> None:
        """Tags that stand beside a door, `y` metres inside."""
        centre = (self.site.door(door).x + aside, y, 0.0)
        for body in scattered(
            tags, centre=centre, spread=ASIDE, seed=self.seed, key=f"park{aside}"
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
        speed: float = 1.8,
        reads: int = 2,
    ) -> float:
        """Move a load at a speed where every tag is heard so often (0: as it comes); its end."""
        place, name = self.site.door(door), f"{load.name}/{start}"
        shadow = 0
        if reads:
            heard = plan_heard_crossing(
                load,
                name=name,
                door=place,
                device=self.site.device(place.device),
                direction=direction,
                start=start,
                speed_mps=speed,
                scene=self.scene,
                reads=reads,
                turns_back=back,
            )
            speed, shadow = heard.speed_mps, heard.shadow
        crossing = plan_crossing(
            load,
            name=name,
            door=place,
            direction=direction,
            start=start,
            speed_mps=speed,
            turns_back=back,
            shadow=shadow,
        )
        self._send(crossing.body)
        self.edges += [(e.at, door, e.port, e.high) for e in crossing.edges]
        self.moved.append((door, "not_crossed" if back else direction, load.name))
        return crossing.body.path.end

    def walk(self, load: Load, path: Path) -> float:
        """Move a load along a path that breaks no beam; its end."""
        self._send(load.body(path, key=f"{load.name}/{path.start}"))
        return path.end

    def _send(self, body: Body) -> None:
        self.scene.add(body)
        self.bodies.append(body)

    def reads(self, since: float, until: float) -> Counter[bytes]:
        """How often each tag was read in a span of seconds; after `heard`."""
        return Counter(hit.epc for hit in self.hits if since <= hit.at <= until)

    def heard(self, until: float) -> list[tuple[Heard, str]]:
        """What the agents of the doors send, in order. A body leaves the air at its path's end."""
        readers = {door: self._reader(door) for door in self.doors}
        smoothers = {
            door: Smoother(device="r1", profile=PORTAL, clock=DeviceClock()) for door in self.doors
        }
        out: list[tuple[Heard, str]] = []
        edges = sorted(self.edges)
        for step in range(int(until / SLICE_S)):
            now = (step + 1) * SLICE_S
            for body in [b for b in self.bodies if b.path.end < now]:
                self.scene.remove(body)
                self.bodies.remove(body)
            for door in self.doors:
                smoother = smoothers[door]
                for hit in readers[door].reads_until(now):
                    at = self.began + int(hit.at * 1e6)
                    smoother.add(RawRead(hit.epc, hit.antenna, hit.rssi_dbm, at, at), at)
                    self.hits.append(hit)
                smoother.step(self.began + int(now * 1e6))
                out += [(Heard(self.began + int(now * 1e6), o), door) for o in smoother.take()]
            while edges and edges[0][0] <= now:
                out += _edge(edges.pop(0), smoothers, self.began, now)
        return out

    def _reader(self, door: str) -> Inventory:
        device = self.site.device(self.site.door(door).device)
        return inventory_of(device, scene=self.scene, seed=f"{self.seed}/{device.name}")


def _edge(
    edge: tuple[float, str, int, bool], smoothers: dict[str, Smoother], began: int, now: float
) -> list[tuple[Heard, str]]:
    """A beam's change flushes what was read before it, as the agent does."""
    at, door, port, high = edge
    moment = began + int(now * 1e6)
    smoothers[door].flush(moment)
    out = [(Heard(moment, observed), door) for observed in smoothers[door].take()]
    state = "high" if high else "low"
    told = SensorReading(
        device="r1", kind="gpi", occurred_at=began + int(at * 1e6), port=port, state=state
    )
    return [*out, (Heard(moment, told), door)]
