"""The worker and api roles as processes: work is done, silence is seen, the end is orderly."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from core.application.intake import OrderRequest, RequestedLine, accept_order
from core.application.verify import verify
from core.db.uow import PgUnitOfWorkFactory, build_engine
from runtime.clock import new_id, now_us
from runtime.http_head import MAX_HEAD
from tests.brokers import SITE, NatsBroker
from tests.builders import a_warehouse, stock_up
from tests.roles import RoleSite, role_site


@pytest.fixture
def site(tmp_path: Path, database_url: str, broker: NatsBroker) -> RoleSite:
    return role_site(tmp_path, database_url, broker)


@pytest.fixture
async def open_unit(database_url: str) -> AsyncIterator[PgUnitOfWorkFactory]:
    engine = build_engine(database_url)
    yield PgUnitOfWorkFactory(engine)
    await engine.dispose()


async def _until(check: Callable[[], Awaitable[bool]], within: float) -> None:
    """Return once `check` is true; fails after `within` seconds."""
    async with asyncio.timeout(within):
        while True:
            if await check():
                return
            await asyncio.sleep(0.05)


async def _alarms(open_unit: PgUnitOfWorkFactory) -> list[str]:
    async with open_unit(SITE) as uow:
        rows = await uow.raw.fetch("SELECT kind FROM exception WHERE resolved_at IS NULL")
    return sorted(row["kind"] for row in rows)


async def test_a_promised_order_is_released_and_the_outbox_is_drained(
    site: RoleSite, open_unit: PgUnitOfWorkFactory
) -> None:
    request = OrderRequest(
        owner="acme",
        channel="web",
        external_order_id="W-1",
        lines=(RequestedLine("1", "SKU-1", 2),),
        body={},
        digest=b"d",
    )
    async with open_unit(SITE) as uow:
        await stock_up(uow, await a_warehouse(uow), 10)
    with site.role("worker"):
        async with open_unit(SITE) as uow:
            done = await accept_order(uow, request, now=now_us(), ids=new_id)

        async def state() -> str:
            async with open_unit(SITE) as uow:
                return str((await uow.orders.lock_order(done.order_id, None)).state)

        async def released() -> bool:
            return await state() == "released"

        async def waiting() -> tuple[int, int]:
            async with open_unit(SITE) as uow:
                hooks, _ = await uow.outbox.waiting("webhooks")
                places, _ = await uow.outbox.waiting("positions")
                alive = await uow.outbox.sign_of_life("positions")
            return (hooks, places) if alive else (1, 1)

        async def idle() -> bool:
            return await waiting() == (0, 0)

        await _until(released, 15)
        await _until(idle, 15)

    async with open_unit(SITE) as uow:
        assert await verify(uow, clock=now_us) == []
        parts = await uow.raw.fetchval(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'position_change'::regclass"
        )
    assert parts == 5
    assert "bug" not in site.log("worker")


async def test_a_stopped_worker_is_named_within_ten_seconds_and_goes_on(
    site: RoleSite, open_unit: PgUnitOfWorkFactory
) -> None:
    async with open_unit(SITE) as uow:
        await a_warehouse(uow)

    async def alive() -> bool:
        async with open_unit(SITE) as uow:
            return await uow.outbox.sign_of_life("webhooks") is not None

    async def named() -> bool:
        return "worker.silent" in await _alarms(open_unit)

    async def cleared() -> bool:
        return "worker.silent" not in await _alarms(open_unit)

    with site.role("api"), site.role("worker") as worker:
        await _until(alive, 15)
        worker.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        await _until(named, 12)
        assert time.monotonic() - began < 10
        worker.send_signal(signal.SIGCONT)
        await _until(cleared, 10)


async def _up(site: RoleSite) -> None:
    async def answers() -> bool:
        try:
            async with httpx.AsyncClient() as http:
                return (await http.get(f"{site.url}/readyz")).status_code == 200
        except httpx.HTTPError:
            return False

    await _until(answers, 20)


async def test_the_api_ends_in_order_and_answers_what_it_took(site: RoleSite) -> None:
    with site.role("api") as child:
        await _up(site)
        async with httpx.AsyncClient() as http:
            foreign = await http.get(f"{site.url}/healthz", headers={"host": "evil.example"})
            nobody = await http.get(f"{site.url}/v1/me")
        child.terminate()
        code = await asyncio.to_thread(child.wait, 10)

    assert (foreign.status_code, foreign.json()["code"]) == (400, "bad-host")
    assert (nobody.status_code, nobody.json()["code"]) == (401, "unauthenticated")
    assert "server" not in nobody.headers
    assert code == 0


async def test_headers_without_end_are_cut_off(site: RoleSite) -> None:
    with site.role("api"):
        await _up(site)
        reader, writer = await asyncio.open_connection("127.0.0.1", site.api_port)
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ")
        sent = 0
        async with asyncio.timeout(10):
            try:
                while sent <= 4 * MAX_HEAD:
                    writer.write(b"a" * 4096)
                    await writer.drain()
                    sent += 4096
                answer = await reader.read(64)
            except ConnectionError:
                answer = b"HTTP/1.1 431"
        writer.close()
        async with httpx.AsyncClient() as http:
            large = await http.get(f"{site.url}/healthz", headers={"x": "a" * 40_000})

    assert answer.startswith(b"HTTP/1.1 431")
    assert (large.status_code, large.json()["code"]) == (431, "headers-too-large")


async def test_a_taken_port_ends_the_api_with_try_again(site: RoleSite) -> None:
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", site.api_port)
    async with server:
        with site.role("api") as child:
            code = await asyncio.to_thread(child.wait, 20)

    assert code == 4
