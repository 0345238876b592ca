"""Run the simulated site: readers as LLRP, people through the public API."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import signal
from pathlib import Path
from typing import Annotated

import typer

from runtime import logs, settings
from runtime.cli.exits import usage
from runtime.heartbeat import beating
from simulators.operators import ORDERS_AN_HOUR
from simulators.service import Simulation, simulate

app = typer.Typer(add_completion=False)
log = logging.getLogger(__name__)


@app.command(name="simulate", help="Run the simulated site until it is told to stop.")
def command(
    config: Annotated[Path | None, typer.Option(help="Site configuration: API, readers.")] = None,
    api: Annotated[str | None, typer.Option(help="Base URL of the API.")] = None,
    key_file: Annotated[Path | None, typer.Option(help="API key; without it nobody works.")] = None,
    ports_file: Annotated[
        Path | None, typer.Option(help="Where the readers' ports are kept.")
    ] = None,
    truth_dir: Annotated[Path | None, typer.Option(help="Frames and truth, for scorers.")] = None,
    host: Annotated[str, typer.Option(help="Address the readers listen on.")] = "127.0.0.1",
    seed: Annotated[int, typer.Option(help="Seed of site, radio and demand.")] = 1,
    speed: Annotated[float, typer.Option(min=0.1, max=100, help="Pace of waiting.")] = 10.0,
    orders: Annotated[float, typer.Option(min=0, help="Orders in the peak hour.")] = ORDERS_AN_HOUR,
    import_site: Annotated[bool, typer.Option(help="Import layout and stock first.")] = False,
) -> None:
    """Put the options together and run."""
    tree = settings.load(config) if config is not None else None
    if tree is None and api is None and key_file is not None:
        raise usage("--key-file needs --api or --config")
    ports = {}
    if tree is not None and tree.edge is not None:
        ports = {device.name: device.port for device in tree.edge.devices}
    at = f"http://{tree.api.host}:{tree.api.port}" if tree is not None else ""
    key = _key(key_file)
    logs.configure(tree.log.level if tree else "info", secrets=[key] if key else [])
    wanted = Simulation(
        seed=seed,
        speed=speed,
        host=host,
        api_url=api or at,
        key=key,
        ports=ports,
        ports_file=ports_file,
        truth_dir=truth_dir,
        orders_an_hour=orders,
        brings_site=import_site,
    )
    home = tree.home if tree is not None else settings.state_directory()
    factory = None
    with contextlib.suppress(ImportError):
        factory = importlib.import_module("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_until_stopped(wanted, home))


def _key(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as failure:
        raise usage("the key file cannot be read") from failure


async def _until_stopped(wanted: Simulation, home: Path) -> None:
    loop = asyncio.get_running_loop()
    running = asyncio.ensure_future(simulate(wanted))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    async with beating(home, "simulate"):
        with contextlib.suppress(asyncio.CancelledError):
            await running
