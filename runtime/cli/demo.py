"""Run the demo: a simulated warehouse on this machine, nothing to install beside the package."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from runtime import logs, settings
from runtime.children import BusyError
from runtime.cli.exits import Code, CommandError
from runtime.demo import Wish, run_demo
from runtime.pgfiles import remove_data

app = typer.Typer(add_completion=False)


@app.command(name="demo", help=__doc__)
def demo(
    seed: Annotated[int, typer.Option(help="Seed of site, radio and demand.")] = 1,
    speed: Annotated[float, typer.Option(min=0.1, max=100, help="Pace of waiting.")] = 10.0,
    orders: Annotated[float, typer.Option(min=0, help="Orders in the peak hour.")] = 24.0,
    days: Annotated[int, typer.Option(min=0, max=60, help="Days of history to seed.")] = 2,
    truth_dir: Annotated[Path | None, typer.Option(help="Keep the readers' frames here.")] = None,
    grafana: Annotated[str | None, typer.Option(help="URL of a Grafana to provision.")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Forget the last demo first.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show every line of log.")] = False,
) -> int:
    """Run until Ctrl-C."""
    home = settings.state_directory()
    logs.configure("info")
    if reset and home.exists():
        remove_data(home / "postgres")
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    wish = Wish(home, seed, speed, orders, days, truth_dir, verbose, grafana)
    try:
        asyncio.run(run_demo(wish, _say))
    except BusyError:
        raise CommandError(
            Code.TRY_AGAIN, "busy", "a demo runs on this state directory already"
        ) from None
    return Code.DONE


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
