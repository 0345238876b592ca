"""What is in the air: bodies with tags, standing or moving, and the link from antenna to tag.

The scene holds the truth of place; it decides nothing about reads.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from simulators.geometry import Path, Vector
from simulators.rf import (
    MATERIAL_DB,
    TAG_GAIN_DBI,
    Antenna,
    FadingField,
    Link,
    RadioSettings,
    budget,
    dipole_db,
    floor_db,
    path_loss_db,
    pattern_db,
)
from simulators.tags import Tag

REACH_M = 14.0  # nothing farther is asked: 20 dB below the chip's need at any legal power
WALL_DB = 25.0
SHIELD_M = 3.5
BODY_DB, ASIDE_M = 8.0, 0.7
BOX_M = 0.3


@dataclass(frozen=True, slots=True)
class PlacedTag:
    """A tag on a body: place from the body's foot, lie of its dipole, deafness of its chip."""

    tag: Tag
    offset: Vector
    axis: Vector
    chip_db: float = 0.0


@dataclass(slots=True, eq=False)
class Body:
    """A load in the scene: its tags, its box, its path. `key` seeds its shadowing."""

    key: str
    tags: tuple[PlacedTag, ...]
    path: Path
    size: Vector = (0.8, 1.2, 1.5)
    material: str = "dry"
    shadow: dict[tuple[str, int, bytes], float] = field(default_factory=dict)
    links: dict[tuple[str, int, float, float], list[Link]] = field(default_factory=dict)

    @property
    def moving(self) -> bool:
        """Whether it has somewhere to go."""
        return len(self.path.times) > 1


class Standing(NamedTuple):
    """A tag that stands still, its link while nothing is in the way, and what its chip can lose."""

    body: Body
    placed: PlacedTag
    link: Link
    spare_db: float


class Obstacle(NamedTuple):
    """Something in motion: where it is and up to which height it blocks."""

    x: float
    y: float
    top_m: float


@dataclass(frozen=True, slots=True)
class Doorway:
    """An opening in the dock wall y = 0; radio passes through it, not beside it."""

    x: float
    half_width: float


