"""The demo: a local site whose readers, goods and people are simulated, with a short history.

Composition only: the same roles as `dockledger up`, one process per agent, and `dockledger
simulate`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from core.api.auth import make_key
from core.db.uow import PgUnitOfWorkFactory, build_engine
from dashboards.boards.catalogue import boards
from dashboards.push import PushError, push
from runtime import children, postgres
from runtime.access import BusUser, agent_user, gateway_user, worker_user
from runtime.clock import new_id, now_us
from runtime.demo_config import Demo, agents_of, write_configs
from runtime.grafana import database_from, login_from
from runtime.local_site import LocalSite, local_site, until_told
from runtime.seed import seed_site
from runtime.supervisor import Say

READY_S = 60.0
KEYS = {"manager": "manager.key", "integrator": "order.key"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller asked for."""

    home: Path
    seed: int = 1
    speed: float = 10.0
    orders_an_hour: float = 24.0
    days: int = 2
    truth_dir: Path | None = None
    echo: bool = False
    grafana: str | None = None
    serve: Callable[[Demo], Awaitable[None]] | None = None  # readers in the simulator's place


def users_of(demo: Demo) -> list[BusUser]:
    """Everybody who logs in at the broker."""
    agents = [agent_user(demo.site, agent) for agent in agents_of(demo)]
    return [*agents, gateway_user(demo.site), worker_user(demo.site)]


async def run_demo(wish: Wish, say: Say, *, stop: asyncio.Event | None = None) -> None:
    """Run until told to stop; the state directory is used again by the next start."""
    began = time.monotonic()
    async with demo_site(wish, say) as (site, demo):
        for line in ready_lines(demo, wish, time.monotonic() - began):
            say(line)
        if wish.grafana is not None and site.server is not None:
            for line in await _push_boards(wish.grafana, site.server.url(postgres.KPI)):
                say(line)
        await until_told(stop)


@contextlib.asynccontextmanager
async def demo_site(wish: Wish, say: Say) -> AsyncIterator[tuple[LocalSite, Demo]]:
    """The demo once it is ready; everything ends with the context."""
    demo = write_configs(wish.home, seed=wish.seed)
    async with local_site(wish.home, users=users_of(demo), say=say, echo=wish.echo) as site:
        await _prepare(site, demo, wish, say)
        # Seeding took a while: a port that was free may be taken by now.
        demo = write_configs(wish.home, seed=wish.seed)
        if wish.serve is not None:
            await wish.serve(demo)
        await _start(site, demo, wish)
        await _until_ready(demo)
        yield site, demo


async def _prepare(site: LocalSite, demo: Demo, wish: Wish, say: Say) -> None:
    """On the first start: layout, stock, history and keys; later starts find them."""
    if (demo.folder / "seeded").exists() or site.server is None:
        return
    engine = build_engine(site.server.url(postgres.APP), pool_size=4)
    open_unit = PgUnitOfWorkFactory(engine)
    try:
        said = await seed_site(
            site.server.url(postgres.APP), seed=wish.seed, days=wish.days, until=now_us()
        )
        say(said)
        await _make_keys(open_unit, demo)
    finally:
        await engine.dispose()
    (demo.folder / "seeded").write_text(said, encoding="utf-8")


async def _make_keys(open_unit: PgUnitOfWorkFactory, demo: Demo) -> None:
    for role, name in KEYS.items():
        clear, record = make_key(
            new_id(),
            name=f"demo {role}",
            role=role,
            sites=(demo.site,),
            owners=(demo.owner,),
            channels=("*",) if role == "manager" else ("web",),
            token=secrets.token_bytes,
        )
        async with open_unit(demo.site) as unit:
            await unit.platform.add_key(record, now=now_us())
        children.write_private(demo.folder / name, clear + "\n")


async def _start(site: LocalSite, demo: Demo, wish: Wish) -> None:
    site.supervisor.facts["api_port"] = demo.api_port
    database = site.database_env()
    wanted = []
    for role in ("gateway", "worker", "api"):
        mqtt = {} if role == "api" else site.mqtt_env(role)
        wanted.append(site.role(role, demo.config, env={**database, **mqtt}))
    arguments = [
        "--key-file",
        str(demo.folder / KEYS["manager"]),
        "--ports-file",
        str(demo.ports_file),
        "--seed",
        str(wish.seed),
        "--speed",
        str(wish.speed),
        "--orders",
        str(wish.orders_an_hour),
    ]
    if wish.truth_dir is not None:
        arguments += ["--truth-dir", str(wish.truth_dir)]
    if wish.serve is None:
        wanted.append(site.role("simulate", demo.config, arguments=arguments))
    wanted += [
        site.role("edge", config, name=f"edge-{agent}", env=site.mqtt_env(agent))
        for agent, config in agents_of(demo).items()
    ]
    await asyncio.gather(*(site.supervisor.start(child) for child in wanted))


async def _push_boards(grafana: str, database_url: str) -> list[str]:
    """The boards in somebody's Grafana, reading the demo's KPIs; a failure costs only them."""
    sources = [database_from(database_url)]
    try:
        found = await asyncio.to_thread(
            push, grafana, login_from(), boards=boards(), sources=sources
        )
    except (PushError, OSError) as failure:
        detail = getattr(failure, "detail", "the file with the log-in cannot be read")
        return [f"  Grafana      not provisioned: {detail}"]
    return [f"  Grafana      {one.title}: {one.url}" for one in found]


async def _until_ready(demo: Demo) -> None:
    """The API answers and every agent was heard by the gateway since this start."""
    key = (demo.folder / KEYS["manager"]).read_text(encoding="utf-8").strip()
    deadline = time.monotonic() + READY_S
    wanted = set(agents_of(demo))
    async with httpx.AsyncClient(
        base_url=demo.url, headers={"Authorization": f"Bearer {key}"}, timeout=2
    ) as http:
        while time.monotonic() < deadline:
            if wanted <= await _heard(http):
                return
            await asyncio.sleep(0.2)
    raise TimeoutError("the site did not come up: see the log directory")


async def _heard(http: httpx.AsyncClient) -> set[str]:
    try:
        answer = await http.get("/v1/agents")
    except httpx.HTTPError:
        return set()
    if answer.status_code != httpx.codes.OK:
        return set()
    return {str(row["agent"]) for row in answer.json()["items"] if row["state"] == "online"}


def ready_lines(demo: Demo, wish: Wish, took_s: float) -> list[str]:
    """What a person sees when the site is up."""
    control = json.loads(demo.ports_file.read_text(encoding="utf-8")).get("control", 0)
    return [
        "",
        f"ready in {took_s:.1f} s",
        f"  floor map    {demo.url}/",
        f"  KPIs         {demo.url}/kpi",
        f"  API          {demo.url}/v1/openapi.json",
        f"  order key    {demo.folder / KEYS['integrator']} (the README's curl reads it)",
        f"  manager key  {demo.folder / KEYS['manager']}",
        f"  break things curl -X POST http://127.0.0.1:{control}/fault -d"
        ' \'{"kind": "reader_dies", "reader": "dock-1-r"}\'',
        f"  state        {wish.home}",
        "Ctrl-C stops it; the next start goes on from here.",
    ]
