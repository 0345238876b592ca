"""Bodies of items: what may be changed of one; null clears a fact."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import model_validator

from core.api.fields import Body, choice, fail, text, whole
from core.api.schemas.layout import Gtin, Long
from core.domain.items import (
    CODE,
    COUNTRY,
    CURRENCY,
    FACTS,
    HS_CODE,
    MAX_MONEY,
    MAX_NUMBER,
    PACKAGING,
    TRACKING,
)

Level = Annotated[int, whole(0, MAX_NUMBER)]
Size = Annotated[int, whole(1, MAX_NUMBER)]
Money = Annotated[int, whole(0, MAX_MONEY)]
Held = Annotated[int, whole(2, MAX_NUMBER)]
Word = Annotated[str, text(32, pattern=CODE)]
# Facts that always have a value.
FIRM = ("tracking", "active", "safety_stock", "name")


class ItemPatch(Body):
    """Facts to change; lengths in mm, weight in g, money in minor units of `currency`."""

    name: Long | None = None
    min: Level | None = None
    max: Level | None = None
    tracking: Annotated[str, choice(*TRACKING)] | None = None
    active: bool | None = None
    safety_stock: Level | None = None
    weight_g: Level | None = None
    volume_ml: Level | None = None
    length_mm: Size | None = None
    width_mm: Size | None = None
    height_mm: Size | None = None
    shelf_life_days: Annotated[int, whole(1, 36_500)] | None = None
    storage_class: Word | None = None
    hazard_class: Annotated[str, text(16, pattern=CODE)] | None = None
    hs_code: Annotated[str, text(12, low=6, pattern=HS_CODE)] | None = None
    origin: Annotated[str, text(2, low=2, pattern=COUNTRY)] | None = None
    standard_cost: Money | None = None
    price: Money | None = None
    currency: Annotated[str, text(3, low=3, pattern=CURRENCY)] | None = None
    case_gtin: Gtin | None = None
    case_quantity: Held | None = None
    pallet_gtin: Gtin | None = None
    pallet_quantity: Held | None = None

    @model_validator(mode="after")
    def _firm(self) -> ItemPatch:
        for name in FIRM:
            if name in self.model_fields_set and getattr(self, name) is None:
                raise fail("type", f"{name} always has a value.")
        return self

    def facts(self) -> dict[str, Any]:
        """The facts that the body names."""
        return {n: getattr(self, n) for n in (*FACTS, *PACKAGING) if n in self.model_fields_set}

    def head(self) -> dict[str, Any]:
        """Name and levels that the body names."""
        return {n: getattr(self, n) for n in ("name", "min", "max") if n in self.model_fields_set}
