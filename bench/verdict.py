"""Read to verdict: from the frame that carries what decided to the red lamp at the reader.

The whole product as processes, a simulated reader on its port, customers and pickers at work.
"""

from __future__ import annotations

import asyncio
import os
import random

from bench.figure import Figure
from simulators.api import Api
from simulators.floor import Floor
from simulators.operators import Customers
from simulators.pickers import Picker
from simulators.world import World
from tests.e2e.goods import a_shipment, a_stack_with_readers, a_visit, staged_order
from tests.e2e.stack import Stack
from tests.e2e.test_wrong_door import RIGHT, p99, through_wrong_door

RUNS = 200 if os.environ.get("DOCKLEDGER_SOAK") == "1" else 20
GOAL_MS = 500.0


def run() -> list[Figure]:
    """The figures of one run."""
    lamp, told = asyncio.run(_measure())
    how = f"{RUNS} runs, limit: the goal of {GOAL_MS:.0f} ms"
    return [
        Figure("read to red lamp p50", lamp[RUNS // 2], "ms", GOAL_MS, how),
        Figure("read to red lamp p99", p99(lamp), "ms", GOAL_MS, how),
        Figure("read to exception p99", p99(told), "ms", GOAL_MS, how),
    ]


async def _measure() -> tuple[list[float], list[float]]:
    async with a_stack_with_readers() as (stack, world):
        orders = [await staged_order(stack, number) for number in range(RUNS)]
        shipment = await a_shipment(stack, orders, portal=RIGHT)
        await a_visit(stack, RIGHT, shipments=(shipment,))
        busy = _crew(stack, world)
        try:
            took = [await through_wrong_door(stack, world, order) for order in orders]
        finally:
            for task in busy:
                task.cancel()
            await asyncio.gather(*busy, return_exceptions=True)
    return sorted(one[0] for one in took), sorted(one[1] for one in took)


def _crew(stack: Stack, world: World) -> list[asyncio.Task[None]]:
    """Customers and three pickers at the demo's pace; the doors are left to the measurement."""
    key = (stack.demo.folder / "manager.key").read_text().strip()
    api = Api(stack.demo.url, key)
    floor = Floor(world=world, api=api, speed=10.0, run="bench", rng=random.Random(1))
    floor.open.set()
    jobs = {"customers": Customers(floor, orders_an_hour=240.0).work}
    jobs |= {f"picker-{n}": Picker(n, floor).work for n in range(1, 4)}
    return [asyncio.create_task(floor.forever(name, work)) for name, work in jobs.items()]