class Scene:
    """All bodies of a site and the radio between them and the antennas."""

    def __init__(self, *, seed: int, radio: RadioSettings, doorways: tuple[Doorway, ...]) -> None:
        self.radio = radio
        self.bodies: list[Body] = []
        self._movers: list[Body] = []
        self._seed = seed
        self._doorways = doorways
        doors = sorted(door.x for door in doorways)
        # Trailers stand between neighbour lanes in the yard, a screen between them inside.
        self._middles = [(a + b) / 2 for a, b in pairwise(doors)]
        self._fields: dict[tuple[str, int], FadingField] = {}
        self._standing: dict[tuple[str, int, float, float], list[Standing]] = {}

    def add(self, body: Body) -> None:
        """Bring a body in."""
        self.bodies.append(body)
        if body.moving:
            self._movers.append(body)
        else:
            self._standing.clear()

    def remove(self, body: Body) -> None:
        """Take a body and its tags out of the field; harmless when it is gone already."""
        if body in self.bodies:
            self.bodies.remove(body)
        if body in self._movers:
            self._movers.remove(body)
        else:
            self._standing.clear()
        body.links.clear()

    def movers(self, antenna: Antenna, t: float) -> list[tuple[Body, Vector]]:
        """Moving bodies within reach of an antenna and where their feet are."""
        ax, ay, _ = antenna.place
        found = []
        for body in self._movers:
            if body.path.times[0] <= t:
                foot = body.path.at(t)
                if math.hypot(foot[0] - ax, foot[1] - ay) <= REACH_M:
                    found.append((body, foot))
        return found

    def standing(self, antenna: Antenna, tx_dbm: float, channel_hz: float) -> list[Standing]:
        """Tags of standing bodies that wake at an antenna while nothing blocks them."""
        key = (antenna.device, antenna.port, tx_dbm, channel_hz)
        known = self._standing.get(key)
        if known is None:
            known = self._standing[key] = []
            ax, ay, _ = antenna.place
            for body in self.bodies:
                foot = body.path.places[0]
                if body.moving or math.hypot(foot[0] - ax, foot[1] - ay) > REACH_M:
                    continue
                links = body.links.get(key)
                if links is None:
                    links = body.links[key] = [
                        self.link_at(antenna, body, placed, foot, tx_dbm, channel_hz)
                        for placed in body.tags
                    ]
                for placed, link in zip(body.tags, links, strict=True):
                    spare = link.tag_dbm - self.wake_dbm(placed)
                    if spare > 0.0:
                        known.append(Standing(body, placed, link, spare))
        return known

    def obstacles(self, t: float) -> list[Obstacle]:
        """What moves now and may stand between an antenna and a standing tag: place and height."""
        found = []
        for body in self._movers:
            if body.path.times[0] <= t <= body.path.times[-1]:
                x, y, _ = body.path.at(t)
                found.append(Obstacle(x, y, body.size[2] + 0.2))
        return found

    def link(
        self,
        antenna: Antenna,
        body: Body,
        placed: PlacedTag,
        t: float,
        *,
        tx_dbm: float,
        channel_hz: float,
    ) -> Link:
        """The link at `t`, with what a passing load takes from a standing tag."""
        link = self.link_at(antenna, body, placed, body.path.at(t), tx_dbm, channel_hz)
        if body.moving:
            return link
        return self.behind(link, self.blocked_db(antenna, body, placed, self.obstacles(t)))

    def behind(self, link: Link, loss_db: float) -> Link:
        """The link with something in its way, which is passed once to wake it and once back."""
        if not loss_db:
            return link
        twice = 2.0 - self.radio.limiting
        return Link(link.tag_dbm - loss_db, link.rssi_dbm - twice * loss_db)

    def link_at(
        self,
        antenna: Antenna,
        body: Body,
        placed: PlacedTag,
        foot: Vector,
        tx_dbm: float,
        channel_hz: float,
    ) -> Link:
        """The link of a tag while its body's foot is there and nothing is in the way."""
        ox, oy, oz = placed.offset
        place = (foot[0] + ox, foot[1] + oy, foot[2] + oz)
        ax, ay, az = antenna.place
        dx, dy, dz = place[0] - ax, place[1] - ay, place[2] - az
        distance = max(math.sqrt(dx * dx + dy * dy + dz * dz), 0.2)
        ray = (dx / distance, dy / distance, dz / distance)
        bx, by, bz = antenna.boresight
        gain = antenna.gain_dbi + pattern_db(
            ray[0] * bx + ray[1] * by + ray[2] * bz, antenna.beam_deg
        )
        frequency = self.radio.frequency_hz
        ear = (antenna.device, antenna.port)
        field_ = self._fields.get(ear)
        if field_ is None:
            field_ = FadingField(self.radio.rician_db, f"{self._seed}/fading/{antenna.name}")
            self._fields[ear] = field_
        channel = (
            self._shadow_db(antenna, body, placed)
            + field_.gain_db(place, distance, frequency, channel_hz)
            + floor_db(distance, (az, place[2]), frequency)
        )
        loss = _inside_m(body.size, placed.offset, ray) / BOX_M * MATERIAL_DB[body.material]
        return budget(
            tx_dbm=tx_dbm,
            reader_gain_dbi=gain,
            tag_gain_dbi=TAG_GAIN_DBI + dipole_db(placed.axis, ray),
            path_loss_db=path_loss_db(distance, frequency),
            loss_db=loss + self._wall_db(antenna.place, place),
            channel_db=channel,
            limiting=self.radio.limiting,
            wake_dbm=self.wake_dbm(placed),
        )

    def wake_dbm(self, placed: PlacedTag) -> float:
        """The power at which this tag's chip wakes up."""
        return self.radio.chip_dbm + placed.chip_db * self.radio.chip_spread_db

    def _shadow_db(self, antenna: Antenna, body: Body, placed: PlacedTag) -> float:
        """Log-normal, fixed for (tag, antenna, pass); part is the whole load's: misses cluster."""
        known = (antenna.device, antenna.port, placed.tag.epc)
        value = body.shadow.get(known)
        if value is None:
            key = (antenna.name, placed.tag.hex)
            sigma, shared = self.radio.shadow_db, self.radio.shadow_shared
            load = random.Random(f"{self._seed}/{body.key}/{antenna.device}").gauss(0.0, 1.0)
            own = random.Random(f"{self._seed}/{body.key}/{key}").gauss(0.0, 1.0)
            value = sigma * (math.sqrt(shared) * load + math.sqrt(1.0 - shared) * own)
            body.shadow[known] = value
        return value

    def _wall_db(self, a: Vector, b: Vector) -> float:
        loss = 0.0
        if a[1] * b[1] < 0.0:
            x = a[0] + (b[0] - a[0]) * a[1] / (a[1] - b[1])
            open_ = any(abs(x - door.x) <= door.half_width for door in self._doorways)
            loss += 0.0 if open_ else WALL_DB
        for middle in self._middles:
            if (a[0] - middle) * (b[0] - middle) < 0.0:
                y = a[1] + (b[1] - a[1]) * (middle - a[0]) / (b[0] - a[0])
                if y < 0.0:
                    loss += WALL_DB
                elif y < SHIELD_M:
                    loss += self.radio.shield_db
        return loss

    def blocked_db(
        self, antenna: Antenna, body: Body, placed: PlacedTag, obstacles: Sequence[Obstacle]
    ) -> float:
        """What a passing load takes from a standing tag whose line of sight it crosses."""
        if not obstacles:
            return 0.0
        loss = 0.0
        foot, offset = body.path.places[0], placed.offset
        ax, ay, az = antenna.place
        dx, dy, dz = foot[0] + offset[0] - ax, foot[1] + offset[1] - ay, foot[2] + offset[2] - az
        length = max(dx * dx + dy * dy, 1e-6)
        for x, y, top in obstacles:
            share = ((x - ax) * dx + (y - ay) * dy) / length
            if 0.0 < share < 1.0 and az + share * dz <= top:
                aside = math.hypot(ax + share * dx - x, ay + share * dy - y)
                loss = max(loss, BODY_DB * (1.0 - aside / ASIDE_M))
        return loss


def _inside_m(size: Vector, offset: Vector, ray: Vector) -> float:
    """How far the ray to the antenna runs through the load's own box."""
    lengths = []
    for axis in range(3):
        low, high = (0.0, size[2]) if axis == 2 else (-size[axis] / 2, size[axis] / 2)
        toward = -ray[axis]
        if abs(toward) > 1e-6:
            edge = high if toward > 0 else low
            lengths.append((edge - offset[axis]) / toward)
    return max(min(lengths), 0.0)
