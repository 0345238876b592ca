"""Tags: show one with its history, re-tag or kill it, settle one that was seen as two."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote

import typer

from runtime.cli.api_calls import DEFAULT_API, Address, AsJson, KeyFile, call
from runtime.cli.exits import Code, echo, emit, usage

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
Name = Annotated[str, typer.Argument(help="EPC in hex, key, URN or element string.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with your key's name.")]


@app.command()
def show(
    tag: Name, *, api: Address = DEFAULT_API, key_file: KeyFile = None, as_json: AsJson = False
) -> int:
    """What carries the tag, and who bound, re-tagged or killed it."""
    return _said(call("GET", _path(tag), api=api, key_file=key_file), as_json=as_json)


@app.command()
def retag(
    tag: Name,
    new: Annotated[str, typer.Argument(help="The EPC of the new tag.")],
    reason: Reason,
    *,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Give what carries it a new tag; the old one is retired for good."""
    body = {"epc": new, "reason": reason}
    return _said(_post(tag, "retag", body, api=api, key_file=key_file), as_json=as_json)


@app.command()
def kill(
    tag: Name,
    reason: Reason,
    *,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """The tag is dead; its goods stay in the book, untagged."""
    body = {"reason": reason}
    return _said(_post(tag, "kill", body, api=api, key_file=key_file), as_json=as_json)


@app.command()
def settle(
    tag: Name,
    verdict: Annotated[str, typer.Argument(help="genuine or copy: the tag on the goods.")],
    reason: Reason,
    *,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """A person has looked at the goods of a tag that was seen as two."""
    if verdict not in ("genuine", "copy"):
        raise usage("the verdict is genuine or copy")
    body = {"verdict": verdict, "reason": reason}
    return _said(_post(tag, "settle", body, api=api, key_file=key_file), as_json=as_json)


def _path(tag: str) -> str:
    return f"/v1/tags/{quote(tag, safe='/')}"


def _post(tag: str, act: str, body: dict[str, str], *, api: str, key_file: Any) -> Any:
    # A tag is re-tagged or killed once: the same command again is the same call.
    named = quote(f"{act}-{tag}-{body.get('epc', '')}", safe="")[:255]
    return call(
        "POST",
        f"{_path(tag)}/{act}",
        api=api,
        key_file=key_file,
        document=json.dumps(body).encode(),
        headers={"Idempotency-Key": named},
    )


def _said(tag: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        emit(tag)
        return Code.DONE
    carried = tag["carried_by"] or {}
    what = carried.get("sku") or carried.get("kind") or "nothing"
    doubt = "  SEEN AS TWO" if tag["suspected"] else ""
    echo(f"{tag['key']}  {tag['state']}  {what} at {carried.get('location') or '-'}{doubt}")
    for event in tag["history"]:
        other = f" -> {event['other']}" if event["other"] and event["what"] == "retagged" else ""
        echo(f"  {event['at']}  {event['what']} {event['key']}{other}")
        echo(f"    by {event['actor']}: {event['reason']}")
    return Code.DONE
