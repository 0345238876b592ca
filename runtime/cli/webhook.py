"""Webhook endpoints: make, list, rotate, enable, replay, delete, and see their deliveries."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from runtime.cli.api_calls import DEFAULT_API, Address, AsJson, KeyFile, call
from runtime.cli.exits import Code, echo, emit

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
Id = Annotated[str, typer.Argument(help="The id of the webhook.")]
Owner = Annotated[str | None, typer.Option("--owner", help="Needed when the key covers several.")]


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="https://host/path")],
    event: Annotated[list[str], typer.Option("--event", help="An event; may be repeated.")],
    *,
    timeout_s: Annotated[int, typer.Option("--timeout-s", min=1, max=30)] = 5,
    owner: Owner = None,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Make an endpoint; its secret is shown once."""
    made = call(
        "POST",
        "/v1/webhooks",
        api=api,
        key_file=key_file,
        parameters={"owner": owner} if owner else {},
        document=json.dumps({"url": url, "events": event, "timeout_s": timeout_s}).encode(),
    )
    return _say(made, as_json)


@app.command("list")
def list_webhooks(
    *,
    owner: Owner = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500)] = 50,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Endpoints, never their secrets."""
    parameters = {"limit": str(limit)} | ({"owner": owner} if owner else {})
    found = call("GET", "/v1/webhooks", api=api, key_file=key_file, parameters=parameters)
    if as_json:
        emit(found)
        return Code.DONE
    for one in found["items"]:
        echo(_line(one))
    return Code.DONE


@app.command()
def deliveries(
    webhook: Id,
    *,
    state: Annotated[str | None, typer.Option("--state", help="due, delivered, dead")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500)] = 50,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """What was sent and what waits, newest first."""
    parameters = {"limit": str(limit)} | ({"state": state} if state else {})
    path = f"/v1/webhooks/{webhook}/deliveries"
    found = call("GET", path, api=api, key_file=key_file, parameters=parameters)
    if as_json:
        emit(found)
        return Code.DONE
    for one in found["items"]:
        told = f"{one['state']:<9} {one['attempts']:>2} tries  {one['last_outcome'] or '-':<18}"
        echo(f"{one['id']}  {told} {one['event']}")
    return Code.DONE


@app.command()
def rotate(
    webhook: Id, *, api: Address = DEFAULT_API, key_file: KeyFile = None, as_json: AsJson = False
) -> int:
    """A new secret; both sign for 24 hours."""
    path = f"/v1/webhooks/{webhook}/rotate"
    return _say(call("POST", path, api=api, key_file=key_file), as_json)


@app.command()
def enable(
    webhook: Id, *, api: Address = DEFAULT_API, key_file: KeyFile = None, as_json: AsJson = False
) -> int:
    """Take events again after a 410."""
    path = f"/v1/webhooks/{webhook}/enable"
    return _say(call("POST", path, api=api, key_file=key_file), as_json)


@app.command()
def replay(
    webhook: Id,
    since: Annotated[str, typer.Option("--since", help="2026-03-02T09:15:00Z")],
    *,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Try dead deliveries again that were made since then."""
    document = json.dumps({"since": since}).encode()
    path = f"/v1/webhooks/{webhook}/replay"
    done = call("POST", path, api=api, key_file=key_file, document=document)
    if as_json:
        emit(done)
    else:
        echo(f"{done['replayed']} due again")
    return Code.DONE


@app.command()
def delete(
    webhook: Id, *, api: Address = DEFAULT_API, key_file: KeyFile = None, as_json: AsJson = False
) -> int:
    """Delete an endpoint with what waits for it."""
    call("DELETE", f"/v1/webhooks/{webhook}", api=api, key_file=key_file)
    if as_json:
        emit({"ok": True})
    else:
        echo("deleted")
    return Code.DONE


def _say(one: dict[str, Any], as_json: bool) -> int:
    if as_json:
        emit(one)
        return Code.DONE
    echo(_line(one))
    if "secret" in one:
        echo(f"secret {one['secret']}  (shown once)")
    return Code.DONE


def _line(one: dict[str, Any]) -> str:
    why = f" ({one['state_reason']})" if one["state_reason"] else ""
    return f"{one['id']}  {one['owner']:<10} {one['state']}{why}  {one['url']}"
