"""The demo site from one seed: doors, staging, aisles, conveyor, pack stations and readers.

Plain data in metres; `simulators.layout` turns it into the document which the layout import takes.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulators.catalog import Item, PickFace, StockLine, build_items, build_stock
from simulators.geometry import unit
from simulators.rf import Antenna
from simulators.scene import Doorway

SITE_ID = "demo"
AISLES, BAYS, LEVELS = 4, 25, 4
GPI_OUTER, GPI_INNER = 1, 2
GPI_BELT, GPO_DIVERT = 1, 1
GPO_GREEN, GPO_AMBER, GPO_RED = 1, 2, 3
STAGING_QUIET_S = 2.0  # session 2: goods that stand for hours need no more
BEAM_Y_M = 0.15  # half the distance of the beam pair: even a person breaks both at once
PASS_FROM_Y_M, PASS_TO_Y_M = -7.0, 7.0
VIRTUAL = ("SUPPLIER", "CUSTOMER", "LOSS", "ADJUSTMENT", "FOUND", "MISSING")


@dataclass(frozen=True, slots=True)
class Place:
    """A location: `x`, `y` are its corner nearest the yard's left end."""

    code: str
    kind: str
    zone: str
    x: float | None = None
    y: float | None = None
    width: float = 1.0
    depth: float = 1.0
    aisle: str | None = None
    bay: str | None = None
    level: str | None = None

    @property
    def centre(self) -> tuple[float, float]:
        """Its middle on the floor."""
        return ((self.x or 0.0) + self.width / 2, (self.y or 0.0) + self.depth / 2)


@dataclass(frozen=True, slots=True)
class ReadPoint:
    """What one antenna is for: its role at its portal or zone and the location it stands for."""

    name: str
    device: str
    port: int
    role: str
    side: str | None
    location: str


@dataclass(frozen=True, slots=True)
class Device:
    """A reader, its agent and what it watches."""

    name: str
    agent: str
    kind: str
    antennas: tuple[Antenna, ...]
    power_dbm: float
    persistence_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Door:
    """A dock door with its portal reader."""

    name: str
    dock: str
    device: str
    x: float


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that stands still."""

    seed: int
    places: tuple[Place, ...]
    doors: tuple[Door, ...]
    devices: tuple[Device, ...]
    read_points: tuple[ReadPoint, ...]
    items: tuple[Item, ...]
    faces: tuple[PickFace, ...]
    stock: tuple[StockLine, ...]

    @property
    def doorways(self) -> tuple[Doorway, ...]:
        """Openings in the dock wall."""
        return tuple(Doorway(door.x, 1.5) for door in self.doors)

    def place(self, code: str) -> Place:
        """The location of this code."""
        return next(place for place in self.places if place.code == code)

    def door(self, name: str) -> Door:
        """The door of this portal."""
        return next(door for door in self.doors if door.name == name)

    def device(self, name: str) -> Device:
        """The reader of this name."""
        return next(device for device in self.devices if device.name == name)


def build_site(seed: int = 1) -> Site:
    """The demo site; the seed chooses goods and shelves, never the walls."""
    places = (*_floor(), *_bins(), *(Place(code, code.lower(), "virtual") for code in VIRTUAL))
    items = build_items(seed)
    faces, stock = build_stock(
        seed,
        items,
        faces=[p.code for p in places if p.kind == "pick_face"],
        reserve=[p.code for p in places if p.kind == "storage"],
    )
    doors = (Door("dock-1", "DOCK-1", "dock-1-r", 8.0), Door("dock-2", "DOCK-2", "dock-2-r", 14.0))
    devices = (*(_portal(door) for door in doors), _conveyor(), _staging())
    points = tuple(_read_points(doors))
    return Site(seed, places, doors, devices, points, items, faces, stock)


def _floor() -> list[Place]:
    return [
        Place("DOCK-1", "dock", "dock", 6.5, 0.0, 3.0, 4.0),
        Place("DOCK-2", "dock", "dock", 12.5, 0.0, 3.0, 4.0),
        Place("STAGE-IN", "staging", "staging", 2.0, 14.0, 6.0, 4.0),
        Place("STAGE-OUT-1", "staging", "staging", 10.0, 20.0, 3.5, 4.0),
        Place("STAGE-OUT-2", "staging", "staging", 14.0, 20.0, 3.5, 4.0),
        Place("DISCREPANCY", "discrepancy", "staging", 2.0, 20.0, 3.0, 3.0),
        Place("CONV-1", "conveyor", "conveyor", 26.0, 6.0, 16.0, 3.0),
        Place("PACK-1", "packing", "packing", 44.0, 5.0, 2.5, 2.0),
        Place("PACK-2", "packing", "packing", 44.0, 8.0, 2.5, 2.0),
    ]


def _bins() -> list[Place]:
    return [
        Place(
            code=f"{'ABCD'[aisle]}-{row:02d}-{bay:02d}-{level}",
            kind="pick_face" if level == 1 else "storage",
            zone="storage",
            x=24.0 + 1.2 * (bay - 1),
            y=14.0 + 5.0 * aisle,
            width=1.2,
            depth=1.0,
            aisle="ABCD"[aisle],
            bay=f"{bay:02d}",
            level=str(level),
        )
        for aisle in range(AISLES)
        for row in (1,)
        for bay in range(1, BAYS + 1)
        for level in range(1, LEVELS + 1)
    ]


def _portal(door: Door) -> Device:
    """Two antennas over the lane, the first leaning out to the yard, the second leaning in."""
    antennas = tuple(
        Antenna(door.device, port, (door.x, y, 2.9), unit((0.0, lean, -0.8)))
        for port, y, lean in ((1, -0.9, -0.6), (2, 0.9, 0.6))
    )
    return Device(door.device, door.name, "portal", antennas, 28.0)


def _conveyor() -> Device:
    antennas = (
        Antenna("conv-1-r", 1, (30.0, 7.5, 1.8), (0.0, 0.0, -1.0)),
        Antenna("conv-1-r", 2, (41.0, 7.5, 1.8), (0.0, 0.0, -1.0)),
    )
    return Device("conv-1-r", "floor-1", "zone", antennas, 18.0)


def _staging() -> Device:
    antennas = (
        Antenna("stage-r", 1, (5.0, 16.0, 4.0), (0.0, 0.0, -1.0)),
        Antenna("stage-r", 2, (13.75, 22.0, 4.0), (0.0, 0.0, -1.0)),
    )
    return Device("stage-r", "floor-1", "zone", antennas, 29.0, persistence_s=STAGING_QUIET_S)


def _read_points(doors: tuple[Door, ...]) -> list[ReadPoint]:
    points = []
    for door in doors:
        out = ReadPoint(f"{door.name}.out", door.device, 1, "portal", "outside", door.dock)
        points += [out, ReadPoint(f"{door.name}.in", door.device, 2, "portal", "inside", door.dock)]
    return [
        *points,
        ReadPoint("conv-1.scan", "conv-1-r", 1, "conveyor", None, "CONV-1"),
        ReadPoint("conv-1.pack", "conv-1-r", 2, "conveyor", None, "PACK-1"),
        ReadPoint("stage.in", "stage-r", 1, "zone", None, "STAGE-IN"),
        ReadPoint("stage.out", "stage-r", 2, "zone", None, "STAGE-OUT-1"),
    ]
