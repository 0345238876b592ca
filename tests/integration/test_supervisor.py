"""The supervisor: what dies is back, what stops is named within 10 s, and nobody is left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from runtime import pgfiles, postgres
from runtime.access import gateway_user, worker_user
from runtime.heartbeat import beat_file
from runtime.local_site import LocalSite, local_site
from runtime.local_state import is_alive
from runtime.mqtt import MqttBus, MqttOptions
from runtime.probes import beat
from runtime.supervisor import Child, ChildFailedError, Supervisor
from tests.waiting import eventually

ALARM_S = 10.0
BEATING = (
    "import pathlib, sys, time\nwhile True:\n  pathlib.Path(sys.argv[1]).touch(); time.sleep(0.3)\n"
)


class Said:
    """What the supervisor printed."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, line: str) -> None:
        self.lines.append(line)


def beating(home: Path, name: str) -> Child:
    """A child that only touches its file."""
    file = beat_file(home, name)
    return Child(name, [sys.executable, "-c", BEATING, str(file)], beat(file))


def status_file(home: Path) -> dict[str, Any]:
    """The status as another process reads it."""
    found: dict[str, Any] = json.loads((home / "run" / "status.json").read_text())
    return found


def alarms(home: Path) -> list[str]:
    """The names of the alarms in the status file."""
    return [alarm["name"] for alarm in status_file(home)["alarms"]]


@pytest.fixture
def home() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="dockledger-site-"))
    yield place
    if (place / "postgres").exists():
        pgfiles.remove_data(place / "postgres")
    shutil.rmtree(place)


@pytest.fixture
async def worker(home: Path) -> AsyncIterator[tuple[Supervisor, Said]]:
    said = Said()
    supervisor = Supervisor(home, say=said)
    await supervisor.start(beating(home, "worker"), ready_s=20)
    yield supervisor, said
    await supervisor.stop()


async def test_a_killed_child_is_started_again_and_the_kill_is_told(
    worker: tuple[Supervisor, Said], home: Path
) -> None:
    supervisor, said = worker
    before = supervisor.pid("worker")
    assert before is not None

    os.kill(before, signal.SIGKILL)
    started = time.monotonic()
    await eventually(lambda: supervisor.pid("worker") not in {None, before}, 10)
    await eventually(lambda: supervisor.state("worker") == "live", 10)

    assert time.monotonic() - started < 5
    assert said.lines == ["ALARM worker-down: ended with -9", "worker: live again"]
    row = status_file(home)["children"][0]
    assert (row["state"], row["restarts"], row["last_exit"]) == ("live", 1, -9)
    assert alarms(home) == []


async def test_a_stopped_child_is_named_within_ten_seconds_and_not_killed(
    worker: tuple[Supervisor, Said], home: Path
) -> None:
    supervisor, said = worker
    pid = supervisor.pid("worker")
    assert pid is not None

    os.kill(pid, signal.SIGSTOP)
    await eventually(lambda: alarms(home) == ["worker-stalled"], ALARM_S)
    os.kill(pid, signal.SIGCONT)
    await eventually(lambda: alarms(home) == [], ALARM_S)

    assert supervisor.pid("worker") == pid
    assert said.lines == ["ALARM worker-stalled: does not answer", "worker: live again"]


async def test_a_child_with_a_bad_configuration_is_not_started_for_ever(home: Path) -> None:
    said = Said()
    supervisor = Supervisor(home, say=said)
    words = "import sys; print('dockledger: config-value: x'); sys.exit(2)"
    hopeless = Child("api", [sys.executable, "-c", words], beat(home / "never"))

    with pytest.raises(ChildFailedError):
        await supervisor.start(hopeless, ready_s=20)
    await supervisor.stop()

    assert said.lines == ["ALARM api-failed: exit 2: dockledger: config-value: x"]


async def test_stopping_ends_a_child_that_is_stopped_or_deaf(home: Path) -> None:
    supervisor = Supervisor(home, say=Said())
    await supervisor.start(beating(home, "worker"), ready_s=20)
    pid = supervisor.pid("worker")
    assert pid is not None

    os.kill(pid, signal.SIGSTOP)
    await supervisor.stop()

    assert not is_alive(pid)
    assert status_file(home)["running"] is False
    assert status_file(home)["children"][0]["pid"] is None


async def test_all_end_at_once_and_what_they_waited_for_last(home: Path) -> None:
    supervisor = Supervisor(home, say=Said())
    await supervisor.start(_farewell(home, "database"), ready_s=20)
    users = ("api", "gateway", "worker")
    for name in users:
        await supervisor.start(_farewell(home, name))
    await eventually(lambda: all((home / f"run/{n}.beat").exists() for n in users), 10)

    await supervisor.stop()

    said = (home / "said").read_text().split()
    assert sorted(said[:3]) == sorted(f"{name}:told" for name in users)
    assert sorted(said[3:6]) == sorted(f"{name}:gone" for name in users)
    assert said[6:] == ["database:told", "database:gone"]


