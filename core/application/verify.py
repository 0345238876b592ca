"""`dockledger verify`: recompute quants, reservations, promises, cursors and nesting; report drift.

Drift is an alarm, never a repair.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.application.ports.uow import UnitOfWork
from core.application.ports.verify import Finding


async def verify(
    uow: UnitOfWork, *, clock: Callable[[], int], limit: int = 100
) -> Sequence[Finding]:
    """Check every invariant in one snapshot and record the run; empty when the book is right."""
    started = clock()
    found = await uow.verify.findings(limit=limit)
    await uow.verify.record(found, started_at=started, at=clock())
    return found
