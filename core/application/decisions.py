"""What a gateway decided about one drained group, as data; `record_decision` writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from core.application.ports.tags import Suspicion
from core.application.ports.tracking import (
    AgentStatusRow,
    CursorAdvance,
    DeadLetter,
    PassOpening,
    PositionWrite,
    Standing,
    StreamKey,
)
from core.domain.judgement import Direction, Light, Verdict


class SeenTag(NamedTuple):
    """Readings of one EPC at one antenna in a group; `hold` is a code that needs no book."""

    stream: StreamKey
    epc: str
    epc_key: str
    hold: str | None
    device: str
    antenna: int | None
    first_at: int
    last_at: int
    readings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TagCall:
    """One tag of a pass as the radio saw it. `thin` ones cross only if something expects them."""

    epc: str
    crossed: bool
    reason: str | None = None
    thin: bool = False
    features: Mapping[str, object] = field(default_factory=dict)
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict that is out, what decided it, and when it was committed."""

    verdict: Verdict
    decider: str
    decider_at: int
    decided_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PassCall:
    """One load's class at one moment; `early` while the pass is still open. Tags by normal key.

    `decider` names the reading that decided (a read, a beam edge, the closing timer), `decider_at`
    its own time.
    """

    pass_id: UUID
    portal: str
    direction: Direction
    early: bool
    tags: Mapping[str, TagCall]
    confidence: float
    decider: str
    decider_at: int
    occurred_at: int
    closed_at: int | None
    features: Mapping[str, object]
    said: Said | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDecision:
    """Everything one group does to the book. `known` spares look-ups of keys seen lately.

    `suspicions` are tags at two places too soon, `chips` chip numbers by tag, first seen first.
    """

    cell: str
    epoch: int
    cursors: Sequence[CursorAdvance] = ()
    letters: Sequence[DeadLetter] = ()
    tags: Sequence[SeenTag] = ()
    known: Mapping[str, Standing] = field(default_factory=dict)
    statuses: Sequence[AgentStatusRow] = ()
    heard: Mapping[tuple[str, str], int] = field(default_factory=dict)
    jams: Mapping[str, int | None] = field(default_factory=dict)
    positions: Sequence[PositionWrite] = ()
    openings: Sequence[PassOpening] = ()
    calls: Sequence[PassCall] = ()

    totes: Sequence[str] = ()
    suspicions: Sequence[Suspicion] = ()
    chips: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        some = (self.cursors, self.letters, self.statuses, self.jams, self.positions)
        return not any((*some, self.openings, self.calls, self.totes))


@dataclass(frozen=True, slots=True)
class PassVerdict:
    """What was said about a pass; `light` None leaves the lamp as it is."""

    pass_id: UUID
    portal: str
    verdict: Verdict
    light: Light | None
    early: bool
    said: Said


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the commit learned: standing of looked-up keys (None: not known), verdicts said."""

    standing: Mapping[str, Standing | None]
    verdicts: Sequence[PassVerdict]
    refused: Sequence[str] = ()
    ready_totes: frozenset[str] = frozenset()
