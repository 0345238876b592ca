"""What a gateway's decision writes: cursors, dead letters, holds, positions, passes, status, belts.

Everything of one decided group goes into one transaction behind the epoch fence of its cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

from core.domain.errors import Unavailable
from core.domain.travel import Spot, Travel


class StreamKey(NamedTuple):
    """One spool's life."""

    agent: str
    boot: int


@dataclass(frozen=True, slots=True)
class CursorRow:
    """Where a stream stands in the ledger, and the digest of the message it stands on."""

    seq: int
    digest: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CursorAdvance:
    """`messages + dead_messages` places taken by one group, ending at `seq`; readings beside."""

    agent: str
    boot: int
    seq: int
    digest: bytes
    messages: int = 0
    dead_messages: int = 0
    applied: int = 0
    held: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Bytes kept with a reason code; placed ones name their seq, others are counted by digest."""

    topic: str
    code: str
    pointer: str | None
    payload: bytes
    digest: bytes
    received_at: int
    agent: str | None = None
    boot: int | None = None
    seq: int | None = None
    index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldTag:
    """Readings of one EPC that move nothing until it is commissioned, bound or released."""

    epc: str
    code: str
    agent: str
    device: str
    antenna: int | None
    first_seen_at: int
    last_seen_at: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionWrite:
    """Where a tag or handling unit is thought to be; `changed` writes a position_change too."""

    subject: str
    location_id: int | None
    confidence: float
    since: int
    last_seen_at: int
    read_point: str | None
    agent: str
    boot: int
    seq: int
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PassOpening:
    """A pass row at its opening: its id and first stream place outlive the gateway."""

    pass_id: UUID
    portal: str
    opened_at: int
    agent: str
    boot: int
    seq: int
    thresholds: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PassTag:
    """One tag of a pass: outcome against the expected list or reject reason, features, evidence."""

    epc: str
    epc_key: str | None
    outcome: str
    reason: str | None
    features: Mapping[str, object]
    evidence: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class PassRow:
    """A pass after a decision; `closed_at` None while only the early verdict is out."""

    pass_id: UUID
    state: str
    verdict: str | None
    mode: str | None
    confidence: float
    closed_at: int | None
    decider: str | None
    decider_at: int | None
    decided_at: int | None
    features: Mapping[str, object]
    visit_id: UUID | None = None
    tags: Sequence[PassTag] = ()


@dataclass(frozen=True, slots=True)
class OpenPass:
    """A pass that was open when its gateway was lost."""

    pass_id: UUID
    portal: str
    opened_at: int
    agent: str
    boot: int
    seq: int


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """A device as its agent sees it; `health` is what the status says beside its state."""

    device: str
    state: str
    health: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConfigReport:
    """Which configuration an agent runs (0 = its local file), and what became of the last offer."""

    version: int
    offered: int
    state: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStatusRow:
    """The newest status of an agent; it moves no stock."""

    agent: str
    state: str
    boot: int
    seq: int
    sent_at: int
    received_at: int
    spooled: int | None = None
    free_bytes: int | None = None
    oldest_at: int | None = None
    clock_offset_ms: float | None = None
    version: str | None = None
    devices: Sequence[DeviceReport] = field(default=())
    config: ConfigReport | None = None


@dataclass(frozen=True, slots=True)
class ReadPointRow:
    """What an antenna or input is for."""

    read_point: str
    agent: str
    device: str
    antenna: int | None
    gpi_port: int | None
    role: Literal["portal", "beam", "zone", "conveyor", "station"]
    portal: str | None
    side: Literal["inside", "outside"] | None
    location_id: int | None


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A registered device with its belts and its output ports by name."""

    agent: str
    device: str
    driver: str
    belts: tuple[str, ...]
    outputs: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PortalRow:
    """A portal with its door and the settings that override the gateway's thresholds."""

    portal: str
    cell: str
    door_location_id: int
    inside_location_id: int
    settings: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RegistryRows:
    """All that a cell's gateway must know of the layout."""

    agents: Mapping[str, tuple[str, str]]  # agent: (cell, state)
    devices: tuple[DeviceRow, ...]
    read_points: tuple[ReadPointRow, ...]
    portals: tuple[PortalRow, ...]
    locations: Mapping[str, int]
    jammed: frozenset[str]
    spots: Mapping[str, Spot] = field(default_factory=dict)
    travel: Travel | None = None


@dataclass(frozen=True, slots=True)
class PositionRow:
    """A standing position, for a gateway that starts."""

    subject: str
    location_id: int | None
    since: int
    last_seen_at: int
    read_point: str | None


Standing = Literal["unit", "handling_unit", "location", "retired"]


class CellLost(Exception):
    """The cell's epoch has moved on: another gateway holds it, nothing was written."""


class CursorMoved(Unavailable):
    """A stream's cursor is not where this gateway believes it: read the cursors again and retry."""


class TrackingStore(Protocol):
    """The tracking tables of one site inside one transaction."""

    async def fence(self, *, cell: str, epoch: int) -> None:
        """Hold the cell's row until commit; raises `CellLost` when the epoch is not the cell's."""

    async def advance(self, cursors: Sequence[CursorAdvance], *, epoch: int, now: int) -> None:
        """Move each cursor from `seq - places` to `seq`, else raise `CursorMoved`."""

    async def cursors(self) -> dict[StreamKey, CursorRow]:
        """Every stream's cursor."""

    async def keep(self, letters: Sequence[DeadLetter]) -> None:
        """Write dead letters; an unplaced one known by its bytes is counted, at most 1,000 rows."""

    async def waiting(self) -> dict[str, tuple[int, int]]:
        """Placed dead letters kept per agent: rows and bytes."""

    async def hold(self, tags: Sequence[HeldTag]) -> None:
        """Write or count held readings."""

    async def standing(self, keys: Sequence[str]) -> dict[str, Standing]:
        """What known keys stand for; unknown ones are absent."""

    async def place(
        self, positions: Sequence[PositionWrite], *, now: int
    ) -> list[dict[str, object]]:
        """Write positions and their changes; returns the handling units that moved."""

    async def positions(self, *, seen_after: int) -> list[PositionRow]:
        """Positions still fresh."""

    async def open_passes(self) -> list[OpenPass]:
        """Passes that are open in the book."""

    async def begin_passes(self, passes: Sequence[PassOpening], *, epoch: int) -> None:
        """Write the rows of passes that open now; one that exists is left as it is."""

    async def write_pass(self, row: PassRow, *, epoch: int) -> bool:
        """Write a verdict or the end of an open pass with its tags; False when it is not open."""

    async def ready_totes(self, keys: Sequence[str]) -> frozenset[str]:
        """Those of these totes that hold an order picked in full."""

    async def agent_status(self, rows: Sequence[AgentStatusRow], *, now: int) -> None:
        """Keep the newest status per agent and its devices' states."""

    async def heard(self, last_reads: Mapping[tuple[str, str], int]) -> None:
        """Note when each (agent, device) last delivered a reading."""

    async def jams(self, changes: Mapping[str, int | None]) -> None:
        """Belts that jammed (since when) or were cleared (None)."""

    async def registry(self) -> RegistryRows:
        """The layout as the gateway needs it."""
