"""Readings that were refused: list them, drive them again after a fix, or give them up."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from runtime.cli.api_calls import DEFAULT_API, Address, AsJson, KeyFile, call
from runtime.cli.exits import Code, echo, emit, usage

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
Id = Annotated[int, typer.Argument(min=1, help="The id that the list shows.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with your name.")]
STATES = ("kept", "redriven", "discarded")


@app.command("list")
def list_letters(
    *,
    state: Annotated[str | None, typer.Option("--state", help=", ".join(STATES))] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500)] = 50,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Newest first, with code and place in the stream."""
    if state is not None and state not in STATES:
        raise usage(f"--state is one of {', '.join(STATES)}")
    parameters = {"limit": str(limit)} | ({"state": state} if state else {})
    found = call("GET", "/v1/dead-letters", api=api, key_file=key_file, parameters=parameters)
    if as_json:
        emit(found)
        return Code.DONE
    for letter in found["items"]:
        echo(_line(letter))
    return Code.DONE


def _line(letter: dict[str, Any]) -> str:
    place = f"{letter['agent'] or '-'}/{letter['boot'] or '-'}/{letter['seq'] or '-'}"
    pointer = letter["pointer"] or ""
    return f"{letter['id']:>8}  {letter['state']:<9} {letter['code']:<18} {place}  {pointer}"


@app.command()
def redrive(
    letter: Id,
    reason: Reason,
    *,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Drive one again; if it fails again it stays kept."""
    return _settle(letter, "redrive", reason, api=api, key_file=key_file, as_json=as_json)


@app.command()
def discard(
    letter: Id,
    reason: Reason,
    *,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Give one up; its bytes stay."""
    return _settle(letter, "discard", reason, api=api, key_file=key_file, as_json=as_json)


def _settle(
    letter: int, verb: str, reason: str, *, api: str, key_file: KeyFile, as_json: bool
) -> int:
    done = call(
        "POST",
        f"/v1/dead-letters/{letter}/{verb}",
        api=api,
        key_file=key_file,
        document=json.dumps({"reason": reason}).encode(),
    )
    if as_json:
        emit(done)
    else:
        echo(_line(done))
    return Code.DONE
