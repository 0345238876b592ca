"""Two neighbour doors in simulated time: loads, standing goods, readers, as agents would tell.

Radio model to smoother, no network. The truth is kept apart for the scorer.
"""

from __future__ import annotations

import math
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

from contracts.v1 import SensorReading
from edge.device_clock import DeviceClock
from edge.drivers.port import RawRead
from edge.smoothing import PORTAL, Smoother
from simulators.geometry import path_along
from simulators.inventory import Hit, Inventory, inventory_of
from simulators.loads import Load, carried, pallet, scattered
from simulators.passes import Direction, plan_crossing
from simulators.rf import MODULATION_DB, RadioSettings
from simulators.scene import Body, Scene
from simulators.site import build_site
from simulators.tags import Tag, gtin14, unit_tag
from tests.radio import Heard
from tests.unit.gateway.lane import START

DOORS = ("dock-1", "dock-2")
SLICE_S = 0.02
WARM_UP_S = 12.0
STANDING = 10
MATERIALS = ("dry", "dry", "dry", "textile", "food", "liquid")
# What the neighbour's reader loses each way: free space from 2.5 m to 6.5 m is 8.3 dB, less what a
# metal surface reflects that way (assumption: no public figure exists).
CROSS_LOSS_DB = (3.0, 10.0)
# A reflection fades on its own as the load moves: by so much, over so many seconds.
CROSS_FADE_DB, CROSS_FADE_S = 2.5, (0.3, 1.0)
Kind = Literal["in", "out", "turned_back", "near"]
Offset = Callable[[float], float]


@dataclass(frozen=True)
class Moved:
    """What one load really did."""

    door: str
    kind: Kind
    keys: frozenset[str]
    pallet: bool
    speed_mps: float


class Leak(NamedTuple):
    """How the neighbour hears a moving tag: from which share of cross-reads on, and how weakly."""

    rank: float
    mean_db: float
    period_s: float
    phase: float

    def loss_db(self, at: float) -> float:
        """What its answer loses at this moment."""
        turn = 2.0 * math.pi * (at / self.period_s + self.phase)
        return self.mean_db + CROSS_FADE_DB * math.sin(turn)


