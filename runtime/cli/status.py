"""What runs on this machine, read from the supervisor's file; needs neither API nor database."""

from __future__ import annotations

import asyncio
import json as jsonlib
from typing import Annotated, Any

import typer

from runtime import probes, settings
from runtime.cli.exits import Code, echo, emit
from runtime.cli.role import JsonOption
from runtime.clock import now_us
from runtime.local_state import is_alive

app = typer.Typer(add_completion=False)
STALE_US = 10_000_000


@app.command(name="status", help=__doc__)
def status(
    json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only the exit code.")] = False,
) -> int:
    """Exit 0 when everything is live, 1 otherwise."""
    known = read(now_us())
    if json:
        emit(known)
    elif not quiet:
        _print(known)
    return Code.DONE if known["ok"] else Code.ANSWER_IS_NO


def read(now: int) -> dict[str, Any]:
    """The status file, judged: a silent supervisor is an alarm of its own."""
    path = settings.state_directory() / "run" / "status.json"
    try:
        known: dict[str, Any] = jsonlib.loads(path.read_text())
    except (OSError, ValueError):
        return _nothing("supervisor-absent", now)
    if not known.get("running"):
        return {**known, "ok": False, "ready": None, "alarms": [_alarm("supervisor-absent", now)]}
    alarms = list(known["alarms"])
    if not is_alive(int(known["pid"])):
        alarms = [_alarm("supervisor-down", known["at"])]
    elif now - int(known["at"]) > STALE_US:
        alarms.append(_alarm("supervisor-stalled", known["at"]))
    ready: bool | None = None
    if known.get("api_port"):
        ready = asyncio.run(probes.http(int(known["api_port"]), "/readyz")())
        if not ready and not any(a["name"].startswith("api-") for a in alarms):
            alarms.append(_alarm("api-not-ready", now))
    return {**known, "alarms": alarms, "ready": ready, "ok": not alarms}


def _alarm(name: str, since: int) -> dict[str, str | int]:
    return {"name": name, "since": since}


def _nothing(name: str, now: int) -> dict[str, Any]:
    return {"at": now, "ok": False, "ready": None, "children": [], "alarms": [_alarm(name, now)]}


def _print(known: dict[str, Any]) -> None:
    for child in known["children"]:
        pid = child["pid"] or "-"
        echo(f"{child['name']:<12} {child['state']:<9} pid {pid}  restarts {child['restarts']}")
    for alarm in known["alarms"]:
        echo(f"ALARM {alarm['name']}")
    if known["ok"]:
        echo("everything is live")
