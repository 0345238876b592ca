"""Cartons carried through the neighbour's door, all doors at once, and how soon that was said.

From the frame that carries the verdict's decider, as it leaves the emulated reader's socket, to
the command for the red lamp as it arrives there; a verdict by the timer counts from the timer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from math import inf

from simulators.loads import carried
from simulators.site import GPO_RED
from simulators.world import World
from tests.e2e.goods import Staged
from tests.e2e.stack import Json, Stack
from tests.waiting import eventually

PACE_MPS = 2.2
SAID_WITHIN_S = 10.0
CLOSED_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Took:
    """Milliseconds from the deciding frame to the red lamp and to the exception; inf for never."""

    carton: str
    lamp: float
    told: float
    decider: str


async def through_wrong_doors(
    stack: Stack, world: World, waiting: Mapping[str, Sequence[Staged]]
) -> list[Took]:
    """Door → cartons that do not belong there: one after the other in each lane."""

    async def lane(door: str, orders: Sequence[Staged]) -> list[Took]:
        return [await _through(stack, world, order, door) for order in orders]

    lanes = await asyncio.gather(*(lane(door, orders) for door, orders in waiting.items()))
    return [took for one in lanes for took in one]


async def _through(stack: Stack, world: World, order: Staged, door: str) -> Took:
    load = carried(order.key, [order.tag])
    await world.run_pass(load, door=door, direction="out", guarantee_reads=3, speed_mps=PACE_MPS)
    try:
        row = await eventually(partial(_told, stack, order, door), within=SAID_WITHIN_S, every=0.2)
    except AssertionError:
        return Took(order.key, inf, inf, "nothing")
    said = await stack.get(f"/v1/passes/{row['pass_id']}")
    left = _left(world, said, f"{door}-r")
    red = lit_since(world, f"{door}-r", GPO_RED, left)
    decider = str(said["decider"]).split()[0]
    lamp = (red - left) / 1000 if red else inf
    return Took(order.key, lamp, (_micros(row["opened_at"]) - left) / 1000, decider)


async def _told(stack: Stack, order: Staged, door: str) -> Json:
    """What stands open about this carton at this door."""
    rows = (await stack.get("/v1/exceptions", open="true", limit="50"))["items"]
    ours = ("pass.wrong_door", order.key, door)
    return next((r for r in rows if (r["kind"], r["subject"], r["portal"]) == ours), {})


async def wrong_doors_told(stack: Stack, orders: Sequence[Staged]) -> int:
    """How many of these cartons have an open exception of their own about a wrong door."""
    rows = await stack.items("/v1/exceptions", open="true")
    told = [r["subject"] for r in rows if r["kind"] == "pass.wrong_door"]
    return sum(told.count(order.key) == 1 for order in orders)


async def not_shipped(stack: Stack, orders: Sequence[Staged]) -> int:
    """How many of these orders still stand staged, once every pass is booked."""

    async def all_closed() -> bool:
        return not await stack.items("/v1/passes", state="open")

    await eventually(all_closed, within=CLOSED_WITHIN_S, every=0.3)
    words = [(await stack.get(f"/v1/orders/{one.order_id}"))["status"] for one in orders]
    return words.count("staged")


def _micros(stamp: str) -> int:
    return int(datetime.fromisoformat(stamp).timestamp() * 1e6 + 0.5)


def _left(world: World, said: Json, reader: str) -> int:
    """When the frame left that carries what decided; the timer's own instant for a timer."""
    at = _micros(said["decider_at"])
    if said["decider"] == "timer":
        return at
    for line in reversed(world.frame_log(reader)):
        reads = line.get("reads")
        carries = isinstance(reads, list) and any(abs(read[3] - at) < 2 for read in reads)
        if carries or ("gpi" in line and abs(int(str(line["at_us"])) - at) < 2):
            return int(str(line["t_us"]))
    raise AssertionError(f"no frame carries the decider {said['decider']} at {at}")


def lit_since(world: World, reader: str, port: int, since: int) -> int:
    """When this lamp was first lit after an instant; 0 while it was not."""
    lit = [c.t_us for c in world.gpo_log(reader) if c.port == port and c.high]
    return next((at for at in lit if at >= since), 0)


def p99(figures: Sequence[float]) -> float:
    """The 99th percentile of sorted figures; with fewer than a hundred the worst."""
    return figures[max(0, -(-len(figures) * 99 // 100) - 1)]
