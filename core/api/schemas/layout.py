"""The layout document: every field's limits, and its way into the domain's rows."""

from __future__ import annotations

from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from contracts.gs1.keys import KeyRefusedError, parse_gtin
from core.api.fields import NAME, Body, Sku, choice, fail, no_repeats, text, whole
from core.domain.items import CURRENCY, MAX_MONEY
from core.domain.layout import (
    AgentRow,
    DeviceRow,
    ItemRow,
    Layout,
    LocationRow,
    OwnerRow,
    PickFaceRow,
    PortalRow,
    ReadPointRow,
)


def _metres(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise fail("type", "This must be a number of metres.")
    if not -100_000 <= value <= 100_000:
        raise fail("range", "This must be between -100000 and 100000 metres.")
    return float(value)


def _figure(low: float, high: float) -> BeforeValidator:
    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise fail("type", "This must be a number.")
        if not low <= value <= high:
            raise fail("range", f"This must be between {low:g} and {high:g}.")
        return float(value)

    return BeforeValidator(check)


def _gtin(value: Any) -> str:
    if not isinstance(value, str):
        raise fail("type", "This must be a text.")
    try:
        return parse_gtin(value)
    except KeyRefusedError:
        raise fail("format", "This is no GTIN: check its length and check digit.") from None


def _timezone(value: Any) -> str:
    if not isinstance(value, str):
        raise fail("type", "This must be a text.")
    try:
        return ZoneInfo(value).key
    except (OSError, ValueError, ZoneInfoNotFoundError):
        raise fail("choice", "This is no IANA time zone, as Europe/Berlin is.") from None


Zone = Annotated[str, BeforeValidator(_timezone), WithJsonSchema({"type": "string"})]
Metres = Annotated[float, BeforeValidator(_metres), WithJsonSchema({"type": "number"})]
Speed = Annotated[float, _figure(0.1, 100), WithJsonSchema({"type": "number"})]
Reach = Annotated[float, _figure(0, 1000), WithJsonSchema({"type": "number"})]
Gtin = Annotated[str, BeforeValidator(_gtin), WithJsonSchema({"type": "string"})]
Code = Annotated[str, text(64)]
Name = Annotated[str, text(64, pattern=NAME)]
Long = Annotated[str, text(1000)]
Small = Annotated[int, whole(0, 1_000_000)]
Level = Annotated[int, whole(0, 2**31 - 1)]
Port = Annotated[int, whole(1, 64)]
_KINDS = (
    "storage", "pick_face", "staging", "dock", "conveyor", "packing", "discrepancy", "transit",
    "supplier", "customer", "loss", "adjustment", "found", "missing",
)  # fmt: skip


class FastestIn(Body):
    """The fastest way between two read points' places, by portal name or location code."""

    between: Annotated[list[Code], no_repeats()] = Field(min_length=2, max_length=2)
    seconds: Annotated[int, whole(0, 86_400)]


class TravelIn(Body):
    """How fast goods can travel here: a tag that was faster is there twice.

    Top speed in m/s, how far a reader hears in metres, how far clocks may differ in seconds.
    """

    speed_m_s: Speed = 8.0
    reach_m: Reach = 15.0
    clock_s: Reach = 2.0
    minimum: list[FastestIn] = Field(default_factory=list, max_length=1000)


class CountRuleIn(Body):
    """How far book and bin may be apart, in base units, before a second person reconciles."""

    limit_units: Annotated[int, whole(0, 1_000_000)]


class ApprovalIn(Body):
    """How much one person corrects alone: base units, and minor units of a currency."""

    limit_units: Annotated[int, whole(0, 1_000_000)] | None = None
    limit_value: Annotated[int, whole(0, MAX_MONEY)] | None = None
    currency: Annotated[str, text(3, low=3, pattern=CURRENCY)] | None = None

    @model_validator(mode="after")
    def _money(self) -> ApprovalIn:
        if self.limit_value is not None and self.currency is None:
            raise fail("required", "A value needs its currency.")
        return self


class SiteIn(Body):
    """The building."""

    id: Name
    name: Annotated[str, text(128)]
    timezone: Zone = Field(default="UTC")
    travel: TravelIn | None = None
    counts: CountRuleIn | None = None
    adjustments: ApprovalIn | None = None


class OwnerIn(Body):
    """Whose stock."""

    owner: Code
    name: Annotated[str, text(128)]
    gs1_prefix: Annotated[str, text(12, low=6)] | None = None


class LocationIn(Body):
    """A place, real or virtual."""

    code: Code
    kind: Annotated[str, choice(*_KINDS)]
    zone: Code | None = None
    aisle: Code | None = None
    bay: Small | None = None
    level: Small | None = None
    x_m: Metres | None = None
    y_m: Metres | None = None
    width_m: Metres | None = None
    depth_m: Metres | None = None
    capacity_units: Level | None = None
    walk_order: Small = 0


class PortalIn(Body):
    """A portal and the places it joins; modes by direction."""

    portal: Name
    door: Code
    inside: Code
    modes: dict[
        Annotated[str, choice("in", "out")],
        Annotated[str, choice("observe", "propose", "book")],
    ] = Field(default_factory=dict)


class AgentIn(Body):
    """An edge agent."""

    agent: Annotated[str, text(128, pattern=NAME)]
    cell: Name = "site"


class DeviceIn(Body):
    """A device of an agent; output ports by what they switch."""

    agent: Annotated[str, text(128, pattern=NAME)]
    device: Name
    driver: Name = "llrp"
    outputs: dict[Name, Port] = Field(default_factory=dict)
    belts: list[Code] = Field(default_factory=list, max_length=64)


class ReadPointIn(Body):
    """What an antenna or an input port is for. A beam's agent is known by its device."""

    read_point: Code
    agent: Annotated[str, text(128, pattern=NAME)]
    device: Name
    antenna: Port | None = None
    gpi_port: Port | None = None
    role: Annotated[str, choice("portal", "beam", "zone", "conveyor", "station")]
    portal: Name | None = None
    side: Annotated[str, choice("inside", "outside")] | None = None
    location: Code | None = None
    x_m: Metres | None = None
    y_m: Metres | None = None


class ItemIn(Body):
    """An item with its levels."""

    owner: Code
    sku: Sku
    name: Long
    gtin: Gtin | None = None
    uom: Code = "EA"
    min: Level | None = None
    max: Level | None = None
    weight_g: Level | None = None
    volume_ml: Level | None = None
    tracking: Annotated[str, choice("none", "lot", "serial", "both")] = "none"


class PickFaceIn(Body):
    """A pick face with its levels for an item."""

    location: Code
    owner: Code
    sku: Sku
    min: Level
    max: Level


class LayoutIn(Body):
    """A site's layout as one document."""

    site: SiteIn
    owners: list[OwnerIn] = Field(default_factory=list, max_length=1000)
    locations: list[LocationIn] = Field(default_factory=list, max_length=100_000)
    portals: list[PortalIn] = Field(default_factory=list, max_length=1000)
    agents: list[AgentIn] = Field(default_factory=list, max_length=1000)
    devices: list[DeviceIn] = Field(default_factory=list, max_length=10_000)
    read_points: list[ReadPointIn] = Field(default_factory=list, max_length=10_000)
    items: list[ItemIn] = Field(default_factory=list, max_length=100_000)
    pick_faces: list[PickFaceIn] = Field(default_factory=list, max_length=100_000)

    def rows(self) -> Layout:
        """The document as the domain's rows."""
        return Layout(
            name=self.site.name,
            timezone=self.site.timezone,
            travel=None if self.site.travel is None else self.site.travel.model_dump(),
            counts=None if self.site.counts is None else self.site.counts.model_dump(),
            adjustments=(
                None if self.site.adjustments is None else self.site.adjustments.model_dump()
            ),
            owners=tuple(OwnerRow(**row.model_dump()) for row in self.owners),
            locations=tuple(LocationRow(**row.model_dump()) for row in self.locations),
            portals=tuple(PortalRow(**row.model_dump()) for row in self.portals),
            agents=tuple(AgentRow(**row.model_dump()) for row in self.agents),
            devices=tuple(
                DeviceRow(**{**row.model_dump(), "belts": tuple(row.belts)}) for row in self.devices
            ),
            read_points=tuple(ReadPointRow(**row.model_dump()) for row in self.read_points),
            items=tuple(_item(row) for row in self.items),
            pick_faces=tuple(
                PickFaceRow(
                    location=row.location, owner=row.owner, sku=row.sku, low=row.min, high=row.max
                )
                for row in self.pick_faces
            ),
        )


def _item(row: ItemIn) -> ItemRow:
    return ItemRow(
        owner=row.owner,
        sku=row.sku,
        name=row.name,
        gtin=row.gtin,
        uom=row.uom,
        minimum=row.min,
        maximum=row.max,
        weight_g=row.weight_g,
        volume_ml=row.volume_ml,
        tracking=row.tracking,
    )
