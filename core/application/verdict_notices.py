"""What the floor is told of a verdict: exceptions by tag, and events for the outside.

Telling twice is harmless: one live exception per kind and subject, events only for new ones.
"""

from __future__ import annotations

from uuid import UUID

from core.application.ports.uow import Ids, UnitOfWork
from core.domain.judgement import Judgement, Notice

PASS_KINDS = ("pass.wrong_door", "pass.unexpected", "pass.missing")


async def announce_verdict(
    uow: UnitOfWork,
    *,
    pass_id: UUID,
    portal: str,
    visit_id: UUID | None,
    judgement: Judgement,
    now: int,
    ids: Ids,
) -> None:
    """Raise the exceptions of a verdict, early or final, and settle those it clears.

    What an earlier verdict of the same pass raised and this one does not repeat is settled too.
    """
    raised = {notice.subject for notice in judgement.notices}
    cleared = [subject for subject in judgement.cleared if subject not in raised]
    await uow.floor.clear(PASS_KINDS, cleared, now=now)
    await uow.floor.clear_of_pass(pass_id, keeping=sorted(raised), now=now)
    for notice in judgement.notices:
        await uow.floor.clear(
            [kind for kind in PASS_KINDS if kind != notice.kind], [notice.subject], now=now
        )
        fresh = await uow.floor.raise_notice(
            notice, exception_id=ids(), portal=portal, pass_id=pass_id, visit_id=visit_id, now=now
        )
        if fresh:
            await _tell(uow, notice, pass_id, portal, now)
    for key in judgement.strangers if visit_id is not None else ():
        await uow.emit(
            "tag.unexpected_exit",
            aggregate=f"tag:{key}",
            owner=None,
            payload={"key": key, "portal": portal, "pass_id": str(pass_id)},
            occurred_at=now,
        )


async def _tell(uow: UnitOfWork, notice: Notice, pass_id: UUID, portal: str, now: int) -> None:
    event = "pass.undecided" if notice.kind == "pass.undecided" else "pass.exception"
    await uow.emit(
        event,
        aggregate=f"pass:{pass_id}",
        owner=notice.owner_id,
        payload={
            "pass_id": str(pass_id),
            "portal": portal,
            "kind": notice.kind,
            "subject": notice.subject,
            "message": notice.message,
            **dict(notice.facts),
        },
        occurred_at=now,
    )


async def clear_undecided(uow: UnitOfWork, pass_id: UUID, *, now: int) -> None:
    """A person has settled the pass."""
    await uow.floor.clear(["pass.undecided"], [f"pass/{pass_id}"], now=now)
