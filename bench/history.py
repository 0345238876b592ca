"""Answers from thirty days, with the gateway stopped: journey, readings of an hour, floor at a
minute; each through the api role as a process, and counted against the generator's plan.

`python -m bench history --days 30 --per-day 300000`; without words it makes two days.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from bench.figure import Figure
from bench.history_fill import fill_archive, fill_database
from bench.history_site import CARTONS, DAY_US, EACH, HOUR_US, Pallet, pallets, readings
from core.api.auth import make_key
from core.api.fields import instant_text
from core.application.history import SETTLED_US, mark_stock
from core.db.migrate import migrate
from core.db.uow import PgUnitOfWorkFactory, build_engine
from runtime.clock import new_id, now_us
from runtime.pgfiles import remove_data
from runtime.postgres import APP, Server, free_port, run_server
from runtime.postgres import OWNER as OWNER_ROLE
from runtime.seed import seed_site
from simulators.catalog import OWNER
from simulators.site import SITE_ID, build_site

QUESTIONS = 12
JOURNEY_S, READINGS_S, FLOOR_S = 1.0, 3.0, 1.0
WORST = f"worst of {QUESTIONS}, gateway stopped, counts as generated; limit: what is asked"
CONFIG = """site = "demo"
[database]
url_file = "app.url"
[gateway]
archive_path = "archive"
[api]
host = "127.0.0.1"
port = {port}
requests_per_minute = 60000
"""


@dataclass(frozen=True, slots=True)
class Past:
    """What the generator made."""

    plan: Sequence[Pallet]
    begin: int
    until: int
    before: Counter[str]


def run(days: int = 2, per_day: int = 300_000) -> list[Figure]:
    """The worst of twelve questions of each kind, in seconds."""
    return asyncio.run(_run(days, per_day))


async def _run(days: int, per_day: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="dockledger-bench-") as folder:
        home = Path(folder)
        try:
            async with run_server(home) as server:
                await migrate(server.url(OWNER_ROLE))
                past, size = await _fill(home, server, days, per_day)
                async with _api(home, server) as http:
                    return await _ask(http, past, f"{days} days, {size}")
        finally:
            remove_data(home)


async def _fill(home: Path, server: Server, days: int, per_day: int) -> tuple[Past, str]:
    until = now_us() // HOUR_US * HOUR_US
    begin = until - days * DAY_US
    await seed_site(server.url(APP), seed=1, days=0, until=begin)
    a_day = max(1, round(per_day / (CARTONS * EACH)))
    plan = pallets(build_site(1), begin=begin, days=days, a_day=a_day)
    began = time.perf_counter()
    raw = await asyncpg.connect(server.url(OWNER_ROLE))
    try:
        before = Counter(await _stock(raw))
        await fill_database(raw, plan, site=SITE_ID, owner=OWNER, until=until)
        filled = time.perf_counter()
        total, seqs = await asyncio.to_thread(
            fill_archive, home / "archive", plan, site=SITE_ID, begin=begin, until=until
        )
        for agent, seq in seqs.items():
            await raw.execute(
                "INSERT INTO cursor (site_id, agent, boot, seq, messages, applied, epoch,"
                " updated_at) VALUES ($1, $2, 1, $3, $3, 0, 1, $4)",
                SITE_ID, agent, seq, until,
            )  # fmt: skip
        await raw.execute("ANALYZE")
        marks = await _mark(server, begin, until)
        rows = [
            await raw.fetchval(f"SELECT count(*) FROM {name}")
            for name in ("move", "position_change", "pass_tag")
        ]
    finally:
        await raw.close()
    files = list((home / "archive" / SITE_ID).iterdir())
    mib = sum(file.stat().st_size for file in files) / 1_048_576
    sys.stdout.write(
        f"history: {total:,} readings in {len(files)} files of {mib:,.0f} MiB, {rows[0]:,} moves,"
        f" {rows[1]:,} changes of position, {rows[2]:,} tags of passes, {marks} marks; rows in"
        f" {filled - began:.0f} s, segments in {time.perf_counter() - filled:.0f} s\n"
    )
    return Past(plan, begin, until, before), f"{total:,} readings"


async def _mark(server: Server, begin: int, until: int) -> int:
    """The worker's mark of each midnight, made as it makes them."""
    engine, made = build_engine(server.url(APP)), 0
    for midnight in range(until // DAY_US * DAY_US, begin, -DAY_US):
        async with PgUnitOfWorkFactory(engine)(SITE_ID) as unit:
            made += await mark_stock(unit, now=midnight + 2 * SETTLED_US, kept_us=90 * DAY_US)
    await engine.dispose()
    return made


async def _stock(raw: asyncpg.Connection[Any]) -> dict[str, int]:
    rows = await raw.fetch(
        "SELECT l.code, sum(q.on_hand)::int AS n FROM quant q JOIN location l USING (site_id,"
        " location_id) GROUP BY 1"
    )
    return {row["code"]: row["n"] for row in rows}


@contextlib.asynccontextmanager
async def _api(home: Path, server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """The api role alone: no gateway, no broker, no worker."""
    port = free_port()
    (home / "site.toml").write_text(CONFIG.format(port=port))
    url = home / "app.url"
    url.touch(mode=0o600)
    url.write_text(server.url(APP))
    engine = build_engine(server.url(APP))
    clear, record = make_key(
        new_id(), name="bench", role="lead", sites=(SITE_ID,), owners=("*",), channels=("*",),
        token=secrets.token_bytes,
    )  # fmt: skip
    async with PgUnitOfWorkFactory(engine)(SITE_ID) as unit:
        await unit.platform.add_key(record, now=now_us())
    await engine.dispose()
    words = [sys.executable, "-m", "runtime.cli.main", "api", "--config", str(home / "site.toml")]
    child = await asyncio.create_subprocess_exec(
        *words, env={**os.environ, "DOCKLEDGER_HOME": str(home)}, stdout=subprocess.DEVNULL
    )
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {clear}"},
            timeout=60,
        ) as http:
            await _up(http)
            yield http
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        await child.wait()


async def _up(http: httpx.AsyncClient) -> None:
    for _ in range(1800):
        try:
            if (await http.get("/readyz")).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        await asyncio.sleep(0.1)
    raise TimeoutError("the api role did not come up")


async def _ask(http: httpx.AsyncClient, past: Past, method: str) -> list[Figure]:
    rng = random.Random(7)
    took: dict[str, list[float]] = {"journey": [], "readings": [], "floor": []}
    whole = [one for one in past.plan if one.gone <= past.until] or list(past.plan)
    for _ in range(QUESTIONS):
        one = rng.choice(whole)
        carton = rng.choice(one.cartons)
        began = time.perf_counter()
        steps = await _get(http, f"/v1/journey/{carton.key}")
        took["journey"].append(time.perf_counter() - began)
        _same("steps", len(steps["steps"]), _steps(one, past.until))

        since = one.came - one.came % HOUR_US
        began = time.perf_counter()
        found = await _get(http, f"/v1/observations?epc={carton.hex}&since={instant_text(since)}")
        took["readings"].append(time.perf_counter() - began)
        _same(
            "readings", [row["occurred_at"] for row in found["items"]], _heard(one, carton, since)
        )

        at = past.begin + rng.randrange((past.until - past.begin) // 60_000_000) * 60_000_000
        began = time.perf_counter()
        floor = (await _get(http, f"/v1/map/at?at={instant_text(at)}"))["sections"]
        took["floor"].append(time.perf_counter() - began)
        _same("stock", floor["stock"], _stood(past, at))
        _same("positions", floor["positions"], _seen(past, at))
    limits = {"journey": JOURNEY_S, "readings": READINGS_S, "floor": FLOOR_S}
    return [
        Figure(f"history {name}", max(took[name]), "s", limit, f"{WORST}; {method}")
        for name, limit in limits.items()
    ]


async def _get(http: httpx.AsyncClient, path: str) -> dict[str, Any]:
    answer = await http.get(path)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def _same(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise AssertionError(f"{what}: {str(found)[:400]}, not {str(wanted)[:400]}")


def _steps(one: Pallet, until: int) -> int:
    """Moves, passes and changes of position of a carton by then."""
    moves = (one.came, one.stored, one.picked, one.gone)
    changes = (*moves, one.came + 60_000_000)
    return sum(at <= until for at in (*moves, one.came, one.gone, *changes))


def _heard(one: Pallet, carton: Any, since: int) -> list[str]:
    mark = b'"epc":"%s"' % carton.hex.encode()
    times = sorted(
        heard.at
        for heard in readings(one)
        if since <= heard.at < since + HOUR_US and mark in heard.text
    )
    return [str(instant_text(at)) for at in times]


def _stood(past: Past, at: int) -> dict[str, int]:
    found = Counter(past.before)
    for one in past.plan:
        place = one.place_at(at)
        if place is not None:
            found[place] += CARTONS
    return dict(found)


def _seen(past: Past, at: int) -> dict[str, int]:
    found: Counter[str] = Counter()
    for one in past.plan:
        place = one.seen_at(at)
        if place is not None:
            found[place] += CARTONS + (at < one.stored)
    return dict(found)