@dataclass
class Air:
    """A seeded hour at two doors; the radio is worked out once, then told as often as asked."""

    seed: int
    loads: int = 10
    moved: list[Moved] = field(default_factory=list)
    standing: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.site = build_site(1)
        self.radio = RadioSettings()
        self.scene = Scene(seed=self.seed, radio=self.radio, doorways=self.site.doorways)
        self._rng = random.Random(f"{self.seed}/doors")
        self._serial = 0
        self._bodies: list[Body] = []
        self.edges: list[tuple[float, str, int, bool]] = []
        self.key_of: dict[bytes, str] = {}
        self.leaks: dict[bytes, Leak] = {}
        self._leaking = random.Random(f"{self.seed}/leaks")
        for door in DOORS:
            self._park(door)
        ends = [self._traffic(door, self.loads // 2) for door in DOORS]
        self.end = max(ends) + 5.0

    def _tags(self, count: int) -> list[Tag]:
        found = []
        for _ in range(count):
            self._serial += 1
            tag = unit_tag(
                gtin14("0614141", 12345), (self.seed % 1_000_000) * 10_000 + self._serial
            )
            self.key_of[tag.epc] = tag.key
            found.append(tag)
        return found

    def _park(self, door: str) -> None:
        for aside in (-2.2, 2.2):
            tags = self._tags(STANDING)
            self.standing |= {tag.key for tag in tags}
            centre = (self.site.door(door).x + aside, 2.5, 0.0)
            key = f"park/{door}/{aside}"
            for body in scattered(
                tags, centre=centre, spread=(0.5, 1.2, 1.2), seed=self.seed, key=key
            ):
                self.scene.add(body)

    def _traffic(self, door: str, count: int) -> float:
        clock = WARM_UP_S + self._rng.uniform(0.0, 5.0)
        for number in range(count):
            clock = self._send(door, f"{door}/{number}", clock) + self._rng.uniform(3.5, 8.0)
        return clock

    def _send(self, door: str, name: str, start: float) -> float:
        rng = self._rng
        on_pallet = rng.random() < 0.6
        tags = self._tags(rng.randint(8, 40) if on_pallet else rng.randint(1, 5))
        load = (
            pallet(name, tags, seed=self.seed, material=rng.choice(MATERIALS))
            if on_pallet
            else carried(name, tags, seed=self.seed)
        )
        speed = rng.uniform(2.0, 4.0) if on_pallet and rng.random() < 0.6 else rng.uniform(1.0, 1.5)
        draw = rng.random()
        kind: Kind = "near" if draw < 0.08 else "turned_back" if draw < 0.16 else "in"
        way: Direction = rng.choice(("in", "out"))
        if kind == "in":
            kind = way
        for tag in tags:
            lost = self._leaking.uniform(*CROSS_LOSS_DB) * (2.0 - self.radio.limiting)
            period, phase = self._leaking.uniform(*CROSS_FADE_S), self._leaking.random()
            self.leaks[tag.epc] = Leak(self._leaking.random(), lost, period, phase)
        self.moved.append(Moved(door, kind, frozenset(load.keys), on_pallet, speed))
        if kind == "near":
            return self._pass_near(load, door, start, speed)
        crossing = plan_crossing(
            load,
            name=f"{name}/{self.seed}",
            door=self.site.door(door),
            direction=way,
            start=start,
            speed_mps=speed,
            turns_back=kind == "turned_back",
        )
        self._add(crossing.body)
        self.edges += [(edge.at, door, edge.port, edge.high) for edge in crossing.edges]
        return crossing.body.path.end

    def _pass_near(self, load: Load, door: str, start: float, speed: float) -> float:
        """Along the wall inside, past the door, some metres from it."""
        x, y = self.site.door(door).x, self._rng.uniform(3.0, 4.5)
        ways = [(x - 2.5, 9.0, 0.0), (x - 1.5, y, 0.0), (x + 1.5, y, 0.0), (x + 2.5, 9.0, 0.0)]
        body = load.body(path_along(ways, start=start, speed_mps=speed), key=f"{load.name}/near")
        self._add(body)
        return body.path.end

    def _add(self, body: Body) -> None:
        self.scene.add(body)
        self._bodies.append(body)

    @cached_property
    def hits(self) -> list[tuple[str, Hit]]:
        """Every read of both doors in order of time; a body leaves the air when it has arrived."""
        readers = {door: self._reader(door) for door in DOORS}
        found: list[tuple[str, Hit]] = []
        for body in [*sorted(self._bodies, key=lambda b: b.path.end), None]:
            until = self.end if body is None else body.path.end
            for door, reader in readers.items():
                found += [(door, hit) for hit in reader.reads_until(until)]
            if body is not None:
                self.scene.remove(body)
        return sorted(found, key=lambda one: one[1].at)

    @cached_property
    def reads(self) -> Counter[str]:
        """Reads of each moving tag at the door it is at."""
        return Counter(self.key_of[hit.epc] for _, hit in self.hits if hit.epc in self.leaks)

    @cached_property
    def faintest_dbm(self) -> float:
        """What a chip that just wakes answers: a way that loses more wakes nothing."""
        tx_dbm = max(self.site.device(self.site.door(door).device).power_dbm for door in DOORS)
        answer = 2.0 * self.radio.chip_dbm - tx_dbm - MODULATION_DB
        return max(answer, self.radio.sensitivity_dbm)

    def _reader(self, door: str) -> Inventory:
        device = self.site.device(self.site.door(door).device)
        return inventory_of(device, scene=self.scene, seed=f"{self.seed}/{device.name}")


@dataclass
class Telling:
    """What the agents of both doors send. `cross`: share of tags the neighbour hears as well."""

    air: Air
    cross: float = 0.0
    offset_s: Offset = lambda _: 0.0
    crossed_over: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._clocks = {door: DeviceClock() for door in DOORS}
        self._smoothers = {
            door: Smoother(device="r1", profile=PORTAL, clock=self._clocks[door]) for door in DOORS
        }

    def heard(self) -> list[tuple[Heard, str]]:
        """Observations and beam changes in order."""
        out: list[tuple[Heard, str]] = []
        edges, hits = deque(sorted(self.air.edges)), deque(self.air.hits)
        for step in range(int(self.air.end / SLICE_S)):
            now = (step + 1) * SLICE_S
            moment = START + int(now * 1e6)
            while hits and hits[0][1].at <= now:
                door, hit = hits.popleft()
                self._deliver(hit, door, moment)
            for door, smoother in self._smoothers.items():
                smoother.step(moment)
                out += [(Heard(moment, o), door) for o in smoother.take()]
            while edges and edges[0][0] <= now:
                at, door, port, high = edges.popleft()
                smoother = self._smoothers[door]
                smoother.flush(moment)
                out += [(Heard(moment, o), door) for o in smoother.take()]
                told = self._us(at) + self._clocks[door].offset
                state: Literal["high", "low"] = "high" if high else "low"
                gpi = SensorReading(
                    device="r1", kind="gpi", occurred_at=told, port=port, state=state
                )
                out.append((Heard(moment, gpi), door))
        return out

    def _deliver(self, hit: Hit, door: str, moment: int) -> None:
        at = self._us(hit.at)
        self._smoothers[door].add(RawRead(hit.epc, hit.antenna, hit.rssi_dbm, at, moment), moment)
        leak = self.air.leaks.get(hit.epc)
        if leak is None or leak.rank >= self.cross:
            return
        heard_dbm = hit.rssi_dbm - leak.loss_db(hit.at)
        if heard_dbm > self.air.faintest_dbm:
            other = DOORS[1 - DOORS.index(door)]
            self.crossed_over.add(self.air.key_of[hit.epc])
            weak = RawRead(hit.epc, hit.antenna, heard_dbm, at, moment)
            self._smoothers[other].add(weak, moment)

    def _us(self, at: float) -> int:
        return START + int((at + self.offset_s(at)) * 1e6)
