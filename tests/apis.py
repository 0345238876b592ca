"""The real application on a real database for tests: `serve_api` listens on a loopback socket."""

from __future__ import annotations

import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from core.api.agent_config import CONFIG_CHECK
from core.api.app import build_app
from core.api.auth import make_key
from core.api.gate import GateLimits
from core.api.history import EVIDENCE
from core.db.stores.platform import PgKeyStore
from core.db.uow import PgUnitOfWorkFactory, build_engine
from gateway.archive_reader import ArchiveReader
from runtime.clock import new_id, now_us
from runtime.config_check import check_agent_config
from runtime.roles.api import routers as all_routers

SITE = "demo"
NO_ARCHIVE = Path("/nonexistent/archive")


@dataclass
class Api:
    """An application, its engine and ready-made keys by role."""

    app: FastAPI
    engine: AsyncEngine
    open_unit: PgUnitOfWorkFactory
    keys: dict[str, str] = field(default_factory=dict)

    async def key(self, role: str, *, owners: tuple[str, ...] = ("*",)) -> str:
        """A live key of a role (made once per role and owners)."""
        name = f"{role}:{','.join(owners)}"
        if name not in self.keys:
            clear, record = make_key(
                new_id(),
                name=name,
                role=role,
                sites=(SITE,),
                owners=owners,
                channels=("*",),
                token=secrets.token_bytes,
            )
            async with self.open_unit(SITE) as unit:
                await unit.platform.add_key(record, now=now_us())
            self.keys[name] = clear
        return self.keys[name]

    async def client(self, role: str, *, owners: tuple[str, ...] = ("*",)) -> httpx.AsyncClient:
        """An HTTP client with a key of this role, straight into the application."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://127.0.0.1",
            headers={"Authorization": f"Bearer {await self.key(role, owners=owners)}"},
        )


@asynccontextmanager
async def open_api(
    database_url: str,
    *,
    routers: list[APIRouter] | None = None,
    limits: GateLimits | None = None,
    extras: dict[str, Any] | None = None,
) -> AsyncIterator[Api]:
    """Build the application on a migrated database; dispose of its pool at the end."""
    engine = build_engine(database_url, pool_size=16)
    open_unit = PgUnitOfWorkFactory(engine)
    app = build_app(
        site=SITE,
        open_unit=open_unit,
        keys=PgKeyStore(engine),
        routers=routers if routers is not None else all_routers(),
        limits=limits or GateLimits(requests_per_minute=1_000_000),
        clock=now_us,
        ids=new_id,
        token=secrets.token_bytes,
        jitter=random.Random(1).random,
        extras={
            CONFIG_CHECK: check_agent_config,
            EVIDENCE: ArchiveReader(NO_ARCHIVE, site=SITE),
            **(extras or {}),
        },
    )
    try:
        yield Api(app, engine, open_unit)
    finally:
        await engine.dispose()
