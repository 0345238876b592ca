"""Counts: have bins counted, plan what is due, list what waits, recount, reconcile, cancel."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote

import typer

from runtime.cli.api_calls import DEFAULT_API, Address, AsJson, KeyFile, call
from runtime.cli.exits import Code, echo, emit, usage

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
CountId = Annotated[str, typer.Argument(help="The count's id.")]
STATES = ("open", "counted", "reconciled", "cancelled")
REASONS = ("hand", "doubt", "zero_check", "sweep")


@app.command("open")
def open_counts(
    locations: Annotated[list[str], typer.Argument(help="Bins to count.")],
    *,
    reason: Annotated[str, typer.Option("--reason", help=", ".join(REASONS))] = "hand",
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Have bins counted; one that waits for a count already is left out."""
    if reason not in REASONS:
        raise usage(f"--reason is one of {', '.join(REASONS)}")
    body = {"locations": locations, "reason": reason}
    return _opened(_post("/v1/counts", body, api, key_file), as_json=as_json)


@app.command()
def plan(
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 50,
    zone: Annotated[str | None, typer.Option("--zone", help="Only bins of this zone.")] = None,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Open the counts that are due by class, the most overdue first."""
    body: dict[str, Any] = {"limit": limit}
    if zone is not None:
        body["zone"] = zone
    return _opened(_post("/v1/counts/plan", body, api, key_file), as_json=as_json)


@app.command("list")
def list_counts(
    *,
    state: Annotated[str | None, typer.Option("--state", help=", ".join(STATES))] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500)] = 50,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Newest first; `counted` waits for a second person."""
    if state is not None and state not in STATES:
        raise usage(f"--state is one of {', '.join(STATES)}")
    parameters = {"limit": str(limit)} | ({} if state is None else {"state": state})
    found = call("GET", "/v1/counts", api=api, key_file=key_file, parameters=parameters)
    if as_json:
        emit(found)
        return Code.DONE
    for one in found["items"]:
        who = one["counted_by"] or one["worker"] or "-"
        echo(f"{one['id']}  {one['location']:<14} {one['reason']:<10} {one['state']:<11} {who}")
    return Code.DONE


@app.command()
def show(
    count_id: CountId,
    *,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """What was found."""
    found = call("GET", f"/v1/counts/{quote(count_id, safe='')}", api=api, key_file=key_file)
    return _shown(found, as_json=as_json)


@app.command()
def recount(
    count_id: CountId,
    *,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Have it counted once more, by somebody else."""
    return _act(count_id, "recount", api, key_file, as_json=as_json)


@app.command()
def reconcile(
    count_id: CountId,
    *,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Book what was found; who counted is refused."""
    return _act(count_id, "reconcile", api, key_file, as_json=as_json)


@app.command()
def cancel(
    count_id: CountId,
    *,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Give an open count up."""
    return _act(count_id, "cancel", api, key_file, as_json=as_json)


def _post(path: str, body: dict[str, Any], api: str, key_file: Any) -> Any:
    document = json.dumps(body).encode()
    return call("POST", path, api=api, key_file=key_file, document=document)


def _act(count_id: str, act: str, api: str, key_file: Any, *, as_json: bool) -> int:
    found = _post(f"/v1/counts/{quote(count_id, safe='')}/{act}", {}, api, key_file)
    return _shown(found, as_json=as_json)


def _opened(answer: Any, *, as_json: bool) -> int:
    if as_json:
        emit(answer)
    else:
        echo(f"{len(answer['opened'])} counts opened")
    return Code.DONE


def _shown(found: Any, *, as_json: bool) -> int:
    if as_json:
        emit(found)
        return Code.DONE
    echo(f"{found['location']}  {found['state']}  round {found['round']}")
    for line in found["lines"]:
        told = f"expected {line['expected']:>6}  counted {line['counted']:>6}  {line['finding']}"
        echo(f"{line['sku']:<20} {told}")
    for unit in found["units"]:
        echo(f"{unit['epc']}  {unit['finding']}")
    return Code.DONE
