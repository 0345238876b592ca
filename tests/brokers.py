"""MQTT brokers for tests: the embedded NATS server and Mosquitto, on ports of their own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from runtime import broker, children, mqtt
from runtime.access import BusUser, agent_user, gateway_user, mosquitto_acl, worker_user
from runtime.postgres import free_port
from tests.services import require_service

SITE = "demo"
AGENTS = ("dock-1", "dock-2", "floor-1")


def demo_users(site: str = SITE) -> list[BusUser]:
    """The users of the demo site."""
    agents = [agent_user(site, agent) for agent in AGENTS]
    return [*agents, gateway_user(site), gateway_user(site, "gateway-2"), worker_user(site)]


class RunningBroker(Protocol):
    """A broker a test can kill and bring back on the same port."""

    port: int
    protocols: tuple[mqtt.Protocol, ...]

    def password(self, user: str) -> str: ...

    def start(self) -> None: ...

    def kill(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class _Process:
    """Start, kill -9, SIGSTOP and SIGCONT of one child."""

    def __init__(self, port: int, argv: list[str]) -> None:
        self.port = port
        self._argv = argv
        self._child: subprocess.Popen[bytes] | None = None

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=children.die_with_parent(signal.SIGTERM),
        )

    def start(self) -> None:
        """Start it and wait for its listener."""
        if self._child is not None and self._child.poll() is None:
            return
        self._child = self._spawn()
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            try:
                code = self._child.wait(0.03)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(f"the broker ended with {code}")
        raise AssertionError("the broker did not come up in 15 s")

    def kill(self) -> None:
        """kill -9."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def pause(self) -> None:
        """SIGSTOP; returns when every thread of it stands still."""
        if self._child is not None:
            self._child.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, self._child.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """SIGCONT."""
        if self._child is not None:
            self._child.send_signal(signal.SIGCONT)


class NatsBroker(_Process):
    """The embedded broker; MQTT 3.1.1 only."""

    protocols: tuple[mqtt.Protocol, ...] = ("3.1.1",)

    def __init__(self, home: Path, users: list[BusUser]) -> None:
        self._broker = broker.prepare(home, users)
        super().__init__(self._broker.port, self._broker.command())

    def password(self, user: str) -> str:
        """The password of a user."""
        return self._broker.password(user)


class MosquittoBroker(_Process):
    """Mosquitto on loopback with the settings and the kind of ACL that are shipped."""

    protocols: tuple[mqtt.Protocol, ...] = ("5", "3.1.1")

    def __init__(self, program: str, home: Path, users: list[BusUser]) -> None:
        super().__init__(free_port(), [program, "-c", str(home / "mosquitto.conf")])
        (home / "acl").write_text(mosquitto_acl(users))
        passwords = home / "passwords"
        passwords.write_text("".join(f"{user.name}:{self.password(user.name)}\n" for user in users))
        for private in (home / "acl", passwords):
            private.chmod(0o600)
        hashing = shutil.which("mosquitto_passwd")
        if hashing is None:
            raise AssertionError("mosquitto_passwd is missing beside mosquitto")
        subprocess.run([hashing, "-U", str(passwords)], check=True, timeout=30)
        shipped = Path(__file__).parents[1] / "deploy" / "mosquitto" / "conf.d" / "limits.conf"
        lines = [f"listener {self.port} 127.0.0.1", shipped.read_text()]
        lines += [f"password_file {passwords}", f"acl_file {home / 'acl'}", "allow_anonymous false"]
        lines += ["persistence true", f"persistence_location {home}/", "log_type error"]
        if os.geteuid() == 0:
            lines.append("user root")
        (home / "mosquitto.conf").write_text("\n".join(lines) + "\n")

    def password(self, user: str) -> str:
        """The password of a user."""
        return f"word-of-{user}"


def client(
    running: RunningBroker,
    user: str,
    *,
    protocol: mqtt.Protocol | None = None,
    will: mqtt.Will | None = None,
    max_inbox: int = 5_000,
    answer_s: float = 5.0,
) -> mqtt.MqttBus:
    """A bus that logs in as `user`; enter it as a context."""
    return mqtt.MqttBus(
        mqtt.MqttOptions(
            host="127.0.0.1",
            port=running.port,
            client_id=user,
            username=user,
            password=running.password(user),
            protocol=protocol or running.protocols[0],
            will=will,
            max_inbox=max_inbox,
            answer_s=answer_s,
        )
    )


def _running(make: type[NatsBroker]) -> Iterator[NatsBroker]:
    home = Path(tempfile.mkdtemp(prefix="dockledger-nats-"))
    running = make(home, demo_users())
    running.start()
    yield running
    running.resume()
    running.kill()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def broker_of_session() -> Iterator[NatsBroker]:
    """The embedded broker of the session; use `broker`."""
    yield from _running(NatsBroker)


@pytest.fixture
def nats(broker_of_session: NatsBroker) -> NatsBroker:
    """The embedded broker, up; a test may kill and start it."""
    broker_of_session.resume()
    broker_of_session.start()
    return broker_of_session


@pytest.fixture
def mosquitto() -> Iterator[MosquittoBroker]:
    """A Mosquitto of this test alone; skips by name where it is not installed."""
    program = require_service("mosquitto")
    home = Path(tempfile.mkdtemp(prefix="dockledger-mosquitto-"))
    running = MosquittoBroker(program, home, demo_users())
    running.start()
    yield running
    running.resume()
    running.kill()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(name="broker")
def _broker(nats: NatsBroker) -> NatsBroker:
    """The broker for tests that need any."""
    return nats
