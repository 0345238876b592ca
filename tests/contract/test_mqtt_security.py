"""The MQTT rows of the threat table against a Mosquitto with TLS: what arrives, what is cut."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts import topics
from contracts.bus import BusUnavailableError
from runtime import children, mqtt, mqtt_options
from runtime.access import gateway_user, mosquitto_acl
from runtime.cli import device
from runtime.mqtt_accounts import mosquitto_hash
from runtime.postgres import free_port
from tests.brokers import SITE
from tests.contract.test_bus import linked, take
from tests.services import require_service
from tests.waiting import eventually

pytestmark = pytest.mark.service("mosquitto")
RUN = CliRunner()
MINE, OTHERS = topics.up(SITE, "dock-1", "reads"), topics.up(SITE, "dock-2", "reads")


def _authority(home: Path, name: str) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", str(home / f"{name}.key"),
         "-out", str(home / f"{name}.crt")],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip


@dataclass
class Tls:
    """A TLS broker: passwords on `port`, client certificates on `cert_port`."""

    home: Path
    port: int
    cert_port: int
    process: subprocess.Popen[bytes]

    def command(self, verb: str, name: str, *more: str) -> None:
        """`dockledger device …` on this broker's files, with a reload."""
        where = ["--passwords", str(self.home / "passwords"), "--acl", str(self.home / "acl")]
        pid = ["--pid-file", str(self.home / "pid")]
        done = RUN.invoke(device.app, [verb, name, *where, *pid, *more])
        assert done.exit_code == 0, done.output

    def add(self, name: str) -> str:
        """A new account; its password."""
        out = self.home / f"{name}.password"
        self.command("add", name, "--site", SITE, "--out", str(out))
        return out.read_text().strip()

    def options(
        self, user: str, password: str | None, *, ca: str = "ca", client_id: str | None = None,
        will: mqtt.Will | None = None, cert: Path | None = None,
    ) -> mqtt.MqttOptions:  # fmt: skip
        """How `user` connects."""
        tls = mqtt_options.tls_context(
            ca=str(self.home / f"{ca}.crt"),
            cert=str(cert.with_name(cert.name + ".crt")) if cert else None,
            key=str(cert) if cert else None,
        )
        return mqtt.MqttOptions(
            host="localhost", port=self.cert_port if cert else self.port,
            client_id=client_id or user, username=user, password=password, tls=tls, will=will,
        )  # fmt: skip


@pytest.fixture
def tls() -> Iterator[Tls]:
    program = require_service("mosquitto")
    home = Path(tempfile.mkdtemp(prefix="dockledger-tls-"))
    for name in ("ca", "stranger"):
        _authority(home, name)
    (home / "acl").write_text(mosquitto_acl([gateway_user(SITE)]))
    (home / "passwords").write_text(f"gateway:{mosquitto_hash('word', salt=b'x' * 12)}\n")
    port, cert_port = free_port(), free_port()
    limits = Path(__file__).parents[2] / "deploy" / "mosquitto" / "conf.d" / "limits.conf"
    files = f"cafile {home}/ca.crt\ncertfile {home}/ca.crt\nkeyfile {home}/ca.key\n"
    files += "tls_version tlsv1.2\n"
    conf = f"allow_anonymous false\npassword_file {home}/passwords\nacl_file {home}/acl\n"
    conf += f"pid_file {home}/pid\nlog_type error\n"
    conf += "user root\n" if os.geteuid() == 0 else ""
    # The limits name their listener by standing behind it, as include_dir does in what is shipped.
    conf += f"listener {port} 127.0.0.1\n{files}{limits.read_text()}"
    conf += f"listener {cert_port} 127.0.0.1\n{files}require_certificate true\n"
    conf += "use_identity_as_username true\nuse_username_as_clientid true\n"
    (home / "mosquitto.conf").write_text(conf)
    process = subprocess.Popen(
        [program, "-c", str(home / "mosquitto.conf")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=children.die_with_parent(signal.SIGTERM),
    )  # fmt: skip
    deadline = time.monotonic() + 10
    for one in (port, cert_port):
        while socket.socket().connect_ex(("127.0.0.1", one)):
            assert process.poll() is None, "the broker ended"
            assert time.monotonic() < deadline
            time.sleep(0.05)
    yield Tls(home, port, cert_port, process)
    process.kill()
    process.wait()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as made:
        yield made


async def _in(stack: AsyncExitStack, options: mqtt.MqttOptions) -> mqtt.MqttBus:
    bus = await stack.enter_async_context(mqtt.MqttBus(options))
    await eventually(lambda: bus.connected)
    return bus


async def _refused(options: mqtt.MqttOptions) -> None:
    async with mqtt.MqttBus(options) as stranger:
        with pytest.raises(AssertionError):
            await eventually(lambda: stranger.connected, 1.0)
        assert stranger.connects == 0


async def _gateway(tls: Tls, stack: AsyncExitStack) -> mqtt.MqttBus:
    bus = await _in(stack, tls.options("gateway", "word"))
    await bus.subscribe(topics.all_up(SITE))
    return bus


async def test_an_added_device_speaks_for_itself_alone(tls: Tls, stack: AsyncExitStack) -> None:
    gateway = await _gateway(tls, stack)
    agent = await _in(stack, tls.options("dock-1", tls.add("dock-1")))
    await linked(agent, gateway, MINE)

    for topic in (OTHERS, topics.down(SITE, "dock-1", "cursor"), topics.position(SITE, "1")):
        with pytest.raises(BusUnavailableError):
            await agent.publish(topic, b"forged")
    await agent.publish(MINE, b"mine")

    assert [d.payload for d in await take(gateway, 1)] == [b"mine"]


async def test_rotate_ends_the_old_password_and_revoke_the_connection(
    tls: Tls, stack: AsyncExitStack
) -> None:
    first = tls.add("dock-1")
    agent = await _in(stack, tls.options("dock-1", first))
    out = tls.home / "second"

    tls.command("rotate", "dock-1", "--out", str(out))
    await eventually(lambda: not agent.connected, 5)
    await _refused(tls.options("dock-1", first))
    second = await _in(stack, tls.options("dock-1", out.read_text().strip()))

    tls.command("revoke", "dock-1")
    await eventually(lambda: not second.connected, 5)
    await _refused(tls.options("dock-1", out.read_text().strip()))


async def test_a_client_certificate_is_the_identity(tls: Tls, stack: AsyncExitStack) -> None:
    gateway = await _gateway(tls, stack)
    key = tls.home / "dock-1.key"
    authority = ["--ca", str(tls.home / "ca.crt"), "--ca-key", str(tls.home / "ca.key")]
    tls.command("add", "dock-1", "--site", SITE, "--out", str(key), *authority)
    # The name it claims counts for nothing: the certificate says dock-1.
    agent = await _in(stack, tls.options("dock-2", None, cert=key))
    await linked(agent, gateway, MINE)
    with pytest.raises(BusUnavailableError):
        await agent.publish(OTHERS, b"forged")

    mine = topics.down(SITE, "dock-1", "command")
    await agent.subscribe([mine])
    await gateway.publish(mine, b"before")
    await eventually(lambda: agent.waiting == 1)

    tls.command("revoke", "dock-1")
    other = await _in(stack, tls.options("gateway", "word", client_id="gateway"))
    with pytest.raises(BusUnavailableError):
        await agent.publish(MINE, b"too late")
    assert other.connected
    # Its connection may stand, but it hears nothing any more, and nothing of it arrives.
    heard = agent.waiting
    await other.publish(mine, b"secret")
    with pytest.raises(AssertionError):
        await eventually(lambda: agent.waiting > heard, 1.0)
    fresh = await _in(stack, tls.options("dock-1", None, cert=key, client_id="again"))
    with pytest.raises(BusUnavailableError):
        await fresh.publish(MINE, b"forged")


async def test_no_log_in_no_tls_and_a_foreign_authority_are_refused(tls: Tls) -> None:
    await _refused(tls.options("", None, client_id="x"))
    await _refused(tls.options("gateway", "wrong"))
    await _refused(tls.options("gateway", "word", ca="stranger"))
    plain = tls.options("gateway", "word")
    await _refused(mqtt.MqttOptions("localhost", plain.port, "gateway", "gateway", "word"))
    context = ssl.create_default_context(cafile=str(tls.home / "ca.crt"))
    # Only a client that lowers its security level can offer TLS 1.1 at all.
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        pytest.raises(ssl.SSLError, match=r"(?i)protocol|version"),
        socket.create_connection(("localhost", tls.port), 5) as raw,
    ):
        context.wrap_socket(raw, server_hostname="localhost")


