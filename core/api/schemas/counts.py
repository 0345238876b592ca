"""Bodies of counts: which bins, and what was found in one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from core.api.fields import Body, Sku, choice, no_repeats, whole
from core.api.schemas.absent import ABSENT
from core.api.schemas.floor import STATUSES, Code, Key, Scope, Worker
from core.application.stocktake import CountedGoods


class CountsIn(Body):
    """Bins to count, each on its own."""

    locations: Annotated[list[Code], no_repeats()] = Field(min_length=1, max_length=500)
    reason: Annotated[str, choice("zero_check", "doubt", "hand", "sweep")] = Field(default="hand")


class PlanCountsIn(Body):
    """How many of the bins that are due, and of which zone."""

    limit: Annotated[int, whole(1, 1000)] = 50
    zone: Code = Field(default=ABSENT)


class NextCountIn(Body):
    """Who asks for a bin to count."""

    worker: Worker
    zone: Code = Field(default=ABSENT)


class CountedLineIn(Body):
    """So many without tags of an item; loose, or in a handling unit that stands in the bin."""

    sku: Sku
    quantity: Annotated[int, whole(0, 1_000_000)]
    lot: Code = Field(default=ABSENT)
    handling_unit: Key = Field(default=ABSENT)
    status: Annotated[str, choice(*STATUSES)] = Field(default="available")
    owner: Scope = Field(default=ABSENT)

    def goods(self, owner: str) -> CountedGoods:
        """The line for its owner."""
        return CountedGoods(
            owner=owner,
            sku=self.sku,
            quantity=self.quantity,
            lot=self.lot,
            handling_unit=self.handling_unit,
            status=self.status,
        )


class SubmitCountIn(Body):
    """Everything in the bin: what is not named is not there."""

    worker: Worker
    lines: list[CountedLineIn] = Field(default_factory=list, max_length=1000)
    epcs: Annotated[list[Key], no_repeats()] = Field(default_factory=list, max_length=5000)
