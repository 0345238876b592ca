"""Housekeeping: what is kept for a time only goes in bounded pieces; drift becomes an alarm."""

from __future__ import annotations

from collections.abc import Callable

from core.application.liveness import reconcile
from core.application.ports.uow import Ids, UnitOfWork
from core.application.relay import forget_outbox
from core.application.verify import verify
from core.domain.liveness import Trouble
from core.domain.webhooks import SEEN_US

DRIFT = "ledger.drift"
HOUR_US = 3_600_000_000
# An answer is promised for 24 hours.
ANSWERS_KEPT_US = 25 * HOUR_US
DAYS_AHEAD = 3


async def tidy(uow: UnitOfWork, *, now: int, limit: int) -> int:
    """Delete what is over its time; how many rows, at most `limit` of each kind."""
    house = uow.housekeeping
    gone = await house.forget_answers(before=now - ANSWERS_KEPT_US, limit=limit)
    gone += await house.forget_sessions(before=now, limit=limit)
    gone += await house.forget_seen(before=now - SEEN_US, limit=limit)
    return gone + await forget_outbox(uow, now=now, limit=limit)


async def keep_days(uow: UnitOfWork, *, now: int, kept_days: int) -> int:
    """Day partitions of position changes: made ahead, dropped after `kept_days`."""
    return await uow.housekeeping.keep_position_days(now=now, ahead=DAYS_AHEAD, kept=kept_days)


async def check_ledger(uow: UnitOfWork, *, clock: Callable[[], int], ids: Ids) -> int:
    """Verify the book and record the run; drift stands as an alarm until a run finds none."""
    found = await verify(uow, clock=clock)
    troubles = []
    if found:
        text = "The book disagrees with its moves. Run dockledger verify and see what it names."
        troubles.append(Trouble(DRIFT, "ledger", text, "critical"))
    await reconcile(uow, (DRIFT,), troubles, now=clock(), ids=ids)
    return len(found)
