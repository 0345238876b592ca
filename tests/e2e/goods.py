"""Goods for the doors: orders picked, packed and staged over HTTP, and readers served here."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import asyncpg

from runtime.clock import now_us
from runtime.demo_config import Demo
from simulators.catalog import OWNER_PREFIX
from simulators.site import build_site
from simulators.tags import Tag, sscc_tag, tote_tag
from simulators.world import World
from tests.e2e.stack import Json, Stack, a_stack
from tests.waiting import eventually

AT_ONCE = 100
HANDS = 4


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
    worlds: list[World] = []

    async def serve(demo: Demo) -> None:
        ports = json.loads(demo.ports_file.read_text())
        world = World(build_site(seed), seed=seed, truth_dir=demo.home / "truth")
        worlds.append(world)
        await world.start({name: ports[name] for name in world.readers})

    try:
        async with a_stack(seed=seed, serve=serve, **wish) as stack:
            (world,) = worlds
            for name in ("dock-1-r", "dock-2-r"):
                await eventually(world.readers[name].on_air.is_set, within=20)
            yield stack, world
    finally:
        for world in worlds:
            await world.stop()


async def staged_order(stack: Stack, number: int, *, place: str = "STAGE-OUT-1") -> Staged:
    """Post, pick, pack and stage an order of one unit."""
    order_id = await _posted(stack, number)
    await eventually(partial(_released, stack, order_id), within=20, every=0.1)
    return await _staged(stack, number, place)


async def staged_orders(stack: Stack, count: int, *, place: str = "STAGE-OUT-1") -> list[Staged]:
    """Many of them, released by hand, by a few hands at once."""
    ids = [await _posted(stack, number) for number in range(count)]
    for start in range(0, count, AT_ONCE):
        await stack.post("/v1/releases", {"order_ids": ids[start : start + AT_ONCE]})
    hands = asyncio.Semaphore(HANDS)

    async def one(number: int) -> Staged:
        async with hands:
            return await _staged(stack, number, place)

    return list(await asyncio.gather(*map(one, range(count))))


async def _posted(stack: Stack, number: int) -> str:
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
    return str(order["id"])


async def _staged(stack: Stack, number: int, place: str) -> Staged:
    """The next order there is, from its pick to the staging place."""
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
