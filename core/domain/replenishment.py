"""Replenishment: which pick faces are low, and from which storage quants they are filled up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.domain.reservation import Candidate, pick_order


@dataclass(frozen=True, slots=True)
class Face:
    """A pick face: what is there, what of it orders have reserved, what is on its way."""

    location_id: int
    owner_id: str
    item_id: int
    min_quantity: int
    max_quantity: int
    on_hand: int
    reserved: int
    coming: int

    @property
    def left(self) -> int:
        """What the face will hold once its reserved goods are gone and what comes is there."""
        return self.on_hand - self.reserved + self.coming

    @property
    def wanted(self) -> int:
        """How much fills it up; nothing while it is not below its minimum."""
        return self.max_quantity - self.left if self.left < self.min_quantity else 0


@dataclass(frozen=True, slots=True)
class Refill:
    """So much of this quant for that face."""

    face: Face
    candidate: Candidate
    quantity: int


def plan_refills(faces: Iterable[Face], candidates: Iterable[Candidate]) -> list[Refill]:
    """Fill faces in the order given from storage alone, first expired and oldest first."""
    stock = sorted((c for c in candidates if c.kind == "storage"), key=pick_order)
    free = {c.quant_id: c.free for c in stock}
    refills = []
    for face in faces:
        left = face.wanted
        for candidate in stock:
            part = min(left, free[candidate.quant_id])
            if candidate.item_id == face.item_id and part > 0:
                refills.append(Refill(face, candidate, part))
                free[candidate.quant_id] -= part
                left -= part
    return refills
