"""The whole product as processes on ports of its own, in a directory that ends with the test."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from runtime.clock import now_us
from runtime.demo import Wish, demo_site
from runtime.demo_config import Demo
from runtime.local_site import LocalSite
from runtime.pgfiles import remove_data
from tests.waiting import eventually

Json = dict[str, Any]


@dataclass
class Stack:
    """What runs, who can be hurt, and who can be asked."""

    home: Path
    truth: Path
    site: LocalSite
    demo: Demo
    http: httpx.AsyncClient
    said: list[tuple[int, str]]
    simulated: bool = True
    stopped: set[int] = field(default_factory=set)

    def pid(self, child: str) -> int:
        """The process of a child; fails while it has none."""
        pid = self.site.supervisor.pid(child)
        if pid is None:
            raise LookupError(f"{child} does not run")
        return pid

    def kill9(self, child: str) -> int:
        """Kill it; the instant before."""
        pid, at = self.pid(child), now_us()
        os.kill(pid, signal.SIGKILL)
        return at

    def freeze(self, child: str) -> None:
        """SIGSTOP, servers with all their backends."""
        for pid in _family(self.pid(child)):
            self.stopped.add(pid)
            # A backend may end between being listed and being stopped.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def thaw(self, child: str) -> None:
        """SIGCONT."""
        for pid in _family(self.pid(child)):
            self.stopped.discard(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def release(self) -> None:
        """SIGCONT to all that still stand."""
        for pid in self.stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self.stopped.clear()

    @property
    def children(self) -> list[str]:
        """Names of all processes."""
        agents = [f"edge-{agent}" for agent in self.demo.agents]
        known = ["postgres", "broker", "gateway", "worker", "api", "simulate", *agents]
        return [name for name in known if name != "simulate" or self.simulated]

    def live(self, child: str) -> bool:
        """Whether the supervisor holds it to be live."""
        return self.site.supervisor.state(child) == "live"

    async def get(self, path: str, **query: str) -> Json:
        """Read; a status of 400 and above fails."""
        answer = await self.http.get(path, params=query)
        answer.raise_for_status()
        found: Json = answer.json()
        return found

    async def post(self, path: str, body: Json | None = None) -> Json:
        """Write under a key of its own."""
        answer = await self.http.post(
            path, json=body or {}, headers={"Idempotency-Key": os.urandom(12).hex()}
        )
        if answer.is_error:
            raise AssertionError(f"{path}: {answer.status_code} {answer.text[:300]}")
        found: Json = answer.json() if answer.content else {}
        return found

    async def items(self, path: str, **query: str) -> list[Json]:
        """All of a paged list."""
        found: list[Json] = []
        while True:
            page = await self.get(path, limit="200", **query)
            found += page["items"]
            if not page.get("next_cursor"):
                return found
            query["cursor"] = page["next_cursor"]

    async def control(self, path: str, body: Json | None = None) -> Json:
        """The simulator's own endpoint: faults, passes, the crew's switch, its state."""
        port = json.loads(self.demo.ports_file.read_text())["control"]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as http:
            answer = await (http.get(path) if body is None else http.post(path, json=body))
        answer.raise_for_status()
        found: Json = answer.json()
        return found

    async def alarms(self) -> set[str]:
        """Kinds of the exceptions that stand open on the page."""
        try:
            return {row["kind"] for row in await self.items("/v1/exceptions", open="true")}
        except httpx.HTTPError:
            return set()

    async def command(self, *words: str) -> tuple[int, str]:
        """A command of the product in this state directory: exit code and output."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "runtime.cli.main", *words),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "DOCKLEDGER_HOME": str(self.home), **self.site.database_env()},
        )
        out, _ = await process.communicate()
        return process.returncode or 0, out.decode()

    async def status_alarms(self) -> set[str]:
        """Names of the alarms in `dockledger status --json`."""
        _, out = await self.command("status", "--json")
        return {alarm["name"] for alarm in json.loads(out)["alarms"]}

    def heard(self, alarm: str, *, since: int = 0) -> bool:
        """Whether the supervisor said an alarm on its output."""
        return any(at >= since and line.startswith(f"ALARM {alarm}") for at, line in self.said)

    @property
    def database_url(self) -> str:
        """The database, for a reader that knows nothing of the product."""
        file = self.site.database_env()["DOCKLEDGER__DATABASE__URL_FILE"]
        return Path(file).read_text().strip()


def say(line: str) -> None:
    """Print a figure; `pytest -s` and a failure show it."""
    sys.stdout.write(line + "\n")


def _family(pid: int) -> list[int]:
    """A process and its children, parents first."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += _family(int(child))
    return found


@contextlib.asynccontextmanager
async def a_stack(**wish: Any) -> AsyncIterator[Stack]:
    """The demo of this test alone, empty of history; `wish` as in `runtime.demo.Wish`."""
    home = Path(tempfile.mkdtemp(prefix="dockledger-e2e-"))
    truth = home / "truth"
    said: list[tuple[int, str]] = []
    wanted = Wish(home, **{"days": 0, "truth_dir": truth, **wish})
    stack: Stack | None = None
    try:
        async with demo_site(wanted, lambda line: said.append((now_us(), line))) as (site, demo):
            key = (demo.folder / "manager.key").read_text().strip()
            async with httpx.AsyncClient(
                base_url=demo.url, headers={"Authorization": f"Bearer {key}"}, timeout=10
            ) as http:
                stack = Stack(home, truth, site, demo, http, said, wanted.serve is None)
                try:
                    yield stack
                finally:
                    stack.release()
                    await _keep(stack)
    finally:
        remove_data(home / "postgres")
        shutil.rmtree(home, ignore_errors=True)


async def _keep(stack: Stack) -> None:
    """Logs, truth and what stands open, for whoever looks into a failure (DOCKLEDGER_KEEP)."""
    kept = os.environ.get("DOCKLEDGER_KEEP")
    if not kept:
        return
    place = Path(kept) / stack.home.name
    shutil.copytree(stack.home / "log", place, dirs_exist_ok=True)
    if stack.truth.exists():
        shutil.copytree(stack.truth, place, dirs_exist_ok=True)
    told: Json = {}
    with contextlib.suppress(httpx.HTTPError):
        for name in ("exceptions", "visits", "shipments", "passes"):
            told[name] = await stack.items(f"/v1/{name}")
        told["passes"] = [await stack.get(f"/v1/passes/{one['id']}") for one in told["passes"]]
    (place / "told.json").write_text(json.dumps(told, indent=1))


async def all_live(stack: Stack, *, within: float = 30.0) -> None:
    """Every child lives and every agent is online again."""
    why: list[str] = []

    async def up() -> bool:
        why[:] = [child for child in stack.children if not stack.live(child)]
        try:
            rows = (await stack.get("/v1/agents"))["items"]
        except httpx.HTTPError as failure:
            rows = []
            why.append(type(failure).__name__)
        why.extend(f"{r['agent']} is {r['state']}" for r in rows if r["state"] != "online")
        return not why

    try:
        await eventually(up, within=within, every=0.2)
    except AssertionError:
        raise AssertionError(f"after {within} s: {', '.join(why)}") from None
