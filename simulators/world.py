"""The running site: scene, readers on their ports, loads that pass doors and totes on the belt.

Passes run at true speed on the wall clock; truth goes to its own journal, which only scorers read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from simulators.geometry import Edge, Vector, path_along
from simulators.inventory import InventorySettings
from simulators.journal import KEPT, Journal, Line
from simulators.loads import Load, scattered
from simulators.passes import Crossing, Direction, plan_crossing, plan_heard_crossing
from simulators.reader import OutputChange, SimReader
from simulators.rf import RadioSettings
from simulators.scene import Body, Scene
from simulators.site import GPI_BELT, GPO_DIVERT, Site
from simulators.tags import Tag

HEAD_START_S = 0.1
FORKLIFT_MPS = 1.8
BELT_ROUNDS = 3
PARKED: Vector = (0.5, 1.2, 1.2)


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """Where the readers listen and how the air is."""

    host: str = "127.0.0.1"
    radio: RadioSettings = field(default_factory=RadioSettings)
    inventory: InventorySettings = field(default_factory=InventorySettings)
    belt_mps: float = 0.6
    frames_kept: int = KEPT


class World:
    """A site that moves."""

    def __init__(
        self,
        site: Site,
        *,
        seed: int = 1,
        truth_dir: Path | None = None,
        settings: WorldSettings | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.site = site
        self.seed = seed
        self.settings = settings or WorldSettings()
        self.scene = Scene(seed=seed, radio=self.settings.radio, doorways=site.doorways)
        self.clock = clock
        self.journal = Journal(truth_dir, "truth")
        self.readers = {
            device.name: SimReader(
                device,
                scene=self.scene,
                seed=seed,
                clock=clock,
                directory=truth_dir,
                kept=self.settings.frames_kept,
                settings=replace(self.settings.inventory, persistence_s=device.persistence_s),
            )
            for device in site.devices
        }
        self._placed: dict[bytes, Body] = {}
        self._passes = 0
        self._lanes = {door.name: asyncio.Lock() for door in site.doors}

    async def start(self, ports: dict[str, int] | None = None) -> dict[str, int]:
        """Open all readers; device name → port."""
        wanted = ports or {}
        return {
            name: await reader.start(self.settings.host, wanted.get(name, 0))
            for name, reader in self.readers.items()
        }

    async def stop(self) -> None:
        """Close all readers and journals."""
        for reader in self.readers.values():
            await reader.stop()
        self.journal.close()

    @property
    def truth(self) -> list[Line]:
        """Lines {tag, epc, door, pass, kind, direction, t_us} of what really happened."""
        return list(self.journal.lines)

    def gpo_log(self, reader: str) -> list[OutputChange]:
        """GPO commands a reader got, in order of arrival."""
        return list(self.readers[reader].outputs)

    def frame_log(self, reader: str) -> list[Line]:
        """Frames that left a reader's socket, and its spans without inventory."""
        return list(self.readers[reader].frames.lines)

    async def run_pass(
        self,
        load: Load,
        *,
        door: str,
        direction: Direction,
        speed_mps: float = FORKLIFT_MPS,
        turns_back: bool = False,
        guarantee_reads: int = 0,
    ) -> Crossing:
        """Move a load through a door and take it out of the field; one load at a time in a lane."""
        self._passes += 1
        name = f"{self.seed}-{self._passes}"
        async with self._lanes[door]:
            crossing = await self._plan(
                load, name, door, direction, speed_mps, turns_back, guarantee_reads
            )
            self.scene.add(crossing.body)
            self.readers[crossing.door.device].schedule(crossing.edges)
            try:
                await asyncio.sleep(max(crossing.body.path.end - self.clock(), 0.0))
            finally:
                self.scene.remove(crossing.body)
            self._tell(crossing)
        return crossing

    async def _plan(
        self,
        load: Load,
        name: str,
        door: str,
        direction: Direction,
        speed_mps: float,
        turns_back: bool,
        reads: int,
    ) -> Crossing:
        place = self.site.door(door)
        speed, shadow = speed_mps, 0
        if reads:
            heard = await asyncio.to_thread(
                plan_heard_crossing,
                load,
                name=name,
                door=place,
                device=self.site.device(place.device),
                direction=direction,
                start=0.0,
                speed_mps=speed_mps,
                scene=self.scene,
                reads=reads,
                turns_back=turns_back,
            )
            speed, shadow = heard.speed_mps, heard.shadow
        return plan_crossing(
            load,
            name=name,
            door=place,
            direction=direction,
            start=self.clock() + HEAD_START_S,
            speed_mps=speed,
            turns_back=turns_back,
            shadow=shadow,
        )

    def _tell(self, crossing: Crossing) -> None:
        kind = "turned_back" if crossing.turns_back else "crossed"
        for placed in crossing.body.tags:
            self.journal.write(
                {
                    "tag": placed.tag.key,
                    "epc": placed.tag.hex,
                    "door": crossing.door.name,
                    "pass": crossing.name,
                    "kind": kind,
                    "direction": crossing.direction,
                    "t_us": int(crossing.crossed_at * 1_000_000),
                }
            )

    async def walk_by(
        self, load: Load, *, near: str, distance_m: float = 2.5, speed_mps: float = 1.3
    ) -> None:
        """Carry a load along the inside of a door without going through it."""
        self._passes += 1
        x = self.site.door(near).x
        stops = [(x - 5.0, distance_m, 0.0), (x + 5.0, distance_m, 0.0)]
        path = path_along(stops, start=self.clock() + HEAD_START_S, speed_mps=speed_mps)
        body = load.body(path, key=f"{self.seed}-{self._passes}/near")
        self.scene.add(body)
        try:
            await asyncio.sleep(max(path.end - self.clock(), 0.0))
        finally:
            self.scene.remove(body)
        for placed in load.tags:
            self.journal.write(
                {
                    "tag": placed.tag.key,
                    "epc": placed.tag.hex,
                    "door": near,
                    "kind": "near",
                    "t_us": int((path.start + path.end) / 2 * 1_000_000),
                }
            )

    def park(self, tags: Sequence[Tag], *, near: str, side: str = "right") -> None:
        """Let tags stand inside the building beside a door until they are removed."""
        door = self.site.door(near)
        x = door.x + (2.5 if side == "right" else -2.5)
        centre = (x, 3.0, 0.0)
        bodies = scattered(tags, centre=centre, spread=PARKED, seed=self.seed, key=f"park/{near}")
        self._stand(tags, bodies, kind="parked", where=near)

    def place(self, tags: Sequence[Tag], *, at: str) -> None:
        """Put tags down at a location; those that stood elsewhere are moved."""
        self.remove(tags)
        spot = self.site.place(at)
        x, y = spot.centre
        spread = (spot.width / 2 - 0.3, spot.depth / 2 - 0.3, 1.2)
        bodies = scattered(
            tags, centre=(x, y, 0.0), spread=spread, seed=self.seed, key=f"place/{at}"
        )
        self._stand(tags, bodies, kind="placed", where=at)

    def remove(self, tags: Iterable[Tag]) -> None:
        """Take standing tags away; those that do not stand anywhere are skipped."""
        for tag in tags:
            body = self._placed.pop(tag.epc, None)
            if body is not None:
                self.scene.remove(body)

    def _stand(self, tags: Sequence[Tag], bodies: list[Body], *, kind: str, where: str) -> None:
        now = int(self.clock() * 1_000_000)
        for tag, body in zip(tags, bodies, strict=True):
            self._placed[tag.epc] = body
            self.scene.add(body)
            self.journal.write(
                {"tag": tag.key, "epc": tag.hex, "kind": kind, "where": where, "t_us": now}
            )

    async def convey(self, load: Load, *, belt_reader: str = "conv-1-r") -> int:
        """Send a tote round the belt until the divert leads it past the second antenna; the rounds.

        A divert commanded since the tote came to the photo-eye (GPI 1 at the first antenna)
        leads it off. After some rounds it is lifted off and its lane antenna never sees it.
        """
        reader = self.readers[belt_reader]
        first, second = (antenna.place for antenna in reader.device.antennas)
        for round_ in range(1, BELT_ROUNDS + 1):
            start = self.clock() + HEAD_START_S
            level = first[2] - 1.0
            stops = [(first[0] - 1.5, first[1], level), (first[0] + 1.5, first[1], level)]
            await self._ride(load, stops, start, key=f"belt/{self._passes}/{round_}", eye=True)
            self._passes += 1
            if self._diverted(reader, since=start):
                stops = [(second[0] - 1.5, second[1], level), (second[0] + 1.0, second[1], level)]
                key = f"belt/{self._passes}/lane"
                await self._ride(load, stops, self.clock(), key=key, eye=False)
                return round_
        return BELT_ROUNDS

    async def _ride(
        self, load: Load, stops: list[Vector], start: float, *, key: str, eye: bool
    ) -> None:
        path = path_along(stops, start=start, speed_mps=self.settings.belt_mps)
        body = load.body(path, key=f"{self.seed}/{key}")
        self.scene.add(body)
        if eye:
            middle, half = (start + path.end) / 2, load.size[1] / 2 / self.settings.belt_mps
            edges = [Edge(middle - half, GPI_BELT, True), Edge(middle + half, GPI_BELT, False)]
            self.readers["conv-1-r"].schedule(edges)
        try:
            await asyncio.sleep(max(path.end - self.clock(), 0.0))
        finally:
            self.scene.remove(body)

    @staticmethod
    def _diverted(reader: SimReader, *, since: float) -> bool:
        return any(
            change.port == GPO_DIVERT and change.high and change.t_us >= since * 1_000_000
            for change in reversed(reader.outputs)
        )
