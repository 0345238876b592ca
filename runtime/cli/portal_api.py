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
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Verdicts against what people booked; exit 1 while no direction meets the bar to step up."""
    answer = call("GET", f"/v1/portals/{quote(portal, safe='')}/report", api=api, key_file=key_file)
    ready = any(way["may_step_up"] for way in answer["directions"])
    if as_json:
        emit(answer)
    else:
        for line in lines_of(answer):
            echo(line)
    return Code.DONE if ready else Code.ANSWER_IS_NO


def lines_of(answer: dict[str, Any]) -> list[str]:
    """The report for people: one block a direction, and what is still missing to the bar."""
    bar = answer["bar"]
    lines = []
    for way in answer["directions"]:
        share = way["agreement"]
        lines += [
            f"{answer['portal']} {way['direction']}: {way['passes']} passes,"
            f" {way['undecided']} undecided, {way['confirmed']} confirmed,"
            f" {way['dismissed']} dismissed, {way['reversed']} reversed",
            f"  tags {way['tags']}, agreed {way['agreed']}, false accepts {way['false_accepts']},"
            f" false rejects {way['false_rejects']},"
            f" agreement {'unknown' if share is None else f'{share:.2%}'}",
            f"  next mode: {'the bar is met' if way['may_step_up'] else _short_of(way, bar)}",
        ]
    return lines


def _short_of(way: dict[str, Any], bar: dict[str, Any]) -> str:
    known = way["agreed"] + way["false_accepts"] + way["false_rejects"]
    wanting = []
    if known < bar["tags"]:
        wanting.append(f"{bar['tags'] - known} more tags with a known truth")
    if way["agreement"] is not None and way["agreement"] < bar["agreement"]:
        wanting.append(f"agreement of {bar['agreement']:.2%}")
    if way["false_accepts"]:
        wanting.append("no false accept")
    return "not yet: " + ", ".join(wanting or ["the bar"])


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
