"""One machine as a whole site: embedded database and broker, migrated, and the roles as processes.

`dockledger up` and `dockledger demo` are this with different children; the roles do not know it.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.db.migrate import migrate
from runtime import broker, children, postgres, probes
from runtime.access import BusUser, probe_user
from runtime.heartbeat import CHILD_VARIABLE, beat_file
from runtime.supervisor import Child, Say, Supervisor

READY_S = 60.0


@dataclass(frozen=True, slots=True)
class LocalSite:
    """What runs, and what a process needs to know to take part."""

    home: Path
    supervisor: Supervisor
    server: postgres.Server | None
    broker: broker.Broker | None

    def database_env(self, role: postgres.Role = postgres.APP) -> dict[str, str]:
        """Where the embedded database is, for a process of this role; empty without one."""
        if self.server is None:
            return {}
        file = self.home / "run" / f"{role}.url"
        children.write_private(file, self.server.url(role))
        return {"DOCKLEDGER__DATABASE__URL_FILE": str(file)}

    def mqtt_env(self, user: str) -> dict[str, str]:
        """Where the embedded broker is, and who the process is there; empty without one."""
        if self.broker is None:
            return {}
        return {
            "DOCKLEDGER__MQTT__HOST": "127.0.0.1",
            "DOCKLEDGER__MQTT__PORT": str(self.broker.port),
            "DOCKLEDGER__MQTT__PROTOCOL": "3.1.1",
            "DOCKLEDGER__MQTT__USERNAME": user,
            "DOCKLEDGER__MQTT__PASSWORD_FILE": str(self.broker.password_file(user)),
        }

    def role(
        self,
        role: str,
        config: Path,
        *,
        name: str | None = None,
        env: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        probe: probes.Probe | None = None,
    ) -> Child:
        """A role (or another command) as a child of the supervisor; it beats under its name."""
        child = name or role
        argv = [sys.executable, "-m", "runtime.cli.main", role, "--config", str(config), *arguments]
        own = {CHILD_VARIABLE: child, "DOCKLEDGER_HOME": str(self.home), **(env or {})}
        beats = probes.beat(beat_file(self.home, child))
        return Child(child, argv, probe or beats, env=own)


@contextlib.asynccontextmanager
async def local_site(
    home: Path,
    *,
    users: Sequence[BusUser],
    say: Say,
    echo: bool = False,
    with_database: bool = True,
    with_broker: bool = True,
    ports: tuple[int, int] = (0, 0),
) -> AsyncIterator[LocalSite]:
    """Database and broker are up and migrated; what is started on the supervisor ends with it.

    `ports` are those of database and broker; 0 keeps the last one if it is free.
    """
    with children.exclusive(home / "run" / "lock"):
        for beat in (home / "run").glob("*.beat"):
            beat.unlink()
        supervisor = Supervisor(home, say=say, echo=echo)
        server = mqtt = None
        try:
            if with_database:
                server = await _start_database(home, ports[0], supervisor)
            if with_broker:
                mqtt = await _start_broker(home, ports[1], supervisor, users)
            yield LocalSite(home, supervisor, server, mqtt)
        finally:
            await supervisor.stop()


async def _start_database(home: Path, port: int, supervisor: Supervisor) -> postgres.Server:
    place = home / "postgres"
    chosen = port or _kept_port(home, "postgres")
    server = await asyncio.to_thread(postgres.prepare, place, chosen)
    child = Child(
        "postgres",
        server.command(),
        probes.postgres(server.port),
        base_env=postgres.environment(),
        stop_signal=signal.SIGINT,
        account=server.account,
        cwd="/",
    )
    await supervisor.start(child, ready_s=READY_S)
    await postgres.ensure_ready(server)
    await migrate(server.url(postgres.OWNER))
    return server


async def _start_broker(
    home: Path, port: int, supervisor: Supervisor, users: Sequence[BusUser]
) -> broker.Broker:
    chosen = port or _kept_port(home, "broker")
    made = broker.prepare(home / "broker", [*users, probe_user()], chosen)
    probe = probes.mqtt(made.port, user="probe", password=made.password("probe"))
    await supervisor.start(
        Child("broker", made.command(), probe, base_env=postgres.environment()), ready_s=READY_S
    )
    return made


def _kept_port(home: Path, name: str) -> int:
    """The port used the last time if nobody took it, else a free one; remembered."""
    file = home / "run" / f"{name}.port"
    with contextlib.suppress(OSError, ValueError):
        port = int(file.read_text())
        if postgres.is_free(port):
            return port
    port = postgres.free_port()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.write_text(str(port))
    return port


async def until_told(extra: asyncio.Event | None = None) -> None:
    """Return on SIGTERM, SIGINT or when `extra` is set."""
    told = extra or asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await told.wait()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
