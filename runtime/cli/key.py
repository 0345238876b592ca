"""Make, list and revoke API keys, straight on the database: the first key has no key to ask for."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from core.api.auth import make_key
from core.application.ports.platform import KeyRecord
from core.application.ports.uow import UnitOfWork
from core.db.schema.platform import ROLES
from runtime.children import write_private
from runtime.cli.database import in_database
from runtime.cli.exits import Code, CommandError, echo, emit, usage
from runtime.cli.role import ConfigOption, JsonOption
from runtime.clock import new_id, now_us

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
Words = list[str]


@app.command()
def create(
    config: ConfigOption,
    name: Annotated[str, typer.Option("--name", help="What people call it.")],
    role: Annotated[str, typer.Option("--role", help=", ".join(ROLES))],
    owner: Annotated[
        Words | None, typer.Option("--owner", help="An owner it covers; * is all.")
    ] = None,
    channel: Annotated[
        Words | None, typer.Option("--channel", help="A channel whose orders it may send.")
    ] = None,
    site: Annotated[
        Words | None, typer.Option("--site", help="A site it covers; else the configured one.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the key to a new file with mode 0600.")
    ] = None,
    json: JsonOption = False,
) -> int:
    """Make a key. It is shown once, or written to a file, and kept as a digest only."""
    if role not in ROLES:
        raise usage(f"--role is one of {', '.join(ROLES)}")
    if not 1 <= len(name) <= 64:
        raise usage("--name has 1 to 64 characters")
    if out is not None and out.exists():
        raise usage("the file of --out is there already")

    async def write(uow: UnitOfWork) -> tuple[str, KeyRecord]:
        clear, record = make_key(
            new_id(),
            name=name,
            role=role,
            sites=tuple(site or [uow.site]),
            owners=tuple(owner or ["*"]),
            channels=tuple(channel or []),
            token=secrets.token_bytes,
        )
        await uow.platform.add_key(record, now=now_us())
        return clear, record

    clear, record = in_database(config, write)
    if out is not None:
        write_private(out, clear + "\n")
    shown = None if out is not None else clear
    if json:
        emit({"id": str(record.key_id), "prefix": record.prefix, "key": shown})
    else:
        echo(f"key {record.key_id} ({role})")
        echo(shown or "written; it is not shown again")
    return Code.DONE


@app.command("list")
def list_keys(config: ConfigOption, json: JsonOption = False) -> int:
    """Live keys, never their secrets."""

    async def read(uow: UnitOfWork) -> list[KeyRecord]:
        return list(await uow.platform.keys())

    keys = in_database(config, read)
    if json:
        emit({"items": [_row(key) for key in keys]})
        return Code.DONE
    for key in keys:
        covers = f"sites {','.join(key.sites)}  owners {','.join(key.owners)}"
        echo(f"{key.key_id}  {key.role:<11} {key.name:<24} {covers}")
    return Code.DONE


def _row(key: KeyRecord) -> dict[str, object]:
    return {
        "id": str(key.key_id),
        "name": key.name,
        "prefix": key.prefix,
        "role": key.role,
        "sites": list(key.sites),
        "owners": list(key.owners),
        "channels": list(key.channels),
    }


@app.command()
def revoke(
    config: ConfigOption,
    key_id: Annotated[str, typer.Argument(help="The id of the key.")],
    json: JsonOption = False,
) -> int:
    """Revoke a key; it fails on its next request."""
    try:
        wanted = UUID(key_id)
    except ValueError:
        raise usage("the id is the one that dockledger key list shows") from None

    async def write(uow: UnitOfWork) -> bool:
        return await uow.platform.revoke_key(wanted, now=now_us())

    if not in_database(config, write):
        raise CommandError(Code.REFUSED, "not-found", "there is no live key with this id")
    if json:
        emit({"ok": True})
    else:
        echo("revoked")
    return Code.DONE
