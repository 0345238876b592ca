"""EPCs that were read and stand for nothing here: list them, bind or ignore one, watch it again."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote

import typer

from runtime.cli.api_calls import DEFAULT_API, Address, AsJson, KeyFile, call
from runtime.cli.exits import Code, echo, emit, usage

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
Epc = Annotated[str, typer.Argument(help="Hex digits, as the list shows them.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with your key's name.")]
STATES = ("held", "ignored", "released")


@app.command("list")
def list_inbox(
    *,
    state: Annotated[str, typer.Option("--state", help=", ".join(STATES))] = "held",
    limit: Annotated[int, typer.Option("--limit", min=1, max=500)] = 50,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Latest seen first, with the code that says why it moves nothing."""
    if state not in STATES:
        raise usage(f"--state is one of {', '.join(STATES)}")
    parameters = {"state": state, "limit": str(limit)}
    found = call("GET", "/v1/inbox", api=api, key_file=key_file, parameters=parameters)
    if as_json:
        emit(found)
        return Code.DONE
    for one in found["items"]:
        place = f"{one['agent']}/{one['device']}"
        seen = one["last_seen_at"]
        echo(f"{one['epc']}  {one['code']:<20} {one['count']:>6}  {seen}  {place}")
    return Code.DONE


@app.command()
def ignore(
    epc: Epc,
    reason: Reason,
    *,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Put a stranger's tag aside; it is counted when read, and asks for nothing."""
    done = _post(epc, "ignore", {"reason": reason}, api=api, key_file=key_file)
    return _said(done, f"{epc.upper()} ignored", as_json=as_json)


@app.command()
def watch(
    epc: Epc,
    reason: Reason,
    *,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Take an ignored EPC back into the inbox."""
    done = _post(epc, "watch", {"reason": reason}, api=api, key_file=key_file)
    return _said(done, f"{epc.upper()} held", as_json=as_json)


@app.command()
def bind(
    epc: Epc,
    reason: Reason,
    sku: Annotated[str, typer.Option("--sku", help="The item that it is a unit of.")],
    *,
    owner: Annotated[str | None, typer.Option("--owner", help="Whose goods.")] = None,
    location: Annotated[str | None, typer.Option("--at", help="Where it lies, untagged.")] = None,
    lot: Annotated[str | None, typer.Option("--lot", help="Of which lot.")] = None,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Say that it is a unit of an item; its readings count from now on."""
    wanted = {"reason": reason, "sku": sku, "owner": owner, "location": location, "lot": lot}
    body = {name: value for name, value in wanted.items() if value is not None}
    done = _post(epc, "bind", body, api=api, key_file=key_file)
    return _said(done, f"{done['key']} is a unit of {sku}", as_json=as_json)


def _post(epc: str, act: str, body: dict[str, str], *, api: str, key_file: Any) -> Any:
    return call(
        "POST",
        f"/v1/inbox/{quote(epc, safe='')}/{act}",
        api=api,
        key_file=key_file,
        document=json.dumps(body).encode(),
        # One EPC is bound once: the same command again is the same call.
        headers={"Idempotency-Key": f"inbox-{act}-{epc.upper()[:200]}"} if act == "bind" else None,
    )


def _said(answer: Any, line: str, *, as_json: bool) -> int:
    if as_json:
        emit(answer)
    else:
        echo(line)
    return Code.DONE
