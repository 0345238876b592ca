"""What the use cases of portals need of storage: expected lists, passes and their moves, modes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from core.domain.expected import Expected, Mode
from core.domain.judgement import Judgement
from core.domain.plan import Plan
from core.domain.stock import Move
from core.domain.tags import Past


@dataclass(frozen=True, slots=True, kw_only=True)
class PassRecord:
    """A pass as the book has it, with the tags it read; `crossed` ones were not rejected."""

    pass_id: UUID
    portal: str
    visit_id: UUID | None
    state: str
    booking: str
    mode: str | None
    opened_at: int
    closed_at: int | None
    crossed: frozenset[str]
    rejected: Mapping[str, str]


class DoorStore(Protocol):
    """Expected lists, passes and portal modes of one site inside one transaction."""

    async def expected(
        self,
        portal: str,
        epc_keys: Sequence[str],
        *,
        now: int,
        before: tuple[UUID, int] | None = None,
    ) -> Expected:
        """The snapshot for these tags; `before` (pass, its end) leaves out later passes."""

    async def lock_pass(self, pass_id: UUID) -> PassRecord:
        """Lock a pass and load it with its tags; not-found otherwise."""

    async def add_scanned_pass(self, pass_id: UUID, *, portal: str, state: str, now: int) -> None:
        """A closed pass that a person scanned instead of a reader."""

    async def record_judgement(
        self,
        pass_id: UUID,
        judgement: Judgement,
        *,
        mode: Mode,
        booking: str,
        visit_id: UUID | None,
        plan: Plan | None,
    ) -> None:
        """Write verdict, mode, booking, visit, plan and the outcome of every tag of a pass."""

    async def settle(self, pass_id: UUID, *, state: str, actor: str, now: int) -> None:
        """Write what a person says an undecided pass was."""

    async def set_booking(self, pass_id: UUID, booking: str, *, actor: str, now: int) -> None:
        """Write the booking state of a pass."""

    async def waiting_before(self, visit_id: UUID, closed_at: int) -> int:
        """How many proposed passes of a visit closed before this instant."""

    async def plan_of(self, pass_id: UUID) -> Plan:
        """What the pass planned to move; an empty plan when it has none."""

    async def moves_of(self, pass_id: UUID) -> list[Past]:
        """The unreversed moves of a pass, newest first."""

    async def holding(self, moves: Sequence[Move]) -> list[Move]:
        """Those moves whose goods are where the move takes them from."""

    async def mode(self, portal: str, direction: str, owner: str) -> Mode:
        """Lock a portal; its mode for a direction and owner (`*` for all), else not-found."""

    async def set_mode(
        self, portal: str, direction: str, owner: str, mode: Mode, *, actor: str, now: int
    ) -> None:
        """Write a mode."""
