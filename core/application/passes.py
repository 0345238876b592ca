"""Booking passes: what the tracker judged becomes moves, receipts and loads in one transaction."""

from __future__ import annotations

from uuid import UUID

from core.application.ports.uow import Ids, UnitOfWork
from core.domain.expected import Mode
from core.domain.judgement import Judgement


async def book_pass(
    uow: UnitOfWork,
    *,
    pass_id: UUID,
    judgement: Judgement,
    mode: Mode,
    now: int,
    ids: Ids,
    actor: str | None,
) -> None:
    """Record a closed pass's judgement and, in mode `book`, post what it moves.

    The pass row and its read tags must stand already; this writes visit, verdict, mode, booking,
    planned moves and the tag outcomes. Booking the same pass again has no effect.
    """
    await uow.doors.record_judgement(pass_id, judgement, mode=mode, now=now)
