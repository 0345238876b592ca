"""What an EPC stands for at this site: a unit of an item, a handling unit, or nothing known.

Facts as the ledger holds them at one moment; `core.domain.passes` compares a load with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from core.domain.stock import Move, Place

DocumentKind = Literal["asn", "shipment"]


@dataclass(frozen=True, slots=True, order=True)
class Document:
    """An ASN or a shipment that a door visit may carry."""

    kind: DocumentKind
    document_id: UUID


@dataclass(frozen=True, slots=True)
class Claim:
    """A live document that names a tag. `portal` is the door where it is open or bound, if any."""

    document: Document
    state: str
    portal: str | None = None
    visit_id: UUID | None = None
    line_no: int | None = None
    done: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """A posted move which a pass of the open visit made and nothing has followed or reversed."""

    move_id: int
    move: Move


@dataclass(frozen=True, slots=True)
class UnitTag:
    """One serialised unit. `announced_in` is the handling unit its ASN announces it in."""

    epc_key: str
    owner_id: str
    item_id: int
    lot_id: int | None
    state: str
    place: Place | None
    claims: tuple[Claim, ...] = ()
    announced_in: UUID | None = None
    came: Past | None = None

    @property
    def handling_unit_id(self) -> UUID | None:
        """What holds it now, or what it is announced in while it is not here yet."""
        return self.announced_in if self.place is None else self.place.handling_unit_id


@dataclass(frozen=True, slots=True)
class Untagged:
    """Stock without serials inside a handling unit, in base units."""

    owner_id: str
    item_id: int
    lot_id: int | None
    status: str
    quantity: int


@dataclass(frozen=True, slots=True)
class HandlingUnitTag:
    """A pallet, carton or tote: where it is, what holds it, and what the book says it holds."""

    epc_key: str
    handling_unit_id: UUID
    kind: str
    owner_id: str | None
    state: str
    place: Place | None
    parent_id: UUID | None = None
    claims: tuple[Claim, ...] = ()
    units: tuple[str, ...] = ()
    announced: tuple[str, ...] = ()
    untagged: tuple[Untagged, ...] = ()
    came: tuple[Past, ...] = ()
