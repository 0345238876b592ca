"""Edge agents: read, put, check, take back their configuration, and what became of each version."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from runtime.cli.api_calls import DEFAULT_API, Address, AsJson, KeyFile, call
from runtime.cli.exits import Code, CommandError, echo, emit, usage
from runtime.remote_document import MAX_BYTES, check_document

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
config = typer.Typer(add_completion=False, no_args_is_help=True)
app.add_typer(config, name="config", help="The agent's devices and batch limits, by version.")
Name = Annotated[str, typer.Argument(help="The agent, e.g. dock-1.")]
File = Annotated[Path, typer.Argument(help="A TOML document, or - for standard input.")]
Version = Annotated[int | None, typer.Option("--version", help="This version.", min=0)]


@config.command()
def get(
    agent: Name,
    *,
    version: Version = None,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Print the document the agent should run; nothing for its local file."""
    asked = None if version is None else {"version": str(version)}
    found = call("GET", _path(agent), api=api, key_file=key_file, parameters=asked)
    if as_json:
        emit(found)
    else:
        sys.stdout.write(found["document"])
    return Code.DONE


@config.command()
def put(
    agent: Name,
    file: File,
    *,
    based_on: Annotated[
        int | None, typer.Option("--based-on", help="Refuse when the newest is another.", min=0)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only, store nothing.")] = False,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Make a document the next version; the agent fetches it within seconds and tries it."""
    answer = call(
        "PUT",
        _path(agent),
        api=api,
        key_file=key_file,
        document=json.dumps({"document": _text(file)}).encode(),
        parameters={"dry_run": "true"} if dry_run else None,
        headers={"If-Match": "*" if based_on is None else f'"{based_on}"'},
    )
    return _said(answer, as_json=as_json)


@config.command()
def validate(
    file: File,
    *,
    site: Annotated[str, typer.Option("--site", help="The site of the agent.")] = "site",
    agent: Annotated[str, typer.Option("--agent", help="The agent.")] = "agent",
    as_json: AsJson = False,
) -> int:
    """Check a document here, without API or agent, by the rules the agent goes by."""
    names = check_document(_text(file), site=site, agent=agent)
    if as_json:
        emit({"valid": True, "devices": names})
    else:
        echo(f"good: {', '.join(names) or 'no device'}")
    return Code.DONE


@config.command()
def rollback(
    agent: Name,
    *,
    to: Annotated[
        int | None, typer.Option("--to", help="This version, 0 = the local file.", min=0)
    ] = None,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Make the last document that ran, or the one named, the next version."""
    body = {} if to is None else {"version": to}
    answer = call(
        "POST",
        f"{_path(agent)}/rollback",
        api=api,
        key_file=key_file,
        document=json.dumps(body).encode(),
    )
    return _said(answer, as_json=as_json)


@config.command()
def history(
    agent: Name,
    *,
    limit: Annotated[int, typer.Option("--limit", help="At most so many.", min=1, max=500)] = 20,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Versions, newest first: whose, when, and what the agent said."""
    path = f"{_path(agent)}/history"
    page = call("GET", path, api=api, key_file=key_file, parameters={"limit": str(limit)})
    if as_json:
        emit(page)
        return Code.DONE
    for row in page["items"]:
        echo(_line(row))
    return Code.DONE


def _path(agent: str) -> str:
    return f"/v1/agents/{quote(agent, safe='')}/config"


def _text(file: Path) -> str:
    try:
        with sys.stdin.buffer if str(file) == "-" else file.open("rb") as source:
            content = source.read(MAX_BYTES + 1)
    except OSError as failure:
        raise usage(f"{file} cannot be read: {failure.strerror}") from failure
    if len(content) > MAX_BYTES:
        raise CommandError(Code.USAGE, "config-too-large", f"at most {MAX_BYTES} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as failure:
        raise CommandError(Code.USAGE, "config-encoding", "save it as UTF-8") from failure


def _said(row: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        emit(row)
    else:
        echo(_line(row))
    return Code.DONE


def _line(row: dict[str, Any]) -> str:
    error = f": {row['error']}" if row["error"] else ""
    local = "  (local file)" if not row["document"] else ""
    return f"{row['version']}  {row['created_at']}  {row['author']}  {row['state']}{error}{local}"
