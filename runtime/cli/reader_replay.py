"""`dockledger reader replay`: a recorded trace through the agent's own path to the broker."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from edge.agent import Agent
from edge.devices import DeviceSetup
from edge.drivers.trace import TraceConfig, TraceDriver, parse_line
from edge.spool import Spool
from runtime import logs, settings
from runtime.cli.exits import Code, CommandError, echo, emit, usage
from runtime.clock import now_us

POLL_S = 0.1
SETTLE_S = 1.0


def replay_command(
    trace: Annotated[Path, typer.Argument(help="The recorded trace.")],
    config: Annotated[Path, typer.Option(help="Configuration of an agent that does not run.")],
    device: Annotated[str, typer.Option(help="Device of the layout that the trace stands for.")],
    speed: Annotated[
        float, typer.Option(help="1 = as recorded, 10 = ten times faster, 0 = at once.", min=0)
    ] = 1.0,
    kind: Annotated[str, typer.Option(help="portal or zone.")] = "portal",
    keep_times: Annotated[
        bool, typer.Option("--keep-times", help="Leave the recorded times; else it happens now.")
    ] = False,
    patience: Annotated[
        float, typer.Option(help="Seconds to wait for the gateway at the end.", min=1)
    ] = 60.0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Play a trace as a device of the agent; ends when the gateway has taken all of it.

    Recorded times keep their distances at every speed, so at one above 1 they run ahead of the
    wall clock. For the verdicts of a trace use `dockledger portal replay`; this tests the way.
    """
    if kind not in ("portal", "zone"):
        raise usage("kinds are portal and zone")
    if not _has_a_line(trace):
        raise usage("the trace cannot be opened or holds no read and no edge")
    tree = settings.load(config, role="edge")
    logs.configure(tree.log.level, secrets=tree.secrets())
    plan = TraceConfig(trace, speed, None if keep_times else now_us())
    profile: Literal["portal", "zone"] = "portal" if kind == "portal" else "zone"
    setup = DeviceSetup(device, profile, lambda: TraceDriver(plan, now_us=now_us))
    edge = importlib.import_module("runtime.roles.edge")
    told: dict[str, int] = {}

    async def watch(agent: Agent, spool: Spool) -> None:
        await _until(lambda: agent.exhausted)
        # The last run of reads closes by the clock, then the gateway has to say it has it.
        await asyncio.sleep(SETTLE_S)
        try:
            async with asyncio.timeout(patience):
                await _until(lambda: not spool.unsent)
        except TimeoutError:
            text = f"{spool.unsent} messages wait in the spool; the gateway did not take them"
            raise CommandError(Code.TRY_AGAIN, "unavailable", text) from None
        told.update(reads=agent.intake.raw_reads, messages=spool.last_seq)

    asyncio.run(edge.run(tree, devices=[setup], watch=watch))
    if json:
        emit(told)
    else:
        echo(f"{told['reads']} reads played, {told['messages']} messages taken by the gateway")
    return Code.DONE


async def _until(fulfilled: Callable[[], bool]) -> None:
    while True:
        if fulfilled():
            return
        await asyncio.sleep(POLL_S)


def _has_a_line(trace: Path) -> bool:
    try:
        with trace.open(encoding="utf-8", errors="replace") as file:
            return any(not isinstance(parse_line(line), str) for line in file)
    except OSError:
        return False
