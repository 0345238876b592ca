"""`dockledger epc`: what an EPC says, and the EPC of a key. A refusal exits 3 with its code."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from contracts.gs1.epc import Epc, EpcError, decode_printed, encode_key, hold_code
from contracts.gs1.keys import KeyRefusedError

app = typer.Typer(help="Decode and encode EPCs.", no_args_is_help=True)
REFUSED = 3
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def _refuse(code: str, *, as_json: bool) -> typer.Exit:
    if as_json:
        typer.echo(json.dumps({"code": code}))
    else:
        typer.echo(f"dockledger: {code}", err=True)
    return typer.Exit(REFUSED)


def _parts(epc: Epc) -> dict[str, str | int | None]:
    return {
        "scheme": epc.scheme,
        "key": epc.key,
        "filter": epc.filter,
        "serial": epc.serial,
        "date": epc.date[1] if epc.date else None,
        "hostname": epc.hostname,
        "prefix_length": epc.prefix_length,
        "pure_identity_uri": epc.pure_identity_uri,
        "tag_uri": epc.tag_uri,
        "element_string": epc.element_string,
        "digital_link": epc.digital_link,
        "code": hold_code(epc),
    }


@app.command("decode")
def decode_command(
    epc: Annotated[str, typer.Argument(help="Hex digits; the zero fill may be left out.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Print the identity in every form it has; a Q_ code says that it never moves stock."""
    try:
        parts = _parts(decode_printed(epc))
    except EpcError as refusal:
        raise _refuse(refusal.code, as_json=as_json) from refusal
    if as_json:
        typer.echo(json.dumps(parts))
        return
    table = Table(show_header=False, box=None)
    for name, value in parts.items():
        if value is not None:
            table.add_row(name, str(value))
    Console(soft_wrap=True).print(table, markup=False)


@app.command("encode")
def encode_command(
    key: Annotated[str, typer.Argument(help="Normal key, e.g. 01/09506000134352/21/17.")],
    *,
    prefix_length: Annotated[
        int, typer.Option(help="Digits of the company prefix, 6 to 12.", min=6, max=12)
    ] = 7,
    filter_value: Annotated[int, typer.Option("--filter", min=0, max=7)] = 1,
    as_json: AsJson = False,
) -> None:
    """Print the 96-bit EPC of an item unit, logistic unit, returnable asset or place."""
    try:
        digits = encode_key(key, prefix_length=prefix_length, filter_value=filter_value)
    except (EpcError, KeyRefusedError) as refusal:
        raise _refuse(refusal.code, as_json=as_json) from refusal
    except ValueError as refusal:
        raise _refuse("E_EPC_RANGE", as_json=as_json) from refusal
    typer.echo(json.dumps({"epc": digits}) if as_json else digits)
