"""Locked locations take no goods from people; what readers find is booked all the same."""

from __future__ import annotations

from core.application.ports.uow import UnitOfWork
from core.domain.errors import Refused


async def check_unlocked(uow: UnitOfWork, code: str) -> None:
    """Refuse a place that is locked (`location-locked`)."""
    row = await uow.locations.one(code)
    if row["locked"]:
        raise Refused(
            "location-locked",
            "The place is locked and takes no goods. Take another, or have it unlocked.",
            location=code,
        )
