"""Runs one role in this process: settings, logs, signals, sign of life."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, cast

import typer

from runtime import logs, settings
from runtime.cli.exits import Code, echo, emit
from runtime.heartbeat import beating

log = logging.getLogger(__name__)
Run = Callable[[settings.Settings], Awaitable[None]]

ConfigOption = Annotated[Path, typer.Option("--config", help="The configuration file.")]
InsecureOption = Annotated[
    bool, typer.Option("--insecure", help="Accept mqtt.tls.verify = false.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.", show_default=False)]


def role_app(role: str) -> typer.Typer:
    """The command of one role."""
    app = typer.Typer(add_completion=False, no_args_is_help=False)

    @app.command(name=role, help=f"Run the {role} role until it is told to stop.")
    def command(
        config: ConfigOption,
        check: Annotated[
            bool, typer.Option("--check", help="Check, load the role, and end.")
        ] = False,
        insecure: InsecureOption = False,
        recover: Annotated[
            bool, typer.Option("--recover", help="Edge: move a broken spool aside.")
        ] = False,
        json: JsonOption = False,
    ) -> int:
        return run_role(
            cast(settings.Role, role),
            config,
            check=check,
            insecure=insecure,
            recover=recover,
            as_json=json,
        )

    return app


def run_role(
    role: settings.Role,
    config: Path,
    *,
    check: bool = False,
    insecure: bool = False,
    recover: bool = False,
    as_json: bool = False,
) -> int:
    """Load, check, and run the role; returns when it is told to stop."""
    tree = settings.load(config, role=role, insecure=insecure, recover=recover)
    logs.configure(tree.log.level, secrets=tree.secrets())
    module = importlib.import_module(f"runtime.roles.{role}")
    if check:
        if as_json:
            emit({"role": role, "site": tree.site, "ok": True})
        else:
            echo(f"{role}: the configuration is good")
        return Code.DONE
    if recover:
        module.recover(tree)
    serve(role, cast(Run, module.run), tree)
    return Code.DONE


def serve(role: str, run: Run, tree: settings.Settings) -> None:
    """Run until SIGTERM or SIGINT; on uvloop where a server role has it."""
    factory = None
    if role != "edge":
        with contextlib.suppress(ImportError):
            factory = importlib.import_module("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_until_stopped(role, run, tree))


async def _until_stopped(role: str, run: Run, tree: settings.Settings) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(run(tree))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    log.info("role_started", extra={"role": role, "site": tree.site})
    async with beating(tree.home, role):
        with contextlib.suppress(asyncio.CancelledError):
            await task
    log.info("role_stopped", extra={"role": role})
