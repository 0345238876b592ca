"""Commands that ask a running product about a portal: its report and its mode.

They hang under `dockledger portal`.
"""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote

import typer

from runtime.cli.api_calls import DEFAULT_API, Address, AsJson, KeyFile, call
from runtime.cli.exits import Code, echo, emit, usage

Name = Annotated[str, typer.Argument(help="The portal, e.g. dock-1.")]
Way = Annotated[str, typer.Option("--direction", help="in or out.")]
MODES = ("observe", "propose", "book")


def report_command(
    portal: Name,
    *,
    since: Annotated[
        str | None, typer.Option(help="Count from this instant, not from the present mode's start.")
    ] = None,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Verdicts against what people booked; exit 1 while no direction meets the bar to step up."""
    path = f"/v1/portals/{quote(portal, safe='')}/report"
    path += "" if since is None else f"?since={quote(since, safe='')}"
    answer = call("GET", path, api=api, key_file=key_file)
    ready = any(way["may_step_up"] for way in answer["directions"])
    if as_json:
        emit(answer)
    else:
        for line in lines_of(answer):
            echo(line)
    return Code.DONE if ready else Code.ANSWER_IS_NO


def lines_of(answer: dict[str, Any]) -> list[str]:
    """The report for people: a block for each direction and owner, and what the bar still wants."""
    lines = []
    for way in answer["directions"]:
        share = way["agreement"]
        whose = "all goods" if way["owner"] == "*" else way["owner"]
        lines += [
            f"{answer['portal']} {way['direction']}, {whose}: {way['mode']} since"
            f" {way['since'] or 'ever'}, {way['passes']} passes,"
            f" {way['undecided']} undecided, {way['confirmed']} confirmed,"
            f" {way['dismissed']} dismissed, {way['reversed']} reversed",
            f"  tags {way['tags']}, agreed {way['agreed']}, false accepts {way['false_accepts']},"
            f" false rejects {way['false_rejects']},"
            f" agreement {'unknown' if share is None else f'{share:.2%}'};"
            f" strays rightly left {way['rejects_agreed']}",
            f"  {_next(way)}",
        ]
    if answer["waiting"]:
        lines.append(f"{answer['waiting']} undecided passes wait for a person")
    return lines


def _next(way: dict[str, Any]) -> str:
    if way["next_mode"] is None:
        return "no next mode: it books"
    if way["may_step_up"]:
        return f"{way['next_mode']}: the bar is met"
    return f"{way['next_mode']}: not yet: {', '.join(way['wanting'])}"


def mode_command(
    portal: Name,
    mode: Annotated[str, typer.Argument(help="observe, propose or book.")],
    *,
    direction: Way,
    owner: Annotated[str | None, typer.Option(help="One owner; without it, all.")] = None,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Set how much a portal may do by itself: one step up at a time, any step down."""
    if mode not in MODES or direction not in ("in", "out"):
        raise usage("the modes are observe, propose, book; the directions in, out")
    wanted = {"direction": direction, "owner": owner, "mode": mode}
    body = {name: value for name, value in wanted.items() if value is not None}
    answer = call(
        "PUT",
        f"/v1/portals/{quote(portal, safe='')}/mode",
        api=api,
        key_file=key_file,
        document=json.dumps(body).encode(),
    )
    if as_json:
        emit(answer)
    else:
        echo(f"{answer['portal']} {answer['direction']}: {answer['before']} -> {answer['mode']}")
    return Code.DONE
