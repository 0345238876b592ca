"""The demo's history: layout, first stock, then days of trucks and orders on a virtual clock.

Everything goes through the application's own routes and use cases; nothing is written beside them.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx

from core.api.app import build_app
from core.api.auth import make_key
from core.api.gate import GateLimits
from core.db.stores.cells import PgCellClaim
from core.db.stores.platform import PgKeyStore
from core.db.uow import PgUnitOfWorkFactory, build_engine
from runtime.clock import id_at, new_id
from runtime.roles.api import routers
from runtime.seed_days import Days, Yard
from simulators.catalog import OWNER
from simulators.layout import layout_document, stock_csv
from simulators.site import SITE_ID, build_site

DAY_US = 86_400_000_000
CELL = "site"


class VirtualClock:
    """A clock that is told the time."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        """The virtual instant, one microsecond on at each question."""
        self.now += 1
        return self.now


async def seed_site(database_url: str, *, seed: int, days: int, until: int) -> str:
    """Fill an empty database with a site and `days` of history that ends at `until`."""
    began = time.monotonic()
    site = build_site(seed)
    clock = VirtualClock(until - max(days, 1) * DAY_US)
    async with _product(database_url, clock, random.Random(seed)) as yard:
        await yard.post("/v1/imports/layout", layout_document(site))
        await yard.post_csv("/v1/imports/stock", stock_csv(site))
        told = Days(yard, site, random.Random(f"{seed}/history"))
        if days:
            await told.live(until)
    took = time.monotonic() - began
    return (
        f"seeded {days} days: {told.orders} orders, {told.trucks} trucks,"
        f" {told.passes} passes in {took:.1f} s"
    )


@asynccontextmanager
async def _product(
    database_url: str, clock: VirtualClock, rng: random.Random
) -> AsyncIterator[Yard]:
    """The application in this process on the virtual clock, and the cell held as a gateway does."""
    engine = build_engine(database_url, pool_size=4)
    open_unit = PgUnitOfWorkFactory(engine)

    def ids() -> UUID:
        return id_at(clock.now, rng.getrandbits(74))

    app = build_app(
        site=SITE_ID,
        open_unit=open_unit,
        keys=PgKeyStore(engine),
        routers=routers(),
        limits=GateLimits(requests_per_minute=1_000_000_000),
        clock=clock,
        ids=ids,
        token=secrets.token_bytes,
        jitter=rng.random,
    )
    clear, record = make_key(
        new_id(),
        name="history",
        role="manager",
        sites=(SITE_ID,),
        owners=(OWNER,),
        channels=("*",),
        token=secrets.token_bytes,
    )
    async with open_unit(SITE_ID) as unit:
        await unit.platform.add_key(record, now=clock())
    claim = PgCellClaim(database_url, site=SITE_ID, cell=CELL, holder="history", taken_at=clock)
    try:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://127.0.0.1",
            headers={"Authorization": f"Bearer {clear}"},
        ) as http:
            yield Yard(http, open_unit, claim, clock, ids)
        async with open_unit(SITE_ID) as unit:
            await unit.platform.revoke_key(record.key_id, now=clock())
    finally:
        await claim.release()
        await engine.dispose()
