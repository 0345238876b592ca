"""Bodies of floor work: picking, totes, packing, staging, shipments, stock corrections."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from core.api.fields import Body, ExternalId, Sku, choice, no_repeats, text, whole
from core.api.schemas.absent import ABSENT

Key = Annotated[str, text(160)]
Code = Annotated[str, text(64)]
OrderId = Annotated[str, text(36)]
Scope = Annotated[str, text(64)]
Worker = Annotated[str, text(64)]
Count = Annotated[int, whole(1, 1_000_000)]
STATUSES = ("available", "quality", "hold", "damaged", "expired")


class NextPick(Body):
    """Who asks for work, and the tote on the cart."""

    worker: Worker
    tote: Key = Field(default=ABSENT)


class ConfirmPick(Body):
    """Goods in the tote; `epcs` names the tags when the goods have some."""

    quantity: Count
    tote: Key
    epcs: Annotated[list[Key], no_repeats()] = Field(default_factory=list, max_length=5000)


class ShortPick(Body):
    """What there was in all (`picked`), and why not more."""

    picked: Annotated[int, whole(0, 1_000_000)]
    reason: Annotated[str, choice("missing", "damaged", "unreachable")]
    tote: Key = Field(default=ABSENT)
    epcs: Annotated[list[Key], no_repeats()] = Field(default_factory=list, max_length=5000)


class ToteIn(Body):
    """A tote by its GRAI: key, element string, URN or EPC in hex."""

    key: Key


class PackIn(Body):
    """The tote to pack, and where."""

    tote: Key
    station: Code


class StageIn(Body):
    """A carton or pallet, and its lane."""

    handling_unit: Key
    location: Code


class ShipmentIn(Body):
    """Whole orders or named handling units for one truck."""

    order_ids: list[OrderId] = Field(default_factory=list, max_length=500)
    handling_units: list[Key] = Field(default_factory=list, max_length=500)
    portal: Code = Field(default=ABSENT)
    carrier: Code = Field(default=ABSENT)
    external_id: ExternalId = Field(default=ABSENT)


class PalletizeIn(Body):
    """Cartons of the shipment that go on one pallet."""

    pallet_key: Key = Field(default=ABSENT)
    handling_units: list[Key] = Field(min_length=1, max_length=500)


class AdjustmentIn(Body):
    """A correction of stock at a place, with its reason."""

    sku: Sku
    location: Code
    delta: Annotated[int, whole(-1_000_000, 1_000_000)]
    reason: Annotated[str, choice("count", "damage", "loss", "found", "expired", "other")]
    status: Annotated[str, choice(*STATUSES)] = Field(default="available")
    epcs: Annotated[list[Key], no_repeats()] = Field(default_factory=list, max_length=5000)
    site: Scope = Field(default=ABSENT)
    owner: Scope = Field(default=ABSENT)


class StatusChangeIn(Body):
    """So many of an item that change their status where they lie."""

    sku: Sku
    location: Code = Field(default=ABSENT)
    handling_unit: Key = Field(default=ABSENT)
    from_status: Annotated[str, choice(*STATUSES)]
    to_status: Annotated[str, choice(*STATUSES)]
    quantity: Count
    reason: Annotated[str, choice("quality", "damage", "customer", "count", "released", "other")]
    lot: Code = Field(default=ABSENT)
    epcs: Annotated[list[Key], no_repeats()] = Field(default_factory=list, max_length=5000)
    site: Scope = Field(default=ABSENT)
    owner: Scope = Field(default=ABSENT)


class MoveIn(Body):
    """A floor move: a handling unit, one tagged unit, or a quantity from a place."""

    handling_unit: Key = Field(default=ABSENT)
    epc: Key = Field(default=ABSENT)
    sku: Sku = Field(default=ABSENT)
    quantity: Count = Field(default=ABSENT)
    from_: Code = Field(default=ABSENT, alias="from")
    to: Code
    owner: Scope = Field(default=ABSENT)
