"""Goods for the doors: orders picked, packed and staged over HTTP, and readers served here."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import asyncpg

from runtime.clock import now_us
from simulators.catalog import OWNER_PREFIX
from simulators.site import build_site
from simulators.tags import Tag, sscc_tag, tote_tag
from simulators.world import World
from tests.e2e.stack import Json, Stack, a_stack
from tests.waiting import eventually


@dataclass(frozen=True)
class Staged:
    """An order whose carton stands at a staging place."""

    order_id: str
    carton_id: str
    key: str
    tag: Tag


@contextlib.asynccontextmanager
async def a_stack_with_readers(seed: int = 1, **wish: Any) -> AsyncIterator[tuple[Stack, World]]:
    """The product without the simulated crew; its readers are this process's world."""
    async with a_stack(seed=seed, simulated=False, **wish) as stack:
        ports = json.loads(stack.demo.ports_file.read_text())
        world = World(build_site(seed), seed=seed, truth_dir=stack.truth)
        await world.start({name: ports[name] for name in world.readers})
        try:
            for name in ("dock-1-r", "dock-2-r"):
                await eventually(world.readers[name].on_air.is_set, within=20)
            yield stack, world
        finally:
            await world.stop()


async def staged_order(stack: Stack, number: int, *, place: str = "STAGE-OUT-1") -> Staged:
    """Post, pick, pack and stage an order of one unit."""
    skus = "&".join(f"sku={item.sku}" for item in build_site(1).items[:20])
    rows = (await stack.get(f"/v1/availability?{skus}"))["items"]
    most = max(rows, key=lambda row: int(row["available"]))
    order: Json = await stack.post(
        "/v1/orders",
        {
            "external_order_id": f"DOOR-{number}-{now_us()}",
            "channel": "web",
            "lines": [{"external_line_id": "1", "sku": most["sku"], "quantity": 1}],
        },
    )
    order_id = str(order["id"])
    await eventually(partial(_released, stack, order_id), within=20, every=0.1)
    tote = tote_tag(OWNER_PREFIX, 1, 9_000 + number)
    await stack.post("/v1/totes", {"key": tote.key})
    work = await stack.post("/v1/pick-tasks/next", {"worker": f"hand-{number}"})
    for task in work["tasks"]:
        body = {"quantity": task["quantity"], "tote": tote.key, "epcs": []}
        await stack.post(f"/v1/pick-tasks/{task['id']}/confirm", body)
    found = work["tasks"][0]["order_id"]
    packed = await stack.post(f"/v1/orders/{found}/pack", {"tote": tote.key, "station": "PACK-1"})
    carton = packed["carton"]
    await stack.post("/v1/stage", {"handling_unit": carton["id"], "location": place})
    return Staged(found, carton["id"], carton["key"], sscc_tag(carton["sscc"]))


async def _released(stack: Stack, order_id: str) -> bool:
    return bool((await stack.get(f"/v1/orders/{order_id}"))["status"] == "released")


async def a_shipment(stack: Stack, orders: list[Staged], *, portal: str) -> str:
    """One shipment for these orders at a door."""
    ids = [one.order_id for one in orders]
    made = await stack.post("/v1/shipments", {"order_ids": ids, "portal": portal})
    return str(made["id"])


async def a_visit(
    stack: Stack, portal: str, *, asns: tuple[str, ...] = (), shipments: tuple[str, ...] = ()
) -> str:
    """A truck at a door."""
    body = {"portal": portal, "asn_ids": list(asns), "shipment_ids": list(shipments)}
    return str((await stack.post("/v1/visits", body))["id"])


async def rows(stack: Stack, query: str, *arguments: object) -> list[asyncpg.Record]:
    """Straight from the database."""
    connection = await asyncpg.connect(stack.database_url)
    try:
        return list(await connection.fetch(query, *arguments))
    finally:
        await connection.close()
