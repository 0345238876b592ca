"""PostgreSQL for tests: one server a session, one copy of a migrated template per test."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from core.db.migrate import migrate
from runtime import children, pgfiles, postgres

T = TypeVar("T")
# What a test writes need not survive the power cut that ends the test run.
_QUICK = ("fsync=off", "synchronous_commit=on", "full_page_writes=off", "max_connections=200")
_names = itertools.count(1)
# A database is copied as files for each test: in memory that takes a tenth of the time.
_MEMORY, _ROOM, _OLD_S = Path("/dev/shm"), 4 * 2**30, 3600


def run_apart(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run async work from a plain fixture on its own thread, whatever loop the test will use."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(work())).result()


@dataclass(frozen=True)
class PgAdmin:
    """The session's server as its administrator sees it."""

    admin_url: str
    passwords: dict[postgres.Role, str]

    def url(self, role: postgres.Role, database: str) -> str:
        """Where `role` reaches `database`."""
        parts = urlsplit(self.admin_url)
        host = f"{parts.hostname}:{parts.port or 5432}"
        user = parts.netloc.rpartition("@")[0] if role == "postgres" else None
        head = user or f"{role}:{self.passwords[role]}"
        return urlunsplit(("postgresql", f"{head}@{host}", f"/{database}", "", ""))

    def execute(self, statement: str) -> None:
        """One statement outside any transaction, as the administrator."""

        async def work() -> None:
            connection = await asyncpg.connect(self.admin_url)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        run_apart(work)


@dataclass(frozen=True)
class TestDatabase:
    """One test's own database and its three doors."""

    __test__ = False

    name: str
    app: str
    owner: str
    kpi: str
    admin: str


def _in_memory() -> Path | None:
    """A place for the server's data in memory, where there is room; None elsewhere."""
    if not os.access(_MEMORY, os.W_OK) or shutil.disk_usage(_MEMORY).free < _ROOM:
        return None
    for left in _MEMORY.glob("dockledger-pg-*"):
        with contextlib.suppress(OSError):
            old = time.time() - left.stat().st_mtime > _OLD_S
            if old and pgfiles.postmaster_pid(left / "data") is None:
                shutil.rmtree(left, ignore_errors=True)
    place = Path(tempfile.mkdtemp(prefix="dockledger-pg-", dir=_MEMORY))
    account = pgfiles.server_account()
    if account is not None:
        os.chown(place, account.uid, account.gid)
    return place / "data"


@pytest.fixture(scope="session")
def pg() -> Iterator[PgAdmin]:
    """The session's PostgreSQL: embedded, or the one DOCKLEDGER_TEST_POSTGRES_URL names."""
    roles: tuple[postgres.Role, ...] = (postgres.OWNER, postgres.APP, postgres.KPI)
    given = os.environ.get("DOCKLEDGER_TEST_POSTGRES_URL")
    if given:
        words = dict.fromkeys(roles, "only-for-tests-of-this-server")
        run_apart(lambda: postgres.ensure_roles(given, words))
        yield PgAdmin(given, words)
        return
    home = Path(tempfile.mkdtemp(prefix="dockledger-pg-"))
    data = _in_memory()
    with children.exclusive(home / "lock"):
        server = postgres.prepare(home, options=_QUICK, data=data)
        child = postgres.spawn(server)
        try:
            run_apart(lambda: postgres.ensure_ready(server))
            words = {role: server.password(role) for role in roles}
            yield PgAdmin(server.url("postgres", "postgres"), words)
        finally:
            postgres.stop(child)
            if data is None:
                pgfiles.remove_data(home)
            else:
                shutil.rmtree(data.parent, ignore_errors=True)
            shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def template_database(pg: PgAdmin) -> Iterator[str]:
    """A database with every migration applied, which the databases of tests are copied from."""
    name = f"dockledger_template_{os.getpid()}"
    run_apart(lambda: postgres.ensure_database(pg.admin_url, name))
    run_apart(lambda: migrate(pg.url(postgres.OWNER, name)))
    yield name
    pg.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def database(pg: PgAdmin, template_database: str) -> Iterator[TestDatabase]:
    """A fresh migrated database of this test alone."""
    name = f"dockledger_test_{os.getpid()}_{next(_names)}"
    pg.execute(f'CREATE DATABASE "{name}" OWNER {postgres.OWNER} TEMPLATE "{template_database}"')
    run_apart(lambda: postgres.ensure_database(pg.admin_url, name))
    yield TestDatabase(
        name,
        app=pg.url(postgres.APP, name),
        owner=pg.url(postgres.OWNER, name),
        kpi=pg.url(postgres.KPI, name),
        admin=pg.url("postgres", name),
    )
    with contextlib.suppress(OSError):
        pg.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def database_url(database: TestDatabase) -> str:
    """A fresh migrated database, as the application role sees it."""
    return database.app


@pytest.fixture
def owner_url(database: TestDatabase) -> str:
    """The same database as its owner: may change the schema (to plant a bug)."""
    return database.owner


@pytest.fixture
def kpi_url(database: TestDatabase) -> str:
    """The same database as the reader of boards: sees schema kpi alone."""
    return database.kpi
