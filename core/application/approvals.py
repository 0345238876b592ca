"""Corrections above the site's limit: one person proposes, another posts or refuses."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from core.application.adjust import adjust_stock
from core.application.ports.adjustments import Limits, Proposed
from core.application.ports.uow import Ids, UnitOfWork
from core.domain.adjusting import Adjustment
from core.domain.binding import the_reason
from core.domain.errors import Refused, not_found
from core.domain.states import ADJUSTMENT

Owners = Sequence[str] | None


class _Tried(Exception):
    """Undoes a correction that was only tried."""


async def enter_adjustment(
    uow: UnitOfWork, wanted: Adjustment, *, now: int, ids: Ids, actor: str
) -> tuple[UUID, str]:
    """Post a correction, or keep it as `proposed` when it is above a limit: (id, state).

    A proposal that could not be posted now is refused at once, as the posting would be.
    """
    event = ids()
    if await _is_over(uow, wanted, await uow.adjustments.limits()):
        try:
            async with uow.savepoint():
                await adjust_stock(uow, wanted, event=event, now=now, ids=ids, actor=actor)
                raise _Tried
        except _Tried:
            state = "proposed"
    else:
        await adjust_stock(uow, wanted, event=event, now=now, ids=ids, actor=actor)
        state = "posted"
    await uow.adjustments.add(event, wanted, state=state, now=now, actor=actor)
    return event, state


async def _is_over(uow: UnitOfWork, wanted: Adjustment, limits: Limits) -> bool:
    size = abs(wanted.delta)
    if limits.units is not None and size > limits.units:
        return True
    if limits.value is None or size == 0:
        return False
    item = await uow.items.one(wanted.owner, wanted.sku)
    if item["standard_cost"] is None or item["currency"] != limits.currency:
        return False
    return bool(size * item["standard_cost"] > limits.value)


async def approve_adjustment(
    uow: UnitOfWork, adjustment_id: UUID, *, owners: Owners, now: int, ids: Ids, actor: str
) -> None:
    """Post what somebody else proposed."""
    kept = await _locked(uow, adjustment_id, owners, "posted")
    if kept.proposed_by == actor:
        raise Refused("second-person", "A second person posts what is over the limit.")
    await adjust_stock(uow, kept.wanted, event=adjustment_id, now=now, ids=ids, actor=actor)
    await uow.adjustments.decide(adjustment_id, state="posted", note=None, now=now, actor=actor)


async def refuse_adjustment(
    uow: UnitOfWork, adjustment_id: UUID, *, reason: str, owners: Owners, now: int, actor: str
) -> None:
    """Nothing is posted; whoever proposed it may take it back so too."""
    note = the_reason(reason)
    await _locked(uow, adjustment_id, owners, "refused")
    await uow.adjustments.decide(adjustment_id, state="refused", note=note, now=now, actor=actor)


async def _locked(uow: UnitOfWork, adjustment_id: UUID, owners: Owners, wanted: str) -> Proposed:
    kept = await uow.adjustments.lock(adjustment_id, owners)
    if kept is None:
        raise not_found("adjustment")
    ADJUSTMENT.check(kept.state, wanted)
    return kept
