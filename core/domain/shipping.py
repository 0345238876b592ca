"""Shipping: a shipment, what must be on the truck, and the word that follows from the load."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from core.domain.states import SHIPMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentUnit:
    """One handling unit that the shipment must hold at the door."""

    handling_unit_id: UUID
    fulfilment_id: UUID | None = None
    loaded_at: int | None = None
    pass_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """Goods for one truck of one owner."""

    shipment_id: UUID
    owner_id: str
    state: str
    units: tuple[ShipmentUnit, ...]
    external_id: str | None = None
    carrier: str | None = None
    portal: str | None = None
    shipped_at: int | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether nothing is missing on the truck."""
        return bool(self.units) and all(unit.loaded_at is not None for unit in self.units)

    def moved(self, state: str) -> Shipment:
        """This shipment in `state`; refused when the table does not allow it."""
        return replace(self, state=SHIPMENT.check(self.state, state))

    def with_unit(
        self, handling_unit_id: UUID, *, loaded_at: int | None, pass_id: UUID | None
    ) -> Shipment:
        """Mark one unit as on the truck, or as off it again."""
        units = tuple(
            replace(unit, loaded_at=loaded_at, pass_id=pass_id)
            if unit.handling_unit_id == handling_unit_id
            else unit
            for unit in self.units
        )
        return replace(self, units=units)


def at_the_door(shipment: Shipment) -> Shipment:
    """Its first unit reaches the door: cross-docked shipments skip their lane."""
    for state in ("staged", "verifying"):
        if SHIPMENT.allows(shipment.state, state):
            shipment = shipment.moved(state)
    return shipment


def verified_word(shipment: Shipment) -> Shipment:
    """verified when nothing is missing, else verifying; a held one stays held until resumed."""
    if shipment.state == "verifying" and shipment.is_loaded:
        return shipment.moved("verified")
    if shipment.state == "verified" and not shipment.is_loaded:
        return shipment.moved("verifying")
    return shipment
