"""Portal modes: how much a portal may do by itself.

Stepping up is a person's act, one step at a time; any step down is legal.
"""

from __future__ import annotations

from core.application.ports.uow import UnitOfWork
from core.domain.expected import ANY_OWNER, Mode
from core.domain.states import PORTAL_MODE


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
