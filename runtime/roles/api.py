"""The api role: routes, pages and streams on one socket. Composition only.

An area may offer `background(context)`, an async context manager that lives as long as the server,
and `closing(context)`, called when the server is about to stop.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import ipaddress
import random
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from types import ModuleType

import uvicorn
from fastapi import APIRouter, FastAPI

from core.api.agent_config import CONFIG_CHECK
from core.api.app import build_app
from core.api.gate import GateLimits
from core.api.history import EVIDENCE, POSITION_DAYS
from core.api.webhooks import SENDER
from core.application.liveness import watch_worker
from core.application.ports.uow import UnitOfWork, UnitOfWorkFactory, in_transaction
from core.application.webhooks import WebhookSink
from core.db.stores.platform import PgKeyStore
from core.db.uow import PgUnitOfWorkFactory, build_engine
from core.domain.errors import Unavailable
from gateway.archive_reader import ArchiveReader
from runtime.clock import monotonic_us, new_id, now_us
from runtime.config_check import check_agent_config
from runtime.http_head import CappedHttpProtocol
from runtime.loops import Loop, run_loops
from runtime.settings_tree import Api, Settings
from runtime.sinks import guarded_sender
from runtime.telemetry import PERIOD_S, ApiMeter, telemetry_of

# Areas of the interface, in the order of the reference. A module offers `router`.
AREAS = (
    "core.api.platform",
    "core.api.order_bulk",
    "core.api.orders",
    "core.api.picking",
    "core.api.packing",
    "core.api.shipments",
    "core.api.tracking",
    "core.api.tags",
    "core.api.inbox",
    "core.api.imports",
    "core.api.items",
    "core.api.locations",
    "core.api.exceptions",
    "core.api.tasks",
    "core.api.portals",
    "core.api.passes",
    "core.api.visits",
    "core.api.inbound",
    "core.api.stock",
    "core.api.stock_changes",
    "core.api.agent_config",
    "core.api.lots",
    "core.api.adjustments",
    "core.api.counts",
    "core.api.webhooks",
    "core.api.inbound_hooks",
    "core.api.map",
    "core.api.history",
    "core.api.kpi",
    "core.web.pages",
    "core.web.goods",
    "core.web.doors",
    "core.web.inbox",
    "core.web.watch",
    "core.web.kpi",
)
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
GRACE_S = 5
BACKLOG = 2048


def areas() -> list[ModuleType]:
    """The module of every area."""
    return [importlib.import_module(area) for area in AREAS]


def routers() -> list[APIRouter]:
    """The routers of every area."""
    return [area.router for area in areas()]


def limits_of(api: Api) -> GateLimits:
    """What the gate lets through; guests only where nobody else can come from."""
    return GateLimits(
        hosts=(*LOOPBACK, *(host.lower() for host in api.hosts)),
        requests_per_minute=api.requests_per_minute,
        guest=api.guest and _is_loopback(api.host),
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Server(uvicorn.Server):
    """Signals belong to the role, which stops the server by `should_exit`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


def server_of(app: FastAPI | ApiMeter) -> Server:
    """The server's own limits."""
    config = uvicorn.Config(
        app,
        http=CappedHttpProtocol,
        ws="none",
        loop="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE_S,
    )
    return Server(config)


def listen(api: Api) -> socket.socket:
    """The socket; `Unavailable` when the address is taken."""
    family = socket.AF_INET6 if ":" in api.host else socket.AF_INET
    try:
        return socket.create_server((api.host, api.port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise Unavailable("the address of the API is taken or not ours") from error


@contextlib.asynccontextmanager
async def built(settings: Settings) -> AsyncIterator[tuple[FastAPI, UnitOfWorkFactory]]:
    """The application with its pool and its way out; closed at the end."""
    url = settings.database.url
    if url is None:
        raise ValueError("the api role needs database.url")
    engine = build_engine(url.reveal(), pool_size=settings.database.pool)
    open_unit = PgUnitOfWorkFactory(engine)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        sender = await stack.enter_async_context(guarded_sender(settings.webhooks))
        app = build_app(
            site=settings.site,
            open_unit=open_unit,
            keys=PgKeyStore(engine),
            routers=routers(),
            limits=limits_of(settings.api),
            clock=now_us,
            ids=new_id,
            token=secrets.token_bytes,
            jitter=random.random,
            extras={
                SENDER: sender,
                CONFIG_CHECK: check_agent_config,
                "engine": engine,
                "settings": settings,
                EVIDENCE: ArchiveReader(settings.gateway.archive_path, site=settings.site),
                POSITION_DAYS: settings.worker.position_days,
            },
        )
        for area in areas():
            if hasattr(area, "background"):
                await stack.enter_async_context(area.background(app.state.context))
        yield app, open_unit


async def _watch(settings: Settings, open_unit: UnitOfWorkFactory) -> None:
    async def look(uow: UnitOfWork) -> None:
        await watch_worker(uow, sink=WebhookSink.name, now=now_us(), ids=new_id)

    await in_transaction(open_unit, settings.site, look, jitter=random.random)


async def run(settings: Settings) -> None:
    """Serve until cancelled; what is being answered then is finished."""
    async with (
        telemetry_of(settings, "api") as hand,
        built(settings) as (app, open_unit),
    ):
        meter = ApiMeter(app, hand, site=settings.site, clock=now_us, monotonic=monotonic_us)
        server = server_of(meter)
        serving = asyncio.create_task(server.serve([listen(settings.api)]), name="server")
        watch = Loop("watch-worker", 2.0, lambda: _watch(settings, open_unit))
        tell = Loop("telemetry", PERIOD_S, meter.step, first_s=PERIOD_S)
        watching = asyncio.create_task(run_loops([watch, tell]), name="watch")
        try:
            await asyncio.wait({serving, watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            server.should_exit = True
            for area in areas():
                if hasattr(area, "closing"):
                    area.closing(app.state.context)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await serving
        if not watching.cancelled():
            watching.result()
