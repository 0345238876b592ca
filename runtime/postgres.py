"""The embedded PostgreSQL: our own initdb, scram only, 127.0.0.1 only, run as a child process.

As root it runs as a system user under /var/lib/dockledger; no existing directory changes its mode.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal
from urllib.parse import quote

import asyncpg

from runtime import children, pgfiles

Role = Literal["postgres", "dockledger_owner", "dockledger_app", "dockledger_kpi"]
OWNER: Role = "dockledger_owner"
APP: Role = "dockledger_app"
KPI: Role = "dockledger_kpi"
DATABASE = "dockledger"
START_LIMIT_S = 30.0
RETRY_S = 0.1


class PostgresError(Exception):
    """The embedded server cannot be prepared or does not come up; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Server:
    """A prepared server: where it lives and how it is started. Start it with `command`."""

    home: Path
    data: Path
    bin: Path
    port: int
    account: children.Account | None
    options: tuple[str, ...] = ()

    def password(self, role: Role) -> str:
        """The generated password of a role."""
        return (self.home / f"{role}.password").read_text().strip()

    def url(self, role: Role = APP, database: str = DATABASE) -> str:
        """A `postgresql://` URL with the password inside; never write it to a log."""
        word = quote(self.password(role), safe="")
        return f"postgresql://{role}:{word}@127.0.0.1:{self.port}/{quote(database)}"

    def command(self) -> list[str]:
        """The argument vector of the postmaster."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "password_encryption": "scram-sha-256",
            "max_connections": "100",
            "log_timezone": "UTC",
            "timezone": "UTC",
            "lc_messages": "C",
        }
        pairs = [f"{k}={v}" for k, v in settings.items()] + list(self.options)
        return [str(self.bin / "postgres"), "-D", str(self.data)] + [
            word for pair in pairs for word in ("-c", pair)
        ]


def prepare(
    home: Path, port: int = 0, *, options: tuple[str, ...] = (), data: Path | None = None
) -> Server:
    """Make or find the cluster of a state directory; `port` 0 takes a free one.

    `data` names another place for the cluster than its own, which the server's account may enter.

    Refuses while another process holds it; a postmaster without its supervisor is shut down first.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    account = pgfiles.server_account()
    binaries = pgfiles.server_binaries(account)
    data = data or pgfiles.data_directory(home, account)
    for role in ("postgres", OWNER, APP, KPI):
        path = home / f"{role}.password"
        if not path.exists():
            children.write_private(path, secrets.token_urlsafe(24))
    server = Server(home, data, binaries, port or free_port(), account, options)
    if not (data / "PG_VERSION").exists():
        _initdb(server)
    _stop_orphan(server)
    return server


def _initdb(server: Server) -> None:
    pwfile = server.data.parent / f"{server.data.name}.pw"
    children.write_private(pwfile, server.password("postgres"), owner=server.account)
    argv = [str(server.bin / "initdb"), "-D", str(server.data), "--username=postgres"]
    argv += ["--auth=scram-sha-256", f"--pwfile={pwfile}", "--encoding=UTF8", "--no-instructions"]
    argv += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    try:
        done = subprocess.run(
            argv,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
            check=False,
            cwd="/",
            env=environment(),
            **children.as_account(server.account),
        )
    finally:
        pwfile.unlink()
    if done.returncode != 0:
        tail = done.stderr.decode(errors="replace").strip().splitlines()[-3:]
        raise PostgresError("initdb failed: " + " | ".join(tail))


def environment() -> dict[str, str]:
    """What the server's programs may know of ours."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _stop_orphan(server: Server) -> None:
    """End a postmaster left over by a killed supervisor; the caller holds the lock of this home."""
    pid = pgfiles.postmaster_pid(server.data)
    if pid is None:
        return
    for sign, patience in ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if pgfiles.postmaster_pid(server.data) is None:
                return
            time.sleep(0.05)
    raise PostgresError(f"another PostgreSQL (pid {pid}) keeps running on this state directory")


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether a port of 127.0.0.1 can be listened on right now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def spawn(server: Server, log: IO[bytes] | int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start the postmaster as a child that ends with this process."""
    return subprocess.Popen(
        server.command(),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
        env=environment(),
        preexec_fn=children.die_with_parent(signal.SIGINT),
        start_new_session=True,
        **children.as_account(server.account),
    )


