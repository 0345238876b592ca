"""What is kept for a time only."""

from __future__ import annotations

from typing import Protocol


class Housekeeping(Protocol):
    """Deletes in bounded pieces; each answers how many rows went."""

    async def forget_answers(self, *, before: int, limit: int) -> int:
        """Answers under idempotency keys older than `before`."""

    async def forget_sessions(self, *, before: int, limit: int) -> int:
        """Browser sessions that ended before."""

    async def forget_seen(self, *, before: int, limit: int) -> int:
        """Ids of inbound calls seen before."""

    async def keep_position_days(self, *, now: int, ahead: int, kept: int) -> int:
        """Make the day partitions of position changes from today to `ahead` days on, drop those
        older than `kept` days; how many were made and dropped.
        """
