"""One load's way through a dock door: its path, its light beams, how well its tags will be heard.

`rehearse` looks ahead along the path so that a pass can be chosen where every tag gets its reads;
no read is ever added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulators.geometry import Edge, Path, beam_edges, path_along
from simulators.loads import Load
from simulators.scene import Body, Scene
from simulators.site import (
    BEAM_Y_M,
    GPI_INNER,
    GPI_OUTER,
    PASS_FROM_Y_M,
    PASS_TO_Y_M,
    Device,
    Door,
)

Direction = Literal["in", "out"]
REHEARSAL_S = 0.1
TRIES = 24
# A tag heard on three steps of the rehearsal at each of the two turns has, at the portal's pace,
# some five reads to come: margin for collisions and for the scene's other tags.
HEARD_S_FOR_EACH_READ = 0.35


@dataclass(frozen=True, slots=True)
class Crossing:
    """A planned pass: the body that will move and the beam edges it makes."""

    name: str
    door: Door
    direction: Direction
    turns_back: bool
    body: Body
    edges: tuple[Edge, ...]
    speed_mps: float
    shadow: int

    @property
    def crossed_at(self) -> float:
        """When the load's centre passes the dock wall (the last time, for one that turns back)."""
        return self.body.path.crossings(0.0)[-1]


@dataclass(frozen=True, slots=True)
class Heard:
    """How long a tag is awake at the portal's antennas on its way, in seconds."""

    worst_s: float
    silent: int


def plan_crossing(
    load: Load,
    *,
    name: str,
    door: Door,
    direction: Direction,
    start: float,
    speed_mps: float,
    turns_back: bool = False,
    shadow: int = 0,
) -> Crossing:
    """Lay out the pass; one that turns back goes a little past the wall, stands, and returns."""
    near, far = PASS_FROM_Y_M, PASS_TO_Y_M
    if direction == "out":
        near, far = far, near
    if turns_back:
        beyond = 0.3 if far > near else -0.3
        ways = [near, beyond, beyond, near]
    else:
        ways = [near, far]
    path = path_along([(door.x, y, 0.0) for y in ways], start=start, speed_mps=speed_mps)
    if turns_back:
        path = _pause(path, at=1, seconds=1.0)
    half = load.size[1] / 2
    edges = sorted(
        beam_edges(path, y=-BEAM_Y_M, half_length=half, port=GPI_OUTER)
        + beam_edges(path, y=BEAM_Y_M, half_length=half, port=GPI_INNER),
        key=lambda edge: edge.at,
    )
    body = load.body(path, key=f"{name}/{shadow}")
    return Crossing(name, door, direction, turns_back, body, tuple(edges), speed_mps, shadow)


def plan_heard_crossing(
    load: Load,
    *,
    name: str,
    door: Door,
    device: Device,
    direction: Direction,
    start: float,
    speed_mps: float,
    scene: Scene,
    reads: int,
    turns_back: bool = False,
) -> Crossing:
    """The first shadowing draw, else the next slower speed, at which every tag is heard."""
    speed = speed_mps
    while True:
        for shadow in range(TRIES):
            crossing = plan_crossing(
                load,
                name=name,
                door=door,
                direction=direction,
                start=start,
                speed_mps=speed,
                turns_back=turns_back,
                shadow=shadow,
            )
            if rehearse(crossing, device=device, scene=scene).worst_s >= needed_s(load, reads):
                return crossing
        speed *= 0.8
        if speed < 0.3:
            raise ValueError(f"load {load.name} has a tag that this portal never hears")


def needed_s(load: Load, reads: int) -> float:
    """Awake time that gives `reads` reads with margin; a full pallet shares the reader's pace."""
    return reads * HEARD_S_FOR_EACH_READ * max(1.0, len(load.tags) / 80)


def rehearse(crossing: Crossing, *, device: Device, scene: Scene) -> Heard:
    """Sum, for each tag, the time its chip is awake at any antenna of the portal."""
    path, body = crossing.body.path, crossing.body
    steps = int((path.end - path.start) / REHEARSAL_S)
    worst, silent = float("inf"), 0
    for placed in body.tags:
        need = scene.wake_dbm(placed)
        awake = 0.0
        for step in range(steps):
            t = path.start + step * REHEARSAL_S
            for antenna in device.antennas:
                if abs(path.at(t)[1] - antenna.place[1]) > 4.0:
                    continue
                link = scene.link(antenna, body, placed, t, tx_dbm=device.power_dbm, channel_hz=0.0)
                # Antennas take turns, so each of them hears for its share of the time.
                awake += REHEARSAL_S / len(device.antennas) if link.tag_dbm > need else 0.0
        worst = min(worst, awake)
        silent += awake == 0.0
    return Heard(worst, silent)


def _pause(path: Path, *, at: int, seconds: float) -> Path:
    """Stand for some seconds after the waypoint `at`."""
    times = tuple(t + (seconds if i > at else 0.0) for i, t in enumerate(path.times))
    return Path(times, path.places)
