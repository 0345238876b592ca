"""Portal modes, and the report that says whether a portal may step up.

Stepping up is a person's act, one step at a time; any step down is legal.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.application.ports.uow import UnitOfWork
from core.domain.expected import ANY_OWNER, Mode
from core.domain.states import PORTAL_MODE


@dataclass(frozen=True, slots=True)
class ReportRow:
    """How a portal's verdicts fared in one direction: counts of passes and of tags."""

    direction: str
    passes: int
    undecided: int
    confirmed: int
    dismissed: int
    reversed: int
    tags: int
    agreed: int
    false_accepts: int
    false_rejects: int

    @property
    def agreement(self) -> float | None:
        """Share of the tags with a truth whose verdict was right; None without any."""
        known = self.agreed + self.false_accepts + self.false_rejects
        return None if known == 0 else self.agreed / known

    def may_step_up(self, *, least: int, bar: float) -> bool:
        """Whether enough tags have a truth and the agreement meets the site's bar."""
        known = self.agreed + self.false_accepts + self.false_rejects
        return known >= least and (self.agreement or 0.0) >= bar and self.false_accepts == 0


async def set_portal_mode(
    uow: UnitOfWork,
    *,
    portal: str,
    direction: str,
    owner: str | None,
    mode: Mode,
    now: int,
    actor: str,
) -> Mode:
    """Set a portal's mode for a direction and an owner (None: all owners); the mode before."""
    who = owner if owner is not None else ANY_OWNER
    before = await uow.doors.mode(portal, direction, who)
    if mode != before:
        PORTAL_MODE.check(before, mode)
    await uow.doors.set_mode(portal, direction, who, mode, actor=actor, now=now)
    return before
