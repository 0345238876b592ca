"""The outcome of a pass as data: verdict, light, tag outcomes, and what booking it would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from core.domain.expected import Crossing, Mode
from core.domain.stock import Move, Place
from core.domain.tags import Document

Direction = Literal["in", "out", "not_crossed", "undecided"]
Verdict = Literal["matched", "missing", "unexpected", "wrong_door", "undecided", "not_crossed"]
Light = Literal["green", "amber", "red"]
Outcome = Literal[
    "matched", "missing", "unexpected", "wrong_door", "unknown", "not_seen", "rejected"
]


@dataclass(frozen=True, slots=True)
class LoadClass:
    """What the tracker says of one load, in normal keys. `early`: the pass is still open."""

    direction: Direction
    crossed: frozenset[str]
    rejected: Mapping[str, str] = field(default_factory=dict)
    early: bool = False


@dataclass(frozen=True, slots=True)
class TagOutcome:
    """What became of one tag. `not_seen` and `missing` ones were not read by this pass."""

    epc_key: str
    outcome: Outcome
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """One announced unit received (+1) or carried back out (-1)."""

    asn_id: UUID
    line_no: int
    epc_key: str
    change: int


@dataclass(frozen=True, slots=True)
class Loading:
    """A handling unit of a shipment put on the truck or taken off it."""

    shipment_id: UUID
    handling_unit_id: UUID
    loaded: bool


@dataclass(frozen=True, slots=True)
class Handling:
    """The new state and place of a handling unit; no place means it is not in the building.

    `parent_id` is what still holds it: a unit carried without its holder leaves it.
    """

    handling_unit_id: UUID
    epc_key: str
    state: str
    place: Place | None
    parent_id: UUID | None


@dataclass(frozen=True, slots=True)
class Notice:
    """An exception for the floor; one live row per (kind, subject)."""

    kind: str
    severity: Literal["info", "warning", "critical"]
    subject: str
    message: str
    owner_id: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Work:
    """A task the pass calls for: putaway of a received load, or a discrepancy to clear."""

    kind: Literal["putaway", "discrepancy"]
    owner_id: str | None
    quantity: int
    source_location_id: int
    item_id: int | None = None
    lot_id: int | None = None
    handling_unit_id: UUID | None = None
    epc_key: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The same for an early verdict and the final one; only `book_pass` turns it into stock.

    `documents` are to open the visit or join it; `cleared` names subjects whose exceptions this
    pass settles; `strangers` are tags on the truck that its list does not name.
    """

    direction: Direction
    verdict: Verdict
    light: Light | None
    mode: Mode
    tags: tuple[TagOutcome, ...]
    documents: frozenset[Document] = frozenset()
    moves: tuple[Move, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    loadings: tuple[Loading, ...] = ()
    handling: tuple[Handling, ...] = ()
    work: tuple[Work, ...] = ()
    notices: tuple[Notice, ...] = ()
    cleared: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()

    @property
    def crossing(self) -> Crossing | None:
        """The direction when the load crossed."""
        if self.direction == "in" or self.direction == "out":
            return self.direction
        return None

    @property
    def complete(self) -> bool:
        """Whether all content known to belong to this load is read: a verdict may go out early."""
        return all(tag.outcome != "missing" for tag in self.tags)

    @property
    def alarming(self) -> bool:
        """Whether the load holds what must not be here: red at once, whatever is still unread."""
        return self.verdict in ("wrong_door", "unexpected")
