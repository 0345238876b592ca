"""Work on the database from a command: one transaction on the configured URL, without the API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from core.application.ports.uow import UnitOfWork, in_transaction
from core.db.uow import PgUnitOfWorkFactory, build_engine
from runtime import settings
from runtime.cli.exits import usage

T = TypeVar("T")


def in_database(config: Path, work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
    """Run `work` in one transaction on the site that the configuration names."""
    tree = settings.load(config)
    if tree.database.url is None:
        raise usage("the configuration names no database.url or database.url_file")
    return asyncio.run(_run(tree.database.url.reveal(), tree.site, work))


async def _run(url: str, site: str, work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
    engine = build_engine(url, pool_size=1)
    try:
        return await in_transaction(PgUnitOfWorkFactory(engine), site, work)
    finally:
        await engine.dispose()
