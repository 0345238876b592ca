"""What the worker does for orders each tick: old holds, waiting orders, releases, leases."""

from __future__ import annotations

from core.application.expiry import block_expired
from core.application.ports.uow import Ids, UnitOfWork
from core.application.promising import expire_promises, promise_waiting
from core.application.recalls import hold_recalled
from core.application.release import release_by_rule
from core.application.replenish import plan_replenishment

HOLD_KEPT_US = 14 * 86_400 * 1_000_000


async def promise_step(uow: UnitOfWork, *, now: int, ids: Ids, limit: int = 200) -> int:
    """Lots out of date or recalled are blocked, old holds give stock back, waiting orders get some.

    Gives how much was changed.
    """
    blocked = await block_expired(uow, now=now, ids=ids)
    blocked += await hold_recalled(uow, now=now, ids=ids)
    expired = await expire_promises(uow, held_since=now - HOLD_KEPT_US, now=now)
    return blocked + expired + await promise_waiting(uow, now=now, ids=ids, limit=limit)


async def release_step(uow: UnitOfWork, *, now: int, ids: Ids, limit: int = 50) -> int:
    """Release by rule; how many orders went to the floor."""
    return len((await release_by_rule(uow, limit=limit, now=now, ids=ids)).orders)


async def lease_step(uow: UnitOfWork, *, now: int) -> int:
    """Tasks whose picker fell silent are open again."""
    return await uow.picking.expire_leases(now=now)


async def replenish_step(uow: UnitOfWork, *, now: int, ids: Ids) -> int:
    """Tasks for pick faces that fell below their minimum; how many."""
    return await plan_replenishment(uow, now=now, ids=ids)