async def test_the_will_of_a_device_cannot_speak_for_another(
    tls: Tls, stack: AsyncExitStack
) -> None:
    gateway = await _gateway(tls, stack)
    forged = mqtt.Will(topics.up(SITE, "dock-2", "status"), b"forged")
    password = tls.add("dock-1")
    other = await _in(stack, tls.options("dock-2", tls.add("dock-2")))
    liar = await stack.enter_async_context(
        mqtt.MqttBus(tls.options("dock-1", password, will=forged))
    )
    # The broker may refuse such a log-in outright.
    with contextlib.suppress(AssertionError):
        await eventually(lambda: liar.connected, 2.0)
    liar.cut()
    await linked(other, gateway, topics.up(SITE, "dock-2", "status"))

    await other.publish(topics.up(SITE, "dock-2", "status"), b"alive")

    assert [d.payload for d in await take(gateway, 1)] == [b"alive"]


async def test_a_device_cannot_take_the_session_of_the_gateway(
    tls: Tls, stack: AsyncExitStack
) -> None:
    gateway = await _gateway(tls, stack)
    thief = await _in(stack, tls.options("dock-1", tls.add("dock-1"), client_id="gateway"))
    await linked(thief, gateway, MINE)

    await thief.publish(MINE, b"after")

    assert [d.payload for d in await take(gateway, 1)] == [b"after"]
    assert (gateway.connected, gateway.connects) == (True, 1)


def _rss_kib(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1])


def test_a_publish_of_250_mb_is_cut_off(tls: Tls) -> None:
    before = _rss_kib(tls.process.pid)
    context = mqtt_options.tls_context(ca=str(tls.home / "ca.crt"))
    name, word = b"gateway", b"word"
    body = b"\x00\x04MQTT\x04\xc2\x00\x3c\x00\x07gateway"
    body += len(name).to_bytes(2, "big") + name + len(word).to_bytes(2, "big") + word
    sent = 0
    with (
        socket.create_connection(("localhost", tls.port), 5) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as link,
    ):
        link.sendall(bytes([0x10, len(body)]) + body)
        assert link.recv(4) == b"\x20\x02\x00\x00"
        # PUBLISH of QoS 0 with a remaining length of 250,000,000.
        link.sendall(b"\x30\x80\xe5\x9a\x77")
        with contextlib.suppress(OSError):
            while sent < 250_000_000:
                sent += link.send(bytes(65_536))

    assert sent < 20_000_000
    assert _rss_kib(tls.process.pid) - before < 5 * 1024
