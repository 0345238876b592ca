"""Booking passes: what the tracker judged becomes moves, receipts and loads in one transaction.

A person settles what the tracker could not decide, confirms what a portal proposes, takes back what
was booked; each goes through the same judgement and the same posting.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from core.application.ports.doors import PassRecord
from core.application.ports.uow import Ids, UnitOfWork
from core.application.posting import post_plan, take_back
from core.application.suspicions import check_no_copy
from core.application.verdict_notices import announce_verdict, clear_undecided
from core.application.visits import visit_for_pass
from core.domain.errors import Refused
from core.domain.expected import Expected, Mode, OpenVisit
from core.domain.judgement import Direction, Judgement, LoadClass
from core.domain.passes import judge
from core.domain.plan import plan_of
from core.domain.states import PASS, PASS_BOOKING


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
    planned moves and the tag outcomes. A pass that is booked, dismissed or reversed is left alone.
    """
    record = await uow.doors.lock_pass(pass_id)
    if record.booking not in ("unbooked", "proposed"):
        return
    visit_id = await visit_for_pass(uow, record, judgement, now=now, ids=ids)
    plan = plan_of(judgement) if judgement.crossing is not None else None
    booking = _booking(judgement, mode)
    await uow.doors.record_judgement(
        pass_id, judgement, mode=mode, booking=booking, visit_id=visit_id, plan=plan
    )
    await announce_verdict(
        uow,
        pass_id=pass_id,
        portal=record.portal,
        visit_id=visit_id,
        judgement=judgement,
        now=now,
        ids=ids,
    )
    if booking == "booked" and plan is not None:
        await post_plan(
            uow,
            pass_id=pass_id,
            visit_id=visit_id,
            plan=plan,
            work=judgement.work,
            strangers=judgement.strangers,
            now=now,
            ids=ids,
        )


def _booking(judgement: Judgement, mode: Mode) -> str:
    if judgement.crossing is None or mode == "observe":
        return "unbooked"
    if mode == "book":
        return "booked"
    return "unbooked" if plan_of(judgement).is_empty else "proposed"


async def settle_pass(
    uow: UnitOfWork, *, pass_id: UUID, state: Direction, now: int, ids: Ids, actor: str
) -> str:
    """A person says what an undecided pass was; it is booked by the portal's mode. The booking."""
    record = await uow.doors.lock_pass(pass_id)
    PASS.check(record.state, state)
    await uow.doors.settle(pass_id, state=state, actor=actor, now=now)
    await clear_undecided(uow, pass_id, now=now)
    expected = await _expected(uow, record, now=now)
    if state != "not_crossed":
        check_no_copy(expected, record.crossed)
    load = LoadClass(state, record.crossed, record.rejected)
    occurred_at = record.closed_at if record.closed_at is not None else now
    judgement = judge(expected, load, pass_id=pass_id, occurred_at=occurred_at, actor=actor)
    await book_pass(
        uow,
        pass_id=pass_id,
        judgement=judgement,
        mode=judgement.mode,
        now=now,
        ids=ids,
        actor=actor,
    )
    return _booking(judgement, judgement.mode)


async def confirm_pass(uow: UnitOfWork, *, pass_id: UUID, now: int, ids: Ids, actor: str) -> None:
    """One tap on a proposed pass: judged again on the book of this moment, then posted."""
    record = await uow.doors.lock_pass(pass_id)
    PASS_BOOKING.check(record.booking, "booked")
    if record.state not in ("in", "out") or record.closed_at is None:
        raise Refused("state-conflict", "Only a pass that went in or out can be booked.")
    if record.visit_id is not None:
        earlier = await uow.doors.waiting_before(record.visit_id, record.closed_at)
        if earlier:
            raise Refused(
                "state-conflict",
                f"{earlier} earlier passes of this visit wait. Confirm or dismiss them first.",
                waiting=earlier,
            )
    expected = await _expected(uow, record, now=now)
    check_no_copy(expected, record.crossed)
    direction: Direction = "in" if record.state == "in" else "out"
    load = LoadClass(direction, record.crossed, record.rejected)
    judgement = judge(expected, load, pass_id=pass_id, occurred_at=record.closed_at, actor=actor)
    await book_pass(
        uow, pass_id=pass_id, judgement=judgement, mode="book", now=now, ids=ids, actor=actor
    )
    await uow.doors.set_booking(pass_id, "booked", actor=actor, now=now)


async def dismiss_pass(uow: UnitOfWork, *, pass_id: UUID, now: int, actor: str) -> None:
    """A person refuses what a portal proposes; nothing moves."""
    record = await uow.doors.lock_pass(pass_id)
    PASS_BOOKING.check(record.booking, "dismissed")
    await uow.doors.set_booking(pass_id, "dismissed", actor=actor, now=now)


async def reverse_pass(uow: UnitOfWork, *, pass_id: UUID, now: int, ids: Ids, actor: str) -> None:
    """Take a booked pass back by reverse moves; refused once any of its goods have moved on."""
    record = await uow.doors.lock_pass(pass_id)
    PASS_BOOKING.check(record.booking, "reversed")
    await take_back(uow, record, now=now, ids=ids, actor=actor)
    await uow.doors.set_booking(pass_id, "reversed", actor=actor, now=now)


async def _expected(uow: UnitOfWork, record: PassRecord, *, now: int) -> Expected:
    """The snapshot for a pass that closed earlier, within the visit it belongs to."""
    end = record.closed_at if record.closed_at is not None else now
    expected = await uow.doors.expected(
        record.portal, sorted(record.crossed), now=now, before=(record.pass_id, end)
    )
    if record.visit_id is None:
        return expected
    if expected.visit is not None and expected.visit.visit_id == record.visit_id:
        return expected
    visit = await uow.visits.lock(record.visit_id)
    past = OpenVisit(visit.visit_id, "person", visit.documents, visit.opened_at)
    return replace(expected, visit=past)
