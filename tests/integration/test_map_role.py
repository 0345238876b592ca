"""The api role as a process: a browser that watches the map does not hold up its end."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import httpx
import pytest

from core.db.uow import PgUnitOfWorkFactory, build_engine
from tests.brokers import SITE, NatsBroker
from tests.builders import a_warehouse
from tests.pages import events, next_event
from tests.roles import RoleSite, role_site
from tests.waiting import eventually


@pytest.fixture
def site(tmp_path: Path, database_url: str, broker: NatsBroker) -> RoleSite:
    return role_site(tmp_path, database_url, broker, more="guest = true\n")


async def test_a_watched_api_ends_within_two_seconds(site: RoleSite, database_url: str) -> None:
    engine = build_engine(database_url)
    async with PgUnitOfWorkFactory(engine)(SITE) as uow:
        await a_warehouse(uow)
    await engine.dispose()
    with site.role("api") as child:
        async with httpx.AsyncClient(base_url=site.url, timeout=10) as client:

            async def is_up() -> bool:
                try:
                    return (await client.get("/healthz")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(is_up, within=20)
            async with client.stream("GET", "/v1/map/stream") as answer:
                stream = events(answer)
                await next_event(stream, "snapshot")
                child.send_signal(signal.SIGTERM)
                began = time.monotonic()
                assert [event.kind async for event in stream if event.kind == "snapshot"] == []
            await eventually(lambda: child.poll() is not None, within=10)

    assert child.returncode == 0
    assert time.monotonic() - began < 2.0
