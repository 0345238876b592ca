"""Bring the database to the newest schema. Needs the owner's URL; safe to repeat."""

from __future__ import annotations

import asyncio

import typer

from core.db.migrate import migrate
from runtime import settings
from runtime.cli.exits import Code, echo, emit, usage
from runtime.cli.role import ConfigOption, JsonOption

app = typer.Typer(add_completion=False)


@app.command(name="migrate", help=__doc__)
def command(config: ConfigOption, json: JsonOption = False) -> int:
    """Migrate the database that `database.url` names; two at once migrate once."""
    tree = settings.load(config)
    if tree.database.url is None:
        raise usage("give the owner's URL by database.url_file or DOCKLEDGER__DATABASE__URL")
    asyncio.run(migrate(tree.database.url.reveal()))
    if json:
        emit({"ok": True})
    else:
        echo("the schema is up to date")
    return Code.DONE
