"""The people of the simulated site: goods come and go through reader and door, not otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from llrpkit.protocol import messages, params

from simulators.api import Api
from simulators.loads import carried
from simulators.operators import Crew
from simulators.site import build_site
from simulators.tags import sscc18, sscc_tag
from simulators.world import World, WorldSettings
from tests.simulation.llrp_client import BareClient
from tests.simulation.small_product import SmallProduct
from tests.waiting import eventually


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World(build_site(1), seed=2, settings=WorldSettings(belt_mps=4.0))
    await world.start()
    yield world
    await world.stop()


def _crew(world: World, product: SmallProduct, orders_an_hour: float = 60.0) -> Crew:
    transport = httpx.ASGITransport(app=product.app())
    api = Api("http://product", "key", transport=transport)
    return Crew(world, api=api, speed=100.0, orders_an_hour=orders_an_hour)


async def _watch(world: World, product: SmallProduct, reader: str = "dock-2-r") -> None:
    """Stand in for the product's agent at a door."""
    client = await BareClient.connect(world.readers[reader].server.port)
    await client.set_up()
    while True:
        try:
            message = await client.take()
        except TimeoutError:
            continue
        if not isinstance(message, messages.RO_ACCESS_REPORT):
            continue
        for report in message.tag_report_datas:
            if isinstance(report.epc_parameter, params.EPC_96) and report.antenna_id is not None:
                order = product.seen.setdefault(report.epc_parameter.epc.hex().upper(), [])
                if report.antenna_id.antenna_id not in order:
                    order.append(report.antenna_id.antenna_id)


async def test_orders_wait_for_the_doors_reader_and_ship_once_it_is_on(world: World) -> None:
    product = SmallProduct(failing=5)
    crew = _crew(world, product)
    await crew.start()

    await eventually(lambda: any("shipment_ids" in v for v in product.visits.values()), within=30)
    await world.walk_by(carried("x", []), near="dock-1", speed_mps=8.0)
    lane = world.site.door("dock-2").x
    in_lane = [b for b in world.scene.bodies if b.moving and b.path.places[0][0] == lane]
    assert in_lane == []
    assert [line for line in world.truth if line["kind"] == "crossed"] == []
    assert "shipped" not in {order["status"] for order in product.orders.values()}

    watching = asyncio.create_task(_watch(world, product))
    await eventually(
        lambda: "shipped" in {order["status"] for order in product.orders.values()}, within=150
    )
    watching.cancel()
    await crew.stop()

    shipped = {i for i, order in product.orders.items() if order["status"] == "shipped"}
    crossed = {line["tag"] for line in world.truth if line["kind"] == "crossed"}
    assert {c["key"] for c in product.cartons.values() if c["order_id"] in shipped} <= crossed


async def test_nothing_is_picked_while_the_operators_are_stopped(world: World) -> None:
    product = SmallProduct()
    crew = _crew(world, product, orders_an_hour=0.0)
    await crew.start()
    crew.pause()
    product.post_order({"lines": [{"sku": "A-100", "quantity": 1}]})

    await world.run_pass(
        carried("c", [sscc_tag(sscc18("9521101", 5))]), door="dock-1", direction="in", speed_mps=8.0
    )
    assert [o["status"] for o in product.orders.values()] == ["released"]
    assert product.calls == []

    crew.resume()
    await eventually(lambda: next(iter(product.orders.values()))["status"] != "released", within=20)
    await crew.stop()


async def test_the_lead_settles_an_undecided_pass_by_what_happened(world: World) -> None:
    product = SmallProduct()
    load = carried("c", [sscc_tag(sscc18("9521101", 5))])
    crossing = await world.run_pass(load, door="dock-1", direction="out", speed_mps=8.0)
    stamp = datetime.fromtimestamp(crossing.crossed_at, UTC).isoformat()
    product.undecided = [
        {"id": "p1", "portal": "dock-1", "opened_at": stamp, "closed_at": stamp},
        {"id": "p2", "portal": "dock-2", "opened_at": "2026-01-01T00:00:00Z", "closed_at": None},
    ]
    crew = _crew(world, product, orders_an_hour=0.0)
    await crew.start()

    await eventually(lambda: len(product.settled) == 2, within=10)
    await crew.stop()

    assert product.settled == {"p1": "out", "p2": "not_crossed"}


async def test_a_truck_is_unloaded_closed_and_put_away(world: World) -> None:
    product = SmallProduct()
    crew = _crew(world, product, orders_an_hour=0.0)
    watching = asyncio.create_task(_watch(world, product, "dock-1-r"))
    await crew.start()

    await eventually(lambda: bool(product.visits), within=10)
    asn = next(iter(product.asns.values()))
    await eventually(lambda: len(product.put_away) == len(asn["handling_units"]), within=60)
    watching.cancel()
    await crew.stop()

    visit = next(iter(product.visits.values()))
    remainder = product.get_visit(visit["id"])["remainder"]
    assert visit["closed"]
    assert remainder["received"] >= remainder["expected"] - 4
    inbound = {line["epc"] for line in world.truth if line["kind"] == "crossed"}
    assert {epc for epc, order in product.seen.items() if order[:2] == [1, 2]} <= inbound
