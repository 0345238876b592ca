"""Keeps the processes of one machine running, and says so: output, status file, named alarms.

A process that ended is started again; one that is stopped is reported, not killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from runtime import children
from runtime.childlog import ChildLog
from runtime.clock import now_us
from runtime.probes import Probe

State = Literal["starting", "live", "stalled", "down", "failed", "stopped"]
Say = Callable[[str], None]
LOOK_S = 1.0
START_LIMIT_S = 20.0
FIRST_PAUSE_S = 0.1
LAST_PAUSE_S = 2.0
SETTLED_S = 5.0
STOP_PATIENCE_S = 8.0
MISSES_TO_STALL = 2
# Usage or configuration: starting again cannot help.
HOPELESS = 2


@dataclass(frozen=True, slots=True)
class Child:
    """How to run one process and how to see that it lives."""

    name: str
    argv: Sequence[str]
    probe: Probe
    env: Mapping[str, str] = field(default_factory=dict)
    base_env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    stop_signal: signal.Signals = signal.SIGTERM
    account: children.Account | None = None
    cwd: str | None = None


@dataclass(slots=True)
class _Kept:
    """A child and what is known of it."""

    child: Child
    state: State = "starting"
    since: int = 0
    started: float = 0.0
    awaited: bool = False
    pid: int | None = None
    restarts: int = 0
    last_exit: int | None = None
    misses: int = 0
    process: asyncio.subprocess.Process | None = None
    task: asyncio.Task[None] | None = None


class Supervisor:
    """Start children with `start`, end all with `stop`; `status` is what the status file holds."""

    def __init__(self, home: Path, *, say: Say, echo: bool = False) -> None:
        self._home = home
        self._say = say
        self._echo = say if echo else None
        self._kept: dict[str, _Kept] = {}
        self._stopping = False
        self._watch: asyncio.Task[None] | None = None
        self.facts: dict[str, str | int] = {}
        (home / "run").mkdir(parents=True, exist_ok=True, mode=0o700)
        (home / "log").mkdir(parents=True, exist_ok=True, mode=0o700)

    async def start(self, child: Child, *, ready_s: float | None = None) -> None:
        """Run a child from now on; with `ready_s` return only when its probe answers."""
        if self._watch is None:
            self._watch = asyncio.create_task(self._look_after(), name="watch")
        kept = self._kept[child.name] = _Kept(child, since=now_us(), awaited=ready_s is not None)
        kept.task = asyncio.create_task(self._keep(kept), name=f"keep-{child.name}")
        if ready_s is None:
            return
        async with asyncio.timeout(ready_s):
            while kept.state != "live":
                if kept.state == "failed":
                    raise ChildFailedError(child.name)
                await asyncio.sleep(0.05)
                await self._judge(kept)

    async def replace(self, child: Child) -> None:
        """End the child of this name in order and run it as given from now on."""
        await self._end(self._kept[child.name])
        await self.start(child)

    def pid(self, name: str) -> int | None:
        """The process id of a child that runs."""
        return self._kept[name].pid

    def state(self, name: str) -> State:
        """What is known of a child."""
        return self._kept[name].state

    async def stop(self) -> None:
        """End all at once, then what they waited for, so that the database outlives its users."""
        self._stopping = True
        await asyncio.gather(*(self._end(one) for one in self._kept.values() if not one.awaited))
        for kept in reversed([one for one in self._kept.values() if one.awaited]):
            await self._end(kept)
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        self._write()

    async def _keep(self, kept: _Kept) -> None:
        pause = FIRST_PAUSE_S
        with ChildLog(self._home / "log", kept.child.name, self._echo) as log:
            while not self._stopping:
                kept.process = await self._spawn(kept.child)
                kept.started, kept.pid, kept.misses = time.monotonic(), kept.process.pid, 0
                await log.pump(kept.process)
                code = await kept.process.wait()
                kept.pid, kept.last_exit = None, code
                if self._stopping:
                    self._turn(kept, "stopped")
                    return
                if code == HOPELESS:
                    self._turn(kept, "failed", f"exit 2: {log.last_line}")
                    return
                self._turn(kept, "down", f"ended with {code}")
                if time.monotonic() - kept.started > SETTLED_S:
                    pause = FIRST_PAUSE_S
                await asyncio.sleep(pause)
                pause = min(pause * 2, LAST_PAUSE_S)
                kept.restarts += 1

    async def _spawn(self, child: Child) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *child.argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**child.base_env, **child.env},
            cwd=child.cwd,
            start_new_session=True,
            preexec_fn=children.die_with_parent(child.stop_signal),
            **children.as_account(child.account),
        )

    async def _look_after(self) -> None:
        while True:
            if not self._stopping:
                await asyncio.gather(*(self._judge(kept) for kept in self._kept.values()))
            self._write()
            await asyncio.sleep(LOOK_S)

    async def _judge(self, kept: _Kept) -> None:
        pid = kept.pid
        if pid is None or self._stopping:
            return
        answered = await kept.child.probe()
        if kept.pid != pid:
            return
        kept.misses = 0 if answered else kept.misses + 1
        if answered:
            self._turn(kept, "live")
            return
        age = time.monotonic() - kept.started
        young = age < START_LIMIT_S and kept.state in {"starting", "down"}
        if kept.misses >= MISSES_TO_STALL and not young:
            self._turn(kept, "stalled", "does not answer")

    def _turn(self, kept: _Kept, state: State, why: str = "") -> None:
        if kept.state == state:
            return
        before, kept.state, kept.since = kept.state, state, now_us()
        name = kept.child.name
        if state in {"down", "failed", "stalled"}:
            self._say(f"ALARM {name}-{state}: {why}")
        elif state == "live" and before in {"down", "stalled", "failed"}:
            self._say(f"{name}: live again")
        self._write()

    async def _end(self, kept: _Kept) -> None:
        process = kept.process
        if process is not None and process.returncode is None:
            for sign, patience in ((kept.child.stop_signal, STOP_PATIENCE_S), (signal.SIGKILL, 5)):
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(sign)
                    process.send_signal(signal.SIGCONT)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(patience):
                        await process.wait()
                        break
        if kept.task is not None:
            kept.task.cancel()
            await asyncio.gather(kept.task, return_exceptions=True)
        if process is not None:
            kept.pid, kept.last_exit = None, process.returncode
        self._turn(kept, "stopped")

    def status(self) -> dict[str, object]:
        """Everything known, as the status file holds it."""
        rows = [_row(kept) for kept in self._kept.values()]
        alarms = [
            {"name": f"{row['name']}-{row['state']}", "since": row["since"]}
            for row in rows
            if row["state"] in {"down", "failed", "stalled"}
        ]
        return {
            "at": now_us(),
            "pid": os.getpid(),
            "running": not self._stopping,
            "children": rows,
            "alarms": alarms,
            **self.facts,
        }

    def _write(self) -> None:
        path = self._home / "run" / "status.json"
        scratch = path.with_suffix(".new")
        # A full disk must not stop the supervision itself.
        with contextlib.suppress(OSError):
            scratch.write_text(json.dumps(self.status(), indent=1))
            scratch.replace(path)


class ChildFailedError(Exception):
    """A child ended for good before it was ready; its log says why."""


def _row(kept: _Kept) -> dict[str, str | int | None]:
    return {
        "name": kept.child.name,
        "state": kept.state,
        "since": kept.since,
        "pid": kept.pid,
        "restarts": kept.restarts,
        "last_exit": kept.last_exit,
    }