def _farewell(home: Path, name: str) -> Child:
    """A child that beats once; told to end it says so, waits a second and says so again."""
    words = f"""
import signal, sys, time
def say(word):
    with open({str(home / "said")!r}, "a") as file:
        file.write("{name}:" + word + "\\n")
def end(*_):
    say("told")
    time.sleep(1.0)
    say("gone")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
open({str(home / "run" / f"{name}.beat")!r}, "w").write("x")
while True:
    time.sleep(0.1)
"""
    return Child(name, [sys.executable, "-c", words], beat(home / "run" / f"{name}.beat"))


async def test_the_output_of_a_child_is_kept_and_bounded(home: Path) -> None:
    supervisor = Supervisor(home, say=Said())
    words = "print('x' * 1000000); print('last words')"
    child = Child("loud", [sys.executable, "-c", words], beat(home / "never"))

    await supervisor.start(child)
    log = home / "log" / "loud.log"
    await eventually(lambda: log.exists() and log.read_bytes().endswith(b"last words\n"), 10)
    await supervisor.stop()

    assert max(map(len, log.read_bytes().splitlines())) <= 16 * 1024 + 64 * 1024


def test_no_child_outlives_a_killed_supervisor(home: Path) -> None:
    program = f"""
import asyncio, sys
from pathlib import Path
from runtime.supervisor import Supervisor
from tests.integration.test_supervisor import beating
async def main():
    supervisor = Supervisor(Path({str(home)!r}), say=print)
    await supervisor.start(beating(Path({str(home)!r}), "worker"), ready_s=20)
    print("pid", supervisor.pid("worker"), flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
    root = Path(__file__).parents[2]
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=root
    )
    stdout = parent.stdout
    if stdout is None:
        raise AssertionError("no output")
    with stdout:
        pid = int(stdout.readline().split()[1])
        parent.kill()
        parent.wait()

    deadline = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < deadline:
        signal.sigtimedwait([], 0.05)
    assert not is_alive(pid)


@pytest.fixture
async def site(home: Path) -> AsyncIterator[tuple[LocalSite, Said]]:
    said = Said()
    users = [gateway_user("demo"), worker_user("demo")]
    async with local_site(home, users=users, say=said) as made:
        yield made, said


async def test_a_local_site_is_migrated_and_survives_kills_of_database_and_broker(
    site: tuple[LocalSite, Said], home: Path
) -> None:
    made, said = site
    if made.server is None or made.broker is None:
        raise AssertionError("nothing embedded runs")
    url = made.server.url(postgres.APP)
    options = MqttOptions(
        "127.0.0.1",
        made.broker.port,
        "gateway",
        "gateway",
        made.broker.password("gateway"),
        protocol="3.1.1",
    )
    async with MqttBus(options) as bus:
        await eventually(lambda: bus.connected)
        for name in ("postgres", "broker", "postgres"):
            pid = made.supervisor.pid(name)
            if pid is None:
                raise AssertionError(f"{name} does not run")
            os.kill(pid, signal.SIGKILL)
            await eventually(partial(_runs_anew, made, name, pid), 10)
            await eventually(partial(_is_live, made, name), 10)
        await postgres.wait_ready(url, limit_s=10)
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT count(*) FROM move") == 0
        await connection.close()
        await eventually(lambda: bus.connected, 10)
        assert bus.connects == 2

    assert sorted(line for line in said.lines if "ALARM" in line) == [
        "ALARM broker-down: ended with -9",
        "ALARM postgres-down: ended with -9",
        "ALARM postgres-down: ended with -9",
    ]


async def test_a_stopped_database_and_a_stopped_broker_are_named_within_ten_seconds(
    site: tuple[LocalSite, Said], home: Path
) -> None:
    made, _ = site
    for name in ("postgres", "broker"):
        pid = made.supervisor.pid(name)
        if pid is None:
            raise AssertionError(f"{name} does not run")
        os.kill(pid, signal.SIGSTOP)
        await eventually(partial(_is_alarmed, home, f"{name}-stalled"), ALARM_S)
        os.kill(pid, signal.SIGCONT)
        await eventually(lambda: alarms(home) == [], ALARM_S)


async def test_the_worker_may_read_nothing_from_the_embedded_broker(
    site: tuple[LocalSite, Said],
) -> None:
    made, _ = site
    if made.broker is None:
        raise AssertionError("no broker")
    port = made.broker.port

    def options(user: str) -> MqttOptions:
        word = made.broker.password(user) if made.broker else ""
        return MqttOptions("127.0.0.1", port, user, user, word, protocol="3.1.1")

    async with MqttBus(options("gateway")) as gateway, MqttBus(options("worker")) as worker:
        await eventually(lambda: gateway.connected and worker.connected)
        await worker.subscribe(["#", "wh/#", "wh/v1/demo/agents/+/cursor"])
        await gateway.publish("wh/v1/demo/agents/dock-1/cursor", b"secret")
        with pytest.raises(AssertionError):
            await eventually(lambda: bool(worker.waiting), 1.5)


def _runs_anew(site: LocalSite, name: str, before: int) -> bool:
    return site.supervisor.pid(name) not in {None, before}


def _is_live(site: LocalSite, name: str) -> bool:
    return site.supervisor.state(name) == "live"


def _is_alarmed(home: Path, alarm: str) -> bool:
    return alarm in alarms(home)
