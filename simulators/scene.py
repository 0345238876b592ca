"""What is in the air: bodies with tags, standing or moving, and the link from antenna to tag.

The scene holds the truth of place; it decides nothing about reads.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from itertools import pairwise

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
BODY_DB = 8.0
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
    _shadow: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def moving(self) -> bool:
        """Whether it has somewhere to go."""
        return len(self.path.times) > 1


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
        self._fields: dict[str, FadingField] = {}
        self._in_reach: dict[Vector, dict[int, bool]] = {}
        self._still: dict[tuple[int, bytes, str, float, float], Link] = {}

    def add(self, body: Body) -> None:
        """Bring a body in."""
        self.bodies.append(body)
        if body.moving:
            self._movers.append(body)
        self._in_reach.clear()

    def remove(self, body: Body) -> None:
        """Take a body and its tags out of the field; harmless when it is gone already."""
        if body in self.bodies:
            self.bodies.remove(body)
        if body in self._movers:
            self._movers.remove(body)
        self._in_reach.clear()
        for key in [k for k in self._still if k[0] == id(body)]:
            del self._still[key]

    def near(self, antenna: Antenna, t: float) -> list[Body]:
        """Bodies within reach of an antenna."""
        place = antenna.place
        known = self._in_reach.setdefault(place, {})
        found = []
        for body in self.bodies:
            reached = known.get(id(body))
            if reached is None:
                x, y, _ = body.path.at(t)
                reached = math.hypot(x - place[0], y - place[1]) <= REACH_M
                if not body.moving:
                    known[id(body)] = reached
            if reached and body.path.times[0] <= t:
                found.append(body)
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
        """The link at `t`; a standing tag's is computed once, then what blocks the way is added."""
        if body.moving:
            return self._fresh(antenna, body, placed, t, tx_dbm, channel_hz)
        key = (id(body), placed.tag.epc, antenna.name, tx_dbm, channel_hz)
        link = self._still.get(key)
        if link is None:
            link = self._still[key] = self._fresh(antenna, body, placed, t, tx_dbm, channel_hz)
        loss = self._blocked_db(antenna, body, placed, t)
        return Link(link.tag_dbm - loss, link.rssi_dbm - 2.0 * loss) if loss else link

    def _fresh(
        self,
        antenna: Antenna,
        body: Body,
        placed: PlacedTag,
        t: float,
        tx_dbm: float,
        channel_hz: float,
    ) -> Link:
        foot = body.path.at(t)
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
        field_ = self._fields.get(antenna.name)
        if field_ is None:
            field_ = FadingField(self.radio.rician_db, f"{self._seed}/fading/{antenna.name}")
            self._fields[antenna.name] = field_
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
        )

    def _shadow_db(self, antenna: Antenna, body: Body, placed: PlacedTag) -> float:
        """Log-normal, fixed for (tag, antenna, pass); part is the whole load's: misses cluster."""
        key = (antenna.name, placed.tag.hex)
        value = body._shadow.get(key)
        if value is None:
            sigma, shared = self.radio.shadow_db, self.radio.shadow_shared
            load = random.Random(f"{self._seed}/{body.key}/{antenna.device}").gauss(0.0, 1.0)
            own = random.Random(f"{self._seed}/{body.key}/{key}").gauss(0.0, 1.0)
            value = sigma * (math.sqrt(shared) * load + math.sqrt(1.0 - shared) * own)
            body._shadow[key] = value
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

    def _blocked_db(self, antenna: Antenna, body: Body, placed: PlacedTag, t: float) -> float:
        """What a passing load takes from a standing tag whose line of sight it crosses."""
        movers = [b for b in self._movers if b.path.times[0] <= t <= b.path.times[-1]]
        if not movers:
            return 0.0
        loss = 0.0
        foot = body.path.places[0]
        tx, ty = foot[0] + placed.offset[0], foot[1] + placed.offset[1]
        tz = foot[2] + placed.offset[2]
        ax, ay, az = antenna.place
        for other in movers:
            x, y, _ = other.path.at(t)
            length = (tx - ax) ** 2 + (ty - ay) ** 2
            share = ((x - ax) * (tx - ax) + (y - ay) * (ty - ay)) / max(length, 1e-6)
            if not 0.0 < share < 1.0 or az + share * (tz - az) > other.size[2] + 0.2:
                continue
            aside = math.hypot(ax + share * (tx - ax) - x, ay + share * (ty - ay) - y)
            loss = max(loss, BODY_DB * (1.0 - aside / 0.7))
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
