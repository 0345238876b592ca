"""The gateway as a process behind a real broker: killed around its commits, stopped, replaced."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from contracts import topics
from contracts.bus import BusUnavailableError
from contracts.codec import decode_cursor
from core.application.ports.tracking import StreamKey
from gateway.archive_reader import archived
from gateway.failpoints import NAMES
from runtime.clock import now_us
from runtime.mqtt import MqttBus
from runtime.mqtt_options import MqttOptions
from tests.brokers import SITE, NatsBroker
from tests.gateway_rig import FIXTURES, a_read
from tests.waiting import eventually

AGENT = "floor-1"
READINGS, MESSAGES = 20, 300


class Process:
    """A gateway process of the demo site; each life has its own log."""

    def __init__(
        self, folder: Path, url: str, broker: NatsBroker, *, user: str, site: str = SITE
    ) -> None:
        self._folder = folder
        self._child: subprocess.Popen[bytes] | None = None
        self._lives = 0
        self._user = user
        for name, secret in ((f"{user}-db", url), (f"{user}-word", broker.password(user))):
            (folder / name).write_text(secret)
            (folder / name).chmod(0o600)
        self._config = folder / f"{user}.toml"
        self._config.write_text(
            f'site = "{site}"\n[database]\nurl_file = "{folder / f"{user}-db"}"\n'
            f'[mqtt]\nport = {broker.port}\nprotocol = "3.1.1"\nusername = "{user}"\n'
            f'password_file = "{folder / f"{user}-word"}"\n'
            f'[gateway]\narchive_path = "{folder / "archive"}"\n'
        )

    def start(self, fault: str = "") -> None:
        """A new life."""
        self._lives += 1
        home = self._folder / f"home-{self._user}"
        home.mkdir(exist_ok=True)
        with (self._folder / f"{self._user}-{self._lives}.log").open("wb") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "runtime.cli.main", "gateway", "--config", self._config],
                env={**os.environ, "DOCKLEDGER_HOME": str(home), "FAULT": fault},
                stdout=log,
                stderr=log,
            )

    @property
    def dead(self) -> bool:
        """Whether this life is over."""
        return self._child is None or self._child.poll() is not None

    def send(self, number: signal.Signals) -> None:
        """A signal to this very process."""
        if self._child is not None:
            self._child.send_signal(number)

    def end(self) -> None:
        """Stop it for good."""
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(signal.SIGCONT)
            self._child.kill()
            self._child.wait(10)


class Sending:
    """A go-back-N sender on a real connection."""

    def __init__(self, bus: MqttBus) -> None:
        self._bus = bus
        self.cursor = 0
        now = now_us()
        self._payloads = [self._payload(seq, now) for seq in range(1, MESSAGES + 1)]

    @staticmethod
    def _payload(seq: int, now: int) -> bytes:
        reads = [
            a_read(device="z1", antenna=1, count=1, occurred_at=now - 60_000_000 + seq * 100 + n)
            for n in range(READINGS)
        ]
        head = {"schema": "reads.v1", "site": SITE, "agent": AGENT, "boot": 1, "seq": seq}
        return json.dumps({**head, "sent_at": now, "reads": reads}).encode()

    async def listen(self) -> None:
        """Follow the cursor."""
        await self._bus.subscribe(topics.all_down(SITE, AGENT))
        async for delivery in self._bus.deliveries():
            if delivery.topic.endswith("/cursor"):
                found = decode_cursor(delivery.payload, site=SITE, agent=AGENT)
                if found.boot == 1:
                    self.cursor = found.seq

    async def run(self) -> None:
        """Send until all is in the ledger."""
        listening = asyncio.create_task(self.listen())
        topic = topics.up(SITE, AGENT, "reads")
        try:
            while self.cursor < MESSAGES:
                before = self.cursor
                for payload in self._payloads[before : before + 20]:
                    await self._publish(topic, payload)
                for _ in range(10):
                    if self.cursor == before:
                        await asyncio.sleep(0.02)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _publish(self, topic: str, payload: bytes) -> None:
        try:
            await self._bus.publish(topic, payload)
        except BusUnavailableError:
            await asyncio.sleep(0.05)


@pytest.fixture
async def url(database_url: str) -> str:
    raw = await asyncpg.connect(database_url)
    await raw.execute(FIXTURES.replace("'a'", f"'{SITE}'"))
    await raw.close()
    return database_url


@asynccontextmanager
async def an_agent(broker: NatsBroker) -> AsyncIterator[Sending]:
    options = MqttOptions(
        host="127.0.0.1",
        port=broker.port,
        client_id=AGENT,
        username=AGENT,
        password=broker.password(AGENT),
        protocol="3.1.1",
    )
    async with MqttBus(options) as bus:
        yield Sending(bus)


async def check_exactly_once(url: str, archive: Path) -> None:
    raw = await asyncpg.connect(url)
    row = await raw.fetchrow("SELECT * FROM cursor WHERE agent = $1", AGENT)
    letters = await raw.fetchval("SELECT count(*) FROM dead_letter")
    await raw.close()
    assert row is not None
    assert (row["seq"], row["messages"], row["dead_messages"]) == (MESSAGES, MESSAGES, 0)
    assert (row["applied"], row["held"], row["dead"]) == (MESSAGES * READINGS, 0, 0)
    assert letters == 0
    found = [
        line.seq for line in archived(archive, site=SITE, cursors={StreamKey(AGENT, 1): MESSAGES})
    ]
    assert found == list(range(1, MESSAGES + 1))


async def test_killed_at_every_failpoint_nothing_is_lost_or_doubled(
    url: str, broker: NatsBroker, tmp_path: Path
) -> None:
    gateway = Process(tmp_path, url, broker, user="gateway")
    faults = [f"{name}:kill:{nth}" for name in sorted(NAMES) for nth in (2, 5)]
    deaths = 0
    try:
        async with an_agent(broker) as agent:
            sending = asyncio.create_task(agent.run())
            while not sending.done():
                if gateway.dead:
                    deaths += 1
                    gateway.start(faults.pop(0) if faults else "")
                await asyncio.sleep(0.02)
            await sending
    finally:
        gateway.end()

    assert faults == []
    assert deaths >= 8
    await check_exactly_once(url, tmp_path / "archive")


async def test_a_stopped_gateway_is_replaced_and_cannot_commit_when_it_wakes(
    url: str, broker: NatsBroker, tmp_path: Path
) -> None:
    first = Process(tmp_path, url, broker, user="gateway")
    second = Process(tmp_path, url, broker, user="gateway-2")
    raw = await asyncpg.connect(url)

    async def epoch() -> int:
        return int(await raw.fetchval("SELECT coalesce(max(epoch), 0) FROM cell"))

    try:
        async with an_agent(broker) as agent:
            first.start()
            await eventually(epoch, 15)
            second.start()
            sending = asyncio.create_task(agent.run())
            await eventually(lambda: agent.cursor > 20, 20)
            before = await epoch()
            first.send(signal.SIGSTOP)
            stood = agent.cursor
            await eventually(lambda: agent.cursor > stood + 20, 12)
            after = await epoch()
            first.send(signal.SIGCONT)
            await asyncio.wait_for(sending, 60)
    finally:
        first.end()
        second.end()
        await raw.close()

    assert after > before
    await check_exactly_once(url, tmp_path / "archive")
