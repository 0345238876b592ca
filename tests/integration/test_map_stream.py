"""The map's stream: a snapshot, then numbered deltas; who was away goes on or starts anew."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from core.api.map_hub import RING, MapHub
from core.db.uow import PgUnitOfWork
from core.domain.errors import Unavailable
from tests.apis import Api
from tests.builders import SITE, Warehouse, a_move, a_warehouse
from tests.pages import Event, events, next_event, serve_pages
from tests.waiting import eventually

STREAM = "/v1/map/stream"


@dataclass
class Floor:
    """A served site with an empty warehouse."""

    api: Api
    url: str
    house: Warehouse
    client: httpx.AsyncClient
    posted: int = 0

    async def bring(self, quantity: int, place: str = "A-01-01-1") -> None:
        """Goods come to a place, in a transaction of their own."""
        self.posted += 1
        async with self.api.open_unit(SITE) as uow:
            move = a_move(self.house, quantity, target=place, key=f"m-{self.posted}")
            await uow.stock.post([move], recorded_at=1_795_000_000_000_000)

    @asynccontextmanager
    async def watch(self, last: str | None = None) -> AsyncIterator[AsyncIterator[Event]]:
        """A client on the stream."""
        headers = {} if last is None else {"Last-Event-ID": last}
        async with self.client.stream("GET", STREAM, headers=headers) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield events(answer)

    @property
    def hub(self) -> MapHub:
        """The one hub of this site."""
        hubs: dict[str, MapHub] = self.api.app.state.context.extras["map_hubs"]
        (hub,) = hubs.values()
        return hub


@pytest.fixture
async def floor(database_url: str) -> AsyncIterator[Floor]:
    async with serve_pages(database_url) as (api, url):
        async with api.open_unit(SITE) as uow:
            house = await a_warehouse(uow)
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=url, timeout=20, limits=limits) as client:
            yield Floor(api, url, house, client)


async def test_a_move_arrives_as_the_next_delta_and_says_only_what_changed(floor: Floor) -> None:
    async with floor.watch() as stream:
        first = await next_event(stream, "snapshot")
        await floor.bring(7)
        began = time.monotonic()
        delta = await next_event(stream, "delta")

    assert first.data["sections"]["stock"] == {}
    assert delta.data["n"] == first.data["n"] + 1
    assert delta.data["set"]["stock"] == {"A-01-01-1": 7}
    assert "places" not in delta.data["set"]
    assert time.monotonic() - began < 2.0


async def test_a_place_that_becomes_empty_is_named_as_gone(floor: Floor) -> None:
    await floor.bring(3)
    async with floor.watch() as stream:
        await next_event(stream, "snapshot")
        async with floor.api.open_unit(SITE) as uow:
            away = a_move(floor.house, 3, origin="A-01-01-1", target="CUSTOMER", key="away")
            await uow.stock.post([away], recorded_at=1)
        delta = await next_event(stream, "delta")

    assert delta.data["gone"] == {"stock": ["A-01-01-1"]}


async def test_a_client_that_comes_back_goes_on_where_it_was(floor: Floor) -> None:
    async with floor.watch() as stream:
        first = await next_event(stream, "snapshot")
    await floor.bring(1)
    async with floor.watch() as other:
        await next_event(other, "snapshot")
        await eventually(lambda: floor.hub.number > first.data["n"])
        async with floor.watch(first.id) as again:
            event = await next_event(again, "snapshot", "delta")

    assert (event.kind, event.data["n"]) == ("delta", first.data["n"] + 1)


@pytest.mark.parametrize("last", ["other-1", "nonsense", "-", "{epoch}-999999", "{epoch}-x"])
async def test_a_place_in_another_stream_starts_with_a_snapshot(floor: Floor, last: str) -> None:
    async with floor.watch() as stream:
        await next_event(stream, "snapshot")
        async with floor.watch(last.replace("{epoch}", floor.hub.epoch)) as other:
            event = await next_event(other, "snapshot", "delta")

    assert event.kind == "snapshot"


async def test_a_client_that_is_behind_the_ring_gets_a_new_snapshot(floor: Floor) -> None:
    async with floor.watch() as stream:
        first = await next_event(stream, "snapshot")
        hub = floor.hub
        for number in range(RING + 1):
            hub._publish({"stock": {"A-01-01-1": number}}, {})
        async with floor.watch(first.id) as other:
            event = await next_event(other, "snapshot", "delta")

    assert event.kind == "snapshot"
    assert event.data["n"] >= first.data["n"] + RING + 1
    assert len(hub._ring) == RING


async def test_two_hundred_clients_share_one_look_and_get_the_same_delta(floor: Floor) -> None:
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(floor.watch()) for _ in range(200)]
        firsts = await asyncio.gather(*(next_event(one, "snapshot", within=20) for one in streams))
        await floor.bring(5)
        deltas = await asyncio.gather(*(next_event(one, "delta", within=10) for one in streams))
        pollers = [task for task in asyncio.all_tasks() if task.get_name() == "map-hub"]
        clients = floor.hub.clients

    assert len({first.data["n"] for first in firsts}) == 1
    assert {str(delta.data["set"]["stock"]) for delta in deltas} == {"{'A-01-01-1': 5}"}
    assert (len(pollers), clients) == (1, 200)
    await eventually(lambda: floor.hub.clients == 0)


async def test_a_lost_database_is_an_alarm_and_the_picture_keeps_its_age(floor: Floor) -> None:
    class Gone:
        """A database that can be taken away."""

        away = False

        @asynccontextmanager
        async def __call__(self, site: str) -> AsyncIterator[PgUnitOfWork]:
            if self.away:
                raise Unavailable("the database cannot be reached")
            async with floor.api.open_unit(site) as unit:
                yield unit

    database = Gone()
    context = replace(floor.api.app.state.context, open_unit=database)
    hub = MapHub(context, None, "epoch")
    await hub.look()
    as_of, number = hub.as_of, hub.number

    database.away = True
    await hub.look()
    await hub.look()
    assert (hub.as_of, hub.number) == (as_of, number + 1)
    (alarm,) = hub.sections["alarms"].values()
    assert (alarm["kind"], alarm["severity"]) == ("database.unreachable", "critical")

    database.away = False
    await hub.look()
    assert hub.sections["alarms"] == {}
    assert hub.as_of > as_of


async def test_silence_is_told_by_beats_with_the_age_of_the_picture(floor: Floor) -> None:
    async with floor.watch() as stream:
        await next_event(stream, "snapshot")
        beat = await next_event(stream, "beat")

    assert set(beat.data) == {"as_of", "now"}


async def test_streams_end_at_once_when_the_server_stops(database_url: str) -> None:
    async with serve_pages(database_url) as (api, url):
        async with api.open_unit(SITE) as uow:
            await a_warehouse(uow)
        client = httpx.AsyncClient(base_url=url, timeout=20)
        request = client.build_request("GET", STREAM)
        answer = await client.send(request, stream=True)
        stream = events(answer)
        await next_event(stream, "snapshot")
        began = time.monotonic()
    took = time.monotonic() - began

    assert [event.kind async for event in stream if event.kind != "beat"] == []
    assert took < 2.0
    await client.aclose()


async def test_nobody_looks_at_the_database_while_nobody_watches(floor: Floor) -> None:
    answer = await floor.client.get("/v1/map/snapshot")

    assert answer.status_code == 200
    assert [task for task in asyncio.all_tasks() if task.get_name() == "map-hub"] == []


async def test_who_may_watch(floor: Floor) -> None:
    said: dict[str, int] = {}
    for role in ("picker", "manager", "auditor", "owner", "integrator", "device"):
        headers = {"Authorization": f"Bearer {await floor.api.key(role)}"}
        answer = await floor.client.get("/v1/map/snapshot", headers=headers)
        said[role] = answer.status_code
    wrong: Any = await floor.client.get("/v1/map/snapshot?depth=1")

    assert said == {
        "picker": 200, "manager": 200, "auditor": 200, "owner": 403, "integrator": 403,
        "device": 403,
    }  # fmt: skip
    assert wrong.status_code == 422
