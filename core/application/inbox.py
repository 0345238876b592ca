"""Decisions on unknown EPCs: ignore a stranger's tag, or take that back. Nothing here moves stock.

An ignored EPC is still counted each time it is read, but no longer asks for attention.
"""

from __future__ import annotations

from core.application.ports.inbox import HeldEpc
from core.application.ports.uow import UnitOfWork
from core.domain.binding import the_reason
from core.domain.errors import not_found


async def ignore_epc(uow: UnitOfWork, epc: str, *, reason: str, now: int, actor: str) -> HeldEpc:
    """Put one EPC aside for good. Saying it again replaces the reason."""
    return await _decide(uow, epc, "ignored", reason=reason, now=now, actor=actor)


async def watch_epc(uow: UnitOfWork, epc: str, *, reason: str, now: int, actor: str) -> HeldEpc:
    """Take an ignored EPC back into the inbox."""
    return await _decide(uow, epc, "held", reason=reason, now=now, actor=actor)


async def _decide(
    uow: UnitOfWork, epc: str, state: str, *, reason: str, now: int, actor: str
) -> HeldEpc:
    found = await uow.inbox.decide(
        epc.upper(), state=state, decided_by=actor, reason=the_reason(reason), now=now
    )
    if found is None:
        raise not_found("held EPC")
    return found
