"""The control endpoint: faults and loads on request, refusals by code."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from simulators.control import Control
from simulators.site import build_site
from simulators.tags import sscc18, sscc_tag
from simulators.world import World
from tests.waiting import eventually


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World(build_site(1), seed=3)
    await world.start()
    yield world
    await world.stop()


@pytest.fixture
async def control(world: World) -> AsyncIterator[httpx.AsyncClient]:
    endpoint = Control(world)
    port = await endpoint.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        yield client
    await endpoint.stop()


async def test_a_reader_dies_and_comes_back_on_its_port(
    world: World, control: httpx.AsyncClient
) -> None:
    server = world.readers["dock-1-r"].server
    port = server.port

    dead = await control.post("/fault", json={"kind": "reader_dies", "reader": "dock-1-r"})
    assert (dead.status_code, server.listening) == (200, False)

    healed = await control.post("/fault", json={"kind": "heal", "reader": "dock-1-r"})
    assert (healed.status_code, server.listening, server.port) == (200, True, port)


async def test_a_fault_nobody_knows_changes_nothing(
    world: World, control: httpx.AsyncClient
) -> None:
    answers = [
        await control.post("/fault", json={"kind": "flood", "reader": "dock-1-r"}),
        await control.post("/fault", json={"kind": "clock_jump", "reader": "dock-9"}),
        await control.post("/fault", content=b"[]"),
        await control.post("/nowhere", json={}),
    ]

    assert [(a.status_code, a.json()["code"]) for a in answers] == [
        (422, "no-such-fault"),
        (422, "no-such-reader"),
        (400, "not-json"),
        (404, "not-found"),
    ]
    assert {reader.offset_us for reader in world.readers.values()} == {0}


async def test_a_carton_goes_through_a_door_on_request(
    world: World, control: httpx.AsyncClient
) -> None:
    tag = sscc_tag(sscc18("9521101", 8))

    answer = await control.post(
        "/pass",
        json={"door": "dock-2", "direction": "out", "tags": [tag.hex], "speed_mps": 8.0},
    )

    assert answer.status_code == 202
    await eventually(lambda: len(world.truth) == 1, within=10)
    line = world.truth[0]
    assert (line["epc"], line["door"], line["direction"]) == (tag.hex, "dock-2", "out")
