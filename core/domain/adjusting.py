"""A correction of stock: what a person says of a shelf, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """A difference between the book and the shelf, and why."""

    owner: str
    sku: str
    location: str
    delta: int
    reason: str
    status: str = "available"
    epcs: tuple[str, ...] = ()
