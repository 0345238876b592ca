"""Run a whole site on this machine: database, broker and every role of one configuration."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from runtime import logs, settings
from runtime.access import BusUser, agent_user, gateway_user, worker_user
from runtime.children import BusyError
from runtime.cli.exits import Code, CommandError
from runtime.cli.role import ConfigOption
from runtime.local_site import LocalSite, local_site, until_told

app = typer.Typer(add_completion=False)
# An external database or broker is used when the configuration names one.
_EXTERNAL_DATABASE = ("database.url", "database.url_file")


@app.command(name="up", help=__doc__)
def up(
    config: ConfigOption,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only changes of state.")] = False,
) -> int:
    """Run until told to stop."""
    found = settings.load_full(config)
    logs.configure(found.settings.log.level, secrets=found.settings.secrets())
    try:
        asyncio.run(_run(config.absolute(), found, echo=not quiet))
    except BusyError:
        raise CommandError(
            Code.TRY_AGAIN, "busy", "another supervisor runs on this state directory"
        ) from None
    return Code.DONE


def users_of(tree: settings.Settings) -> list[BusUser]:
    """The broker's users for one configuration."""
    agents = [agent_user(tree.site, tree.edge.agent)] if tree.edge else []
    return [*agents, gateway_user(tree.site), worker_user(tree.site)]


async def _run(config: Path, found: settings.Loaded, *, echo: bool) -> None:
    tree = found.settings
    own_database = not any(key in found.raw.entries for key in _EXTERNAL_DATABASE)
    own_broker = "mqtt.host" not in found.raw.entries
    async with local_site(
        tree.home,
        users=users_of(tree),
        say=_say,
        echo=echo,
        with_database=own_database,
        with_broker=own_broker,
    ) as site:
        await _start_roles(site, config, tree)
        _say(f"ready: http://{tree.api.host}:{tree.api.port}/")
        await until_told()


async def _start_roles(site: LocalSite, config: Path, tree: settings.Settings) -> None:
    site.supervisor.facts["api_port"] = tree.api.port
    for role in ("gateway", "worker", "api"):
        mqtt = {} if role == "api" else site.mqtt_env(role)
        child = site.role(role, config, env={**site.database_env(), **mqtt})
        await site.supervisor.start(child)
    if tree.edge is not None:
        env = site.mqtt_env(tree.edge.agent)
        await site.supervisor.start(site.role("edge", config, env=env))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
