"""Read to verdict: from the frame that carries what decided to the red lamp at the reader.

The whole product as processes, simulated readers on their ports, customers, pickers, stackers and
the lead at the demo's pace; cartons of both trucks leave through the door of the other one.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass

from bench.figure import Figure
from simulators.api import Api
from simulators.floor import Floor
from simulators.lead import Lead
from simulators.operators import PICKERS, Customers
from simulators.pickers import Picker
from simulators.receiving import Stacker
from simulators.world import World
from tests.e2e.doors import Took, not_shipped, p99, through_wrong_doors, wrong_doors_told
from tests.e2e.goods import a_shipment, a_stack_with_readers, a_visit, staged_orders
from tests.e2e.stack import Stack

RUNS = 20
GOAL_MS = 500.0
SPEED = 10.0
# The demo asks for 24 at the peak hour; at night so many keep its people as busy.
ORDERS_AN_HOUR = 60.0
DOORS = ("dock-1", "dock-2")


@dataclass(frozen=True, slots=True)
class Measured:
    """The passes, and what the product held of their orders at the end."""

    took: list[Took]
    told: int
    staged: int
    shop: int


def run(runs: int = RUNS) -> list[Figure]:
    """The figures of so many passes (`python -m bench verdict --runs 200`)."""
    found = asyncio.run(_measure(runs))
    lamp, told = sorted(one.lamp for one in found.took), sorted(one.told for one in found.took)
    deciders = Counter(one.decider for one in found.took)
    how = f"{len(lamp)} runs, limit: the goal of {GOAL_MS:.0f} ms"
    count = float(runs)
    return [
        Figure("read to red lamp p50", lamp[len(lamp) // 2], "ms", GOAL_MS, how),
        Figure("read to red lamp p99", p99(lamp), "ms", GOAL_MS, how),
        Figure("read to red lamp worst", lamp[-1], "ms", GOAL_MS, how),
        Figure("read to exception p50", told[len(told) // 2], "ms", GOAL_MS, how),
        Figure("read to exception p99", p99(told), "ms", GOAL_MS, how),
        *(
            Figure(f"decided by {kind}", float(times), "runs", count, "limit: all runs")
            for kind, times in sorted(deciders.items())
        ),
        Figure("exceptions raised", float(found.told), "cartons", count, "limit: one for each"),
        Figure("orders not shipped", float(found.staged), "orders", count, "limit: all of them"),
        Figure("orders from the shop beside", float(found.shop), "orders", None, "demo's pace"),
    ]


async def _measure(runs: int) -> Measured:
    async with a_stack_with_readers() as (stack, world):
        orders = await staged_orders(stack, runs)
        lots = {door: orders[n :: len(DOORS)] for n, door in enumerate(DOORS)}
        for door, lot in lots.items():
            await a_visit(stack, door, shipments=(await a_shipment(stack, lot, portal=door),))
        busy = _crew(stack, world)
        try:
            # Every carton goes out by the door of the other truck.
            waiting = dict(zip(DOORS, reversed(lots.values()), strict=True))
            took = await through_wrong_doors(stack, world, waiting)
        finally:
            for task in busy:
                task.cancel()
            await asyncio.gather(*busy, return_exceptions=True)
        told, staged = await wrong_doors_told(stack, orders), await not_shipped(stack, orders)
        return Measured(took, told, staged, len(await stack.items("/v1/orders")) - runs)


def _crew(stack: Stack, world: World) -> list[asyncio.Task[None]]:
    """Everybody of the demo but the clerks of the doors, which are left to the measurement."""
    key = (stack.demo.folder / "manager.key").read_text().strip()
    api = Api(stack.demo.url, key)
    floor = Floor(world=world, api=api, speed=SPEED, run="bench", rng=random.Random(1))
    floor.open.set()
    lead = Lead(floor)
    jobs = {
        "customers": Customers(floor, orders_an_hour=ORDERS_AN_HOUR).work,
        "stacker": Stacker(1, floor, kinds=("putaway", "replenishment", "discrepancy")).work,
        "filler": Stacker(2, floor, kinds=("replenishment", "putaway")).work,
        "lead": lead.work,
        "reader": lead.read_exceptions,
        **{f"picker-{n}": Picker(n, floor).work for n in range(1, PICKERS + 1)},
    }
    return [asyncio.create_task(floor.forever(name, work)) for name, work in jobs.items()]
