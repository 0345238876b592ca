"""The layout of a site as plain rows, and the check that they fit together.

Virtual places close the double entry: one of each kind is required; codes are unique per site.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from core.domain.errors import FieldError
from core.domain.stock import VIRTUAL_KINDS

PHYSICAL_KINDS = frozenset(
    {"storage", "pick_face", "staging", "dock", "conveyor", "packing", "discrepancy", "transit"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerRow:
    """Whose stock the site keeps."""

    owner: str
    name: str
    gs1_prefix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationRow:
    """A place; metres from the site's origin to its corner."""

    code: str
    kind: str
    zone: str | None = None
    aisle: str | None = None
    bay: int | None = None
    level: int | None = None
    x_m: float | None = None
    y_m: float | None = None
    width_m: float | None = None
    depth_m: float | None = None
    capacity_units: int | None = None
    walk_order: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalRow:
    """A portal joins a door and the place inside it; modes are for a new portal only."""

    portal: str
    door: str
    inside: str
    modes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """An edge agent and its cell."""

    agent: str
    cell: str = "site"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRow:
    """A reader, scanner or sensor of an agent."""

    agent: str
    device: str
    driver: str = "llrp"
    outputs: Mapping[str, int] = field(default_factory=dict)
    belts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPointRow:
    """What an antenna or input is for."""

    read_point: str
    agent: str
    device: str
    role: str
    antenna: int | None = None
    gpi_port: int | None = None
    portal: str | None = None
    side: str | None = None
    location: str | None = None
    x_m: float | None = None
    y_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """An item of an owner; `min` and `max` are stock levels in base units."""

    owner: str
    sku: str
    name: str
    gtin: str | None = None
    uom: str = "EA"
    minimum: int | None = None
    maximum: int | None = None
    weight_g: int | None = None
    volume_ml: int | None = None
    tracking: str = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class PickFaceRow:
    """A location that pickers are fed from, with its levels for an item."""

    location: str
    owner: str
    sku: str
    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One layout document."""

    name: str
    timezone: str
    owners: tuple[OwnerRow, ...] = ()
    locations: tuple[LocationRow, ...] = ()
    portals: tuple[PortalRow, ...] = ()
    agents: tuple[AgentRow, ...] = ()
    devices: tuple[DeviceRow, ...] = ()
    read_points: tuple[ReadPointRow, ...] = ()
    items: tuple[ItemRow, ...] = ()
    pick_faces: tuple[PickFaceRow, ...] = ()
    travel: Mapping[str, object] | None = None
    counts: Mapping[str, object] | None = None
    adjustments: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class KnownLayout:
    """What the site has already: location codes with kinds, owners, agents, devices, SKUs."""

    locations: Mapping[str, str]
    owners: frozenset[str]
    agents: frozenset[str]
    devices: frozenset[tuple[str, str]]
    portals: frozenset[str]
    items: frozenset[tuple[str, str]]


def check_layout(layout: Layout, known: KnownLayout) -> tuple[FieldError, ...]:
    """Every reference that leads nowhere, every name given twice, every missing virtual place."""
    kinds = {**known.locations, **{row.code: row.kind for row in layout.locations}}
    owners = known.owners | {row.owner for row in layout.owners}
    agents = known.agents | {row.agent for row in layout.agents}
    devices = known.devices | {(row.agent, row.device) for row in layout.devices}
    portals = known.portals | {row.portal for row in layout.portals}
    items = known.items | {(row.owner, row.sku) for row in layout.items}
    errors = [
        *_twice("/owners", (row.owner for row in layout.owners)),
        *_twice("/locations", (row.code for row in layout.locations)),
        *_twice("/portals", (row.portal for row in layout.portals)),
        *_twice("/agents", (row.agent for row in layout.agents)),
        *_twice("/devices", ((row.agent, row.device) for row in layout.devices)),
        *_twice("/read_points", (row.read_point for row in layout.read_points)),
        *_twice("/items", ((row.owner, row.sku) for row in layout.items)),
    ]
    for n, portal in enumerate(layout.portals):
        for name, code in (("door", portal.door), ("inside", portal.inside)):
            if kinds.get(code, "supplier") in VIRTUAL_KINDS:
                errors.append(_nowhere(f"/portals/{n}/{name}", "location"))
    for n, device in enumerate(layout.devices):
        if device.agent not in agents:
            errors.append(_nowhere(f"/devices/{n}/agent", "agent"))
    for n, point in enumerate(layout.read_points):
        errors += _check_read_point(point, f"/read_points/{n}", devices, portals, kinds)
    for n, item in enumerate(layout.items):
        if item.owner not in owners:
            errors.append(_nowhere(f"/items/{n}/owner", "owner"))
    for n, face in enumerate(layout.pick_faces):
        if kinds.get(face.location) not in PHYSICAL_KINDS:
            errors.append(_nowhere(f"/pick_faces/{n}/location", "location"))
        if (face.owner, face.sku) not in items:
            errors.append(_nowhere(f"/pick_faces/{n}/sku", "item"))
    for kind in sorted((VIRTUAL_KINDS | {"discrepancy"}) - set(kinds.values())):
        detail = f"The site needs a place of kind {kind}."
        errors.append(FieldError("/locations", "required", detail))
    return tuple(errors)


def _check_read_point(
    point: ReadPointRow,
    pointer: str,
    devices: frozenset[tuple[str, str]],
    portals: frozenset[str],
    kinds: Mapping[str, str],
) -> list[FieldError]:
    errors = []
    if (point.agent, point.device) not in devices:
        errors.append(_nowhere(f"{pointer}/device", "device"))
    if point.portal is not None and point.portal not in portals:
        errors.append(_nowhere(f"{pointer}/portal", "portal"))
    if point.location is not None and point.location not in kinds:
        errors.append(_nowhere(f"{pointer}/location", "location"))
    if (point.antenna is None) == (point.gpi_port is None):
        detail = "A read point has an antenna or an input port, one of the two."
        errors.append(FieldError(pointer, "required", detail))
    return errors


def _nowhere(pointer: str, thing: str) -> FieldError:
    return FieldError(pointer, "choice", f"There is no such {thing} in the document or the site.")


def _twice(pointer: str, names: Iterable[object]) -> list[FieldError]:
    seen: set[object] = set()
    errors = []
    for n, name in enumerate(names):
        if name in seen:
            errors.append(FieldError(f"{pointer}/{n}", "duplicate", "This is named twice."))
        seen.add(name)
    return errors
