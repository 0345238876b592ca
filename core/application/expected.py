"""What a portal should see: the snapshot a load is compared with.

Read in the caller's transaction; it takes no lock.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.application.ports.uow import UnitOfWork
from core.domain.expected import Expected


async def expected_for(
    uow: UnitOfWork, *, portal: str, epc_keys: Sequence[str], now: int
) -> Expected:
    """The snapshot for these tags at this portal: units, handling units, visit, modes.

    Read only, takes no lock. Raises `Refused("not-found")` for an unknown portal.
    """
    return await uow.doors.expected(portal, epc_keys, now=now)
