"""The edge role as a process: kill -9 at every failpoint, memory, imports, orderly end."""

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
from typing import Any

import pytest

from contracts import topics
from contracts.codec import encode
from contracts.v1 import Cursor
from runtime.clock import now_us
from tests.brokers import SITE, NatsBroker, client
from tests.waiting import eventually

LINES = 150
TRACE = '[[edge.device]]\nname = "dock-1-r"\ndriver = "trace"\npath = "{path}"\n'


class Listener:
    """A gateway's cursor over the real broker; notes every message by its place."""

    def __init__(self, broker: NatsBroker) -> None:
        self.bus = client(broker, "gateway")
        self.cursors: dict[int, int] = {}
        self.bodies: dict[tuple[int, int], str] = {}
        self.epcs: dict[int, list[str]] = {}
        self.statuses: list[dict[str, object]] = []
        self.changed: list[tuple[int, int]] = []
        self.applied: list[dict[str, Any]] = []

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        async with self.bus:
            await self.bus.subscribe(topics.all_up(SITE))
            task = asyncio.create_task(self._listen())
            await eventually(lambda: self.bus.connected)
            yield
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _listen(self) -> None:
        async for delivery in self.bus.deliveries():
            message = json.loads(delivery.payload)
            boot, seq = message["boot"], message["seq"]
            if message["schema"] == "status.v1":
                self.statuses.append(message)
            else:
                self._hear(boot, seq, message)
            await self._answer(boot)

    def _hear(self, boot: int, seq: int, message: dict[str, Any]) -> None:
        body = json.dumps({**message, "sent_at": 0})
        if self.bodies.setdefault((boot, seq), body) != body:
            self.changed.append((boot, seq))
        if seq != self.cursors.get(boot, 0) + 1:
            return
        self.cursors[boot] = seq
        self.applied.append(message)
        reads = message.get("reads", [])
        if reads:
            self.epcs.setdefault(boot, []).extend(one["epc"] for one in reads)

    async def _answer(self, boot: int) -> None:
        cursor = Cursor(
            schema="cursor.v1",
            site=SITE,
            agent="dock-1",
            boot=boot,
            seq=self.cursors.get(boot, 0),
            sent_at=now_us(),
            newest_boot=max(self.cursors, default=0),
        )
        await self.bus.publish(topics.down(SITE, "dock-1", "cursor"), encode(cursor))


class EdgeProcess:
    """`dockledger edge` over a trace of single reads."""

    def __init__(self, folder: Path, broker: NatsBroker, *, device: str = "") -> None:
        self.home = folder / "home"
        self.home.mkdir()
        trace = folder / "trace.jsonl"
        trace.write_text(
            "".join(
                json.dumps(
                    {
                        "epc": f"3074257BF7194E40{n:08X}",
                        "antenna": 1,
                        "rssi_dbm": -60.0,
                        "occurred_at": 1_795_000_000_000_000 + n * 10_000,
                    }
                )
                + "\n"
                for n in range(LINES)
            )
        )
        self.config = folder / "edge.toml"
        self.config.write_text(
            f'site = "{SITE}"\n[mqtt]\nport = {broker.port}\nprotocol = "3.1.1"\n'
            f'username = "dock-1"\npassword_file = "{folder / "word"}"\n'
            '[edge]\nagent = "dock-1"\n[edge.spool]\nallow_volatile = true\nmax_bytes = "16MiB"\n'
            + (
                device
                or f'[[edge.device]]\nname = "dock-1-r"\ndriver = "trace"\npath = "{trace}"\n'
            )
        )
        (folder / "word").write_text(broker.password("dock-1"))
        (folder / "word").chmod(0o600)
        self.child: subprocess.Popen[bytes] | None = None

    def start(self, *, fault: str = "") -> subprocess.Popen[bytes]:
        self.child = subprocess.Popen(
            [sys.executable, "-m", "runtime.cli.main", "edge", "--config", str(self.config)],
            env={**os.environ, "DOCKLEDGER_HOME": str(self.home), "FAULT": fault},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return self.child

    def end(self) -> None:
        if self.child is not None and self.child.poll() is None:
            self.child.kill()
            self.child.wait()


def resident_kib(pid: int) -> int:
    """Memory of a process as the system counts it."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


@pytest.fixture
async def edge(tmp_path: Path, broker: NatsBroker) -> AsyncIterator[EdgeProcess]:
    process = EdgeProcess(tmp_path, broker)
    yield process
    process.end()


async def killed(edge: EdgeProcess, fault: str) -> None:
    child = edge.start(fault=fault)
    await eventually(lambda: child.poll() is not None, within=20)
    assert child.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    "fault",
    ["edge_before_commit", "edge_after_commit", "edge_before_send", "edge_after_send"],
)
async def test_a_kill_at_a_failpoint_leaves_no_hole_and_changes_no_message(
    edge: EdgeProcess, broker: NatsBroker, fault: str
) -> None:
    heard = Listener(broker)
    async with heard.listening():
        for nth in (1, 7):
            await killed(edge, f"{fault}:kill:{nth}")
        edge.start()
        await eventually(
            lambda: f"3074257BF7194E40{LINES - 1:08X}" in heard.epcs.get(1, []), within=20
        )

    assert list(heard.cursors) == [1]
    assert sorted(seq for _, seq in heard.bodies)[: heard.cursors[1]] == list(
        range(1, heard.cursors[1] + 1)
    )
    assert heard.changed == []
    last_life = heard.epcs[1][-LINES:]
    assert last_life == [f"3074257BF7194E40{n:08X}" for n in range(LINES)]


async def test_a_kill_while_deleting_leaves_a_spool_that_opens(
    edge: EdgeProcess, broker: NatsBroker
) -> None:
    heard = Listener(broker)
    async with heard.listening():
        await killed(edge, "edge_before_delete:kill")
        edge.start()
        await eventually(lambda: len(heard.epcs.get(1, [])) >= LINES, within=20)

    assert list(heard.cursors) == [1]


async def test_an_agent_stays_small_and_says_goodbye(edge: EdgeProcess, broker: NatsBroker) -> None:
    heard = Listener(broker)
    async with heard.listening():
        child = edge.start()
        await eventually(lambda: len(heard.epcs.get(1, [])) >= LINES, within=20)
        resident = resident_kib(child.pid)
        child.send_signal(signal.SIGTERM)
        await eventually(lambda: child.poll() is not None, within=10)
        await eventually(lambda: heard.statuses[-1]["state"] == "offline")

    assert child.returncode == 0
    assert resident < 60 * 1024


def test_checking_the_edge_role_loads_no_server_package(tmp_path: Path) -> None:
    (tmp_path / "edge.toml").write_text(
        'site = "demo"\n[edge]\nagent = "dock-1"\n[edge.spool]\nallow_volatile = true\n'
    )
    code = (
        "import sys\nfrom pathlib import Path\nfrom runtime.cli.main import run\n"
        f"code = run(['edge', '--check', '--config', {str(tmp_path / 'edge.toml')!r}])\n"
        "names = [n for n in ('sqlalchemy', 'fastapi', 'influxdb_client') if n in sys.modules]\n"
        "status = Path('/proc/self/status').read_text()\n"
        "size = int(status.split('VmRSS:')[1].split()[0])\n"
        "sys.stderr.write(f'{code} {names} {size < 60 * 1024}')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DOCKLEDGER_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stderr == "0 [] True"
