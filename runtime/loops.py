"""Runs the steps of a role side by side, each at its own pace; what is away is waited out.

A bug ends the role, and the supervisor starts it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from core.domain.errors import Unavailable

log = logging.getLogger(__name__)
LONGEST_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True)
class Loop:
    """`step` runs every `every_s`; a true answer means there is more, so it runs again at once."""

    name: str
    every_s: float
    step: Callable[[], Awaitable[object]]
    first_s: float = 0.0


async def run_loops(loops: Iterable[Loop]) -> None:
    """Run until cancelled or until a step has a bug."""
    async with asyncio.TaskGroup() as group:
        for loop in loops:
            group.create_task(_turn(loop), name=loop.name)


async def _turn(loop: Loop) -> None:
    await asyncio.sleep(loop.first_s)
    away = 0.0
    while True:
        more: object = None
        try:
            more = await loop.step()
            if away:
                log.info("step_back", extra={"step": loop.name})
            away = 0.0
        except Unavailable as error:
            if not away:
                log.warning("step_waits", extra={"step": loop.name, "why": error.what})
            away = min(max(away * 2, 0.2), LONGEST_PAUSE_S)
        await asyncio.sleep(away or (0.0 if more else loop.every_s))
