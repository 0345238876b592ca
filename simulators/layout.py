"""The demo site as the documents which the product's imports take: layout as JSON, stock as CSV.

Built from `simulators.site` alone; the same site gives the same document, byte for byte.
"""

from __future__ import annotations

from simulators.catalog import OWNER, OWNER_PREFIX
from simulators.site import (
    BEAM_Y_M,
    GPI_BELT,
    GPI_INNER,
    GPI_OUTER,
    GPO_AMBER,
    GPO_DIVERT,
    GPO_GREEN,
    GPO_RED,
    SITE_ID,
    VIRTUAL,
    Device,
    Door,
    Place,
    Site,
)

Document = dict[str, object]


def layout_document(site: Site, *, modes: dict[str, str] | None = None) -> Document:
    """Everything `POST /v1/imports/layout` takes; `modes` names each portal's mode (book)."""
    chosen = modes or {}
    return {
        "site": {"id": SITE_ID, "name": "Demo warehouse", "timezone": "Europe/Berlin"},
        "owners": [{"owner": OWNER, "name": "Acme Goods", "gs1_prefix": OWNER_PREFIX}],
        "locations": [
            _location(place, order) for order, place in enumerate(site.places) if _real(place)
        ]
        + [{"code": code, "kind": code.lower()} for code in VIRTUAL],
        "portals": [_portal(door, chosen.get(door.name, "book")) for door in site.doors],
        "agents": [
            {"agent": agent, "cell": "site"} for agent in sorted({d.agent for d in site.devices})
        ],
        "devices": [_device(device) for device in site.devices],
        "read_points": _read_points(site),
        "items": [
            {
                "owner": OWNER,
                "sku": item.sku,
                "name": item.name,
                "gtin": item.gtin,
                "uom": "each",
                "min": 20,
                "max": 200,
                "weight_g": item.weight_g,
                "volume_ml": 2 * item.weight_g,
                "tracking": "none",
            }
            for item in site.items
        ],
        "pick_faces": [
            {
                "location": face.location,
                "owner": OWNER,
                "sku": face.sku,
                "min": face.low,
                "max": face.high,
            }
            for face in site.faces
        ],
    }


def stock_csv(site: Site) -> str:
    """The first stock for `POST /v1/imports/stock`: untagged goods on the shelves."""
    rows = [f"{line.location},{line.sku},{line.quantity}" for line in site.stock]
    return "\n".join(["location,sku,quantity", *rows]) + "\n"


def _real(place: Place) -> bool:
    return place.zone != "virtual"


def _location(place: Place, order: int) -> Document:
    return {
        "code": place.code,
        "kind": place.kind,
        "zone": place.zone,
        "aisle": place.aisle,
        "bay": int(place.bay) if place.bay else None,
        "level": int(place.level) if place.level else None,
        "x_m": round(place.x or 0.0, 2),
        "y_m": round(place.y or 0.0, 2),
        "width_m": place.width,
        "depth_m": place.depth,
        "capacity_units": 80 if place.kind in ("storage", "pick_face") else None,
        "walk_order": order,
    }


def _portal(door: Door, mode: str) -> Document:
    return {
        "portal": door.name,
        "door": door.dock,
        "inside": "STAGE-IN",
        "modes": {"in": mode, "out": mode},
    }


def _device(device: Device) -> Document:
    if device.kind == "portal":
        outputs = {"green": GPO_GREEN, "amber": GPO_AMBER, "red": GPO_RED}
    else:
        outputs = {"divert": GPO_DIVERT} if device.name == "conv-1-r" else {}
    belts = ["CONV-1"] if device.name == "conv-1-r" else []
    return {
        "agent": device.agent,
        "device": device.name,
        "driver": "llrp",
        "outputs": outputs,
        "belts": belts,
    }


def _read_points(site: Site) -> list[Document]:
    points: list[Document] = []
    for point in site.read_points:
        device = site.device(point.device)
        x, y, _ = next(a.place for a in device.antennas if a.port == point.port)
        portal = device.agent if device.kind == "portal" else None
        points.append(
            {
                "read_point": point.name,
                "agent": device.agent,
                "device": point.device,
                "antenna": point.port,
                "gpi_port": None,
                "role": point.role,
                "portal": portal,
                "side": point.side,
                "location": point.location,
                "x_m": x,
                "y_m": y,
            }
        )
    for door in site.doors:
        for port, side, y in ((GPI_OUTER, "outside", -BEAM_Y_M), (GPI_INNER, "inside", BEAM_Y_M)):
            points.append(_beam(f"{door.name}.beam-{side}", door.device, port, door, side, y))
    belt = site.device("conv-1-r").antennas[0].place
    points.append(
        {
            **_beam("conv-1.eye", "conv-1-r", GPI_BELT, None, None, belt[1]),
            "agent": "floor-1",
            "location": "CONV-1",
            "x_m": belt[0],
        }
    )
    return points


def _beam(
    name: str, device: str, port: int, door: Door | None, side: str | None, y: float
) -> Document:
    return {
        "read_point": name,
        "agent": door.name if door else None,
        "device": device,
        "antenna": None,
        "gpi_port": port,
        "role": "beam",
        "portal": door.name if door else None,
        "side": side,
        "location": door.dock if door else None,
        "x_m": door.x if door else None,
        "y_m": y,
    }
