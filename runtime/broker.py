"""The embedded MQTT broker: the real NATS server with its MQTT 3.1.1 listener on 127.0.0.1.

Every process has its own user; what it may not publish, it cannot publish.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from runtime import children
from runtime.access import BusUser, nats_subject
from runtime.postgres import free_port

# A message may be 64 KiB; the rest is room for its topic.
MAX_PAYLOAD = 66_560
_LOOK_S = 0.03
MAX_PENDING = 64 * 1024 * 1024


class BrokerError(Exception):
    """The embedded broker is missing or does not come up; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Broker:
    """A prepared broker: its state directory, port and users. Start it with `command`."""

    home: Path
    port: int
    users: tuple[BusUser, ...]

    def command(self) -> list[str]:
        """The argument vector of the server."""
        return [nats_server(), "-c", str(self.home / "nats.conf")]

    def password(self, user: str) -> str:
        """The generated password of a user."""
        return self.password_file(user).read_text().strip()

    def password_file(self, user: str) -> Path:
        """Where that password lies (0600), for `mqtt.password_file`."""
        return self.home / f"{user}.password"


def nats_server() -> str:
    """The server's program, which its wheel puts beside this Python."""
    names = ["nats-server", "nats-server.exe"]
    for place in (Path(sys.executable).parent, Path(sys.prefix) / "bin"):
        for name in names:
            if (place / name).is_file():
                return str(place / name)
    raise BrokerError("the embedded broker is not installed: pip install 'dockledger[demo]'")


def prepare(home: Path, users: Sequence[BusUser], port: int = 0) -> Broker:
    """Write the configuration of this state directory; passwords are kept, the port may change."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    broker = Broker(home, port or free_port(), tuple(users))
    for user in users:
        if not broker.password_file(user.name).exists():
            children.write_private(broker.password_file(user.name), secrets.token_urlsafe(24))
    children.write_private(home / "nats.conf", _configuration(broker))
    return broker


def _configuration(broker: Broker) -> str:
    users = [_user(user, broker.password(user.name)) for user in broker.users]
    document = {
        "server_name": "dockledger",
        "host": "127.0.0.1",
        "port": -1,
        "max_payload": MAX_PAYLOAD,
        "max_pending": MAX_PENDING,
        "write_deadline": "5s",
        "jetstream": {
            "store_dir": str(broker.home / "store"),
            "max_memory_store": 64 * 1024 * 1024,
            "max_file_store": 2 * 1024**3,
            "sync_interval": "1s",
        },
        "mqtt": {"host": "127.0.0.1", "port": broker.port, "max_ack_pending": 1_000},
        "authorization": {"users": users},
    }
    return json.dumps(document, indent=1)


def _user(user: BusUser, password: str) -> dict[str, object]:
    return {
        "user": user.name,
        "password": password,
        "allowed_connection_types": ["MQTT"],
        "permissions": {"publish": _only(user.publish), "subscribe": _only(user.subscribe)},
    }


def _only(filters: Sequence[str]) -> dict[str, list[str]]:
    """These subjects alone; an empty list of allowed ones would not mean "none"."""
    return {"allow": [nats_subject(f) for f in filters]} if filters else {"deny": [">"]}


def spawn(broker: Broker, log: IO[bytes] | int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start the server as a child that ends with this process."""
    return subprocess.Popen(
        broker.command(),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        preexec_fn=children.die_with_parent(signal.SIGTERM),
        start_new_session=True,
    )


async def wait_ready(port: int, *, host: str = "127.0.0.1", limit_s: float = 15.0) -> None:
    """Return once the listener takes connections."""
    for _ in range(int(limit_s / _LOOK_S)):
        if await answers(host, port):
            return
        await asyncio.sleep(_LOOK_S)
    raise BrokerError(f"no answer on the broker's port in {limit_s:.0f} s")


async def answers(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


@contextlib.asynccontextmanager
async def run_broker(home: Path, users: Sequence[BusUser], port: int = 0) -> AsyncIterator[Broker]:
    """A broker that is ready, and is started again whenever it dies, until the context ends."""
    with children.exclusive(home / "lock"):
        broker = prepare(home, users, port)
        with (home / "nats.log").open("ab") as log:
            keeper = asyncio.create_task(_keep_running(broker, log), name="broker")
            try:
                await wait_ready(broker.port)
                yield broker
            finally:
                keeper.cancel()
                await asyncio.gather(keeper, return_exceptions=True)


async def _keep_running(broker: Broker, log: IO[bytes]) -> None:
    while True:
        child = spawn(broker, log)
        try:
            await children.ended(child)
        except asyncio.CancelledError:
            await asyncio.to_thread(stop, child)
            raise
        await asyncio.sleep(0.1)


def stop(child: subprocess.Popen[bytes], *, patience_s: float = 5.0) -> None:
    """Ask it to end, then end it."""
    child.terminate()
    try:
        child.wait(patience_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait(patience_s)
