"""What all people on the floor share: API, world, pace, and which tags lie where.

Speed shortens waiting and walking; passes and the belt run at true speed.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from simulators.api import Api, ApiRefusedError
from simulators.tags import Tag, sscc_tag, tote_tag, unit_tag
from simulators.world import World

log = logging.getLogger("simulators.floor")

WALK_MPS = 1.2
PROBLEM_WAIT_S = 2.0
# An answer of an unexpected shape must not send anybody home.
FAULTS = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, OSError)


@dataclass(slots=True)
class Floor:
    """Shared by the operators; `open` is the gate they pass before each piece of work.

    `known` holds the orders which somebody has in hand, from packing until their truck left.
    """

    world: World
    api: Api
    speed: float
    run: str
    rng: random.Random
    contents: dict[str, list[Tag]] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    staged: asyncio.Queue[StagedOrder] = field(default_factory=asyncio.Queue)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    serials: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def spend(self, seconds: float) -> None:
        """Waiting or handling time, shortened by the speed factor; then the gate."""
        await asyncio.sleep(seconds / self.speed)
        await self.open.wait()

    async def walk(self, metres: float) -> None:
        """Walking time."""
        await self.spend(metres / WALK_MPS)

    async def forever(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Repeat a piece of work; a refusal or a fault is logged and the next piece begins."""
        while True:
            await self.open.wait()
            try:
                await work()
            except ApiRefusedError as refusal:
                log.info("work_refused", extra={"who": name, "code": refusal.code})
                await asyncio.sleep(PROBLEM_WAIT_S)
            except FAULTS:
                log.exception("work_failed", extra={"who": name})
                await asyncio.sleep(PROBLEM_WAIT_S)


@dataclass(frozen=True, slots=True)
class StagedOrder:
    """A packed order that waits at a staging place for its truck."""

    order_id: str
    handling_unit: str
    tag: Tag
    place: str


def tag_of(key: str) -> Tag | None:
    """The physical tag of a unit, SSCC or tote key; None for anything else."""
    parts = key.split("/")
    if len(parts) == 4 and parts[0] == "01" and parts[2] == "21" and parts[3].isdigit():
        return unit_tag(parts[1], int(parts[3]))
    if len(parts) == 2 and parts[0] == "00":
        return sscc_tag(parts[1])
    if len(parts) == 2 and parts[0] == "8003" and parts[1][14:].isdigit():
        return tote_tag(parts[1][1:8], int(parts[1][8:13]), int(parts[1][14:]))
    return None