async def wait_ready(url: str, *, limit_s: float = START_LIMIT_S) -> None:
    """Return once the server takes statements."""
    deadline = time.monotonic() + limit_s
    while True:
        try:
            connection = await asyncpg.connect(url, timeout=2)
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError) as why:
            if time.monotonic() > deadline:
                raise PostgresError(f"no answer on the database port in {limit_s:.0f} s") from why
            await asyncio.sleep(0.03)
        else:
            await connection.close()
            return


async def ensure_roles(admin_url: str, passwords: dict[Role, str]) -> None:
    """The three database roles exist with these passwords; none is a superuser."""
    connection = await asyncpg.connect(admin_url)
    try:
        # Two that start at once would change the same catalogue row; the lock goes with us.
        await connection.execute("SELECT pg_advisory_lock(hashtext('dockledger roles'))")
        for role in (OWNER, APP, KPI):
            known = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
            word = passwords[role].replace("'", "''")
            verb = "ALTER" if known else "CREATE"
            with contextlib.suppress(asyncpg.DuplicateObjectError):
                await connection.execute(f"{verb} ROLE {role} LOGIN PASSWORD '{word}'")
    finally:
        await connection.close()


async def ensure_database(admin_url: str, name: str = DATABASE) -> None:
    """The database exists, belongs to the owner role and is closed to strangers."""
    connection = await asyncpg.connect(admin_url)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(f'CREATE DATABASE "{name}" OWNER {OWNER} TEMPLATE template0')
    finally:
        await connection.close()
    head, _, _ = admin_url.rpartition("/")
    connection = await asyncpg.connect(f"{head}/{name}")
    try:
        await connection.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
        await connection.execute(f'GRANT CONNECT ON DATABASE "{name}" TO {APP}, {KPI}')
        await connection.execute(f"ALTER SCHEMA public OWNER TO {OWNER}")
        # A reader that names no schema finds the views, and nothing else.
        await connection.execute(f'ALTER ROLE {KPI} IN DATABASE "{name}" SET search_path = kpi')
    finally:
        await connection.close()


async def ensure_ready(server: Server, *, limit_s: float = START_LIMIT_S) -> None:
    """The server answers, and roles and database exist."""
    await wait_ready(server.url("postgres", "postgres"), limit_s=limit_s)
    roles: tuple[Role, ...] = (OWNER, APP, KPI)
    await ensure_roles(server.url("postgres", "postgres"), {r: server.password(r) for r in roles})
    await ensure_database(server.url("postgres", "postgres"))


@contextlib.asynccontextmanager
async def run_server(
    home: Path, port: int = 0, *, options: tuple[str, ...] = ()
) -> AsyncIterator[Server]:
    """A server that is ready, and is started again whenever it dies, until the context ends."""
    with children.exclusive(home / "lock"):
        server = await asyncio.to_thread(prepare, home, port, options=options)
        with (home / "postgres.log").open("ab") as log:
            keeper = asyncio.create_task(_keep_running(server, log), name="postgres")
            try:
                await ensure_ready(server)
                yield server
            finally:
                keeper.cancel()
                await asyncio.gather(keeper, return_exceptions=True)


async def _keep_running(server: Server, log: IO[bytes]) -> None:
    """Restart at once: old backends may still hold the memory, then a later try finds it free."""
    while True:
        child = spawn(server, log)
        try:
            await children.ended(child)
        except asyncio.CancelledError:
            await asyncio.to_thread(stop, child)
            raise
        await asyncio.sleep(RETRY_S)


def stop(child: subprocess.Popen[bytes], *, patience_s: float = 10.0) -> None:
    """Fast shutdown, then the immediate one."""
    child.send_signal(signal.SIGINT)
    try:
        child.wait(patience_s)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGQUIT)
        child.wait(patience_s)
