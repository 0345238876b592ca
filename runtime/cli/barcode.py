"""`dockledger barcode`: what a scan says. A refusal exits 3 with its code and the good values."""

from __future__ import annotations

import datetime as dt
import json
from typing import Annotated

import typer

from contracts.gs1.elements import Barcode, BarcodeError, parse_hand_entry
from runtime import clock

app = typer.Typer(help="Read barcodes by the GS1 rules.", no_args_is_help=True)
REFUSED = 3


@app.callback()
def barcode() -> None:
    """Read barcodes by the GS1 rules."""


@app.command("parse")
def parse_command(
    code: Annotated[str, typer.Argument(help="As the scanner sent it, or bracketed as printed.")],
    *,
    today: Annotated[
        dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day that dates relate to.")
    ] = None,
    after_item: Annotated[
        bool, typer.Option(help="An item was scanned just before this one.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print the values of a scan; control characters come as the shell gives them."""
    day = today.date() if today else _today()
    try:
        found = parse_hand_entry(code, today=day, after_item=after_item)
    except BarcodeError as refusal:
        read = {"code": refusal.code, "values": [list(pair) for pair in refusal.values]}
        if as_json:
            typer.echo(json.dumps(read))
        else:
            typer.echo(f"dockledger: {refusal.code}", err=True)
        raise typer.Exit(REFUSED) from refusal
    if as_json:
        typer.echo(json.dumps(_parts(found)))
        return
    for name, value in _parts(found).items():
        if value is not None and value != []:
            typer.echo(f"{name:<10} {value}")


def _today() -> dt.date:
    return dt.datetime.fromtimestamp(clock.now_us() / 1_000_000, tz=dt.UTC).date()


def _parts(found: Barcode) -> dict[str, object]:
    return {
        "kind": found.kind,
        "values": [list(pair) for pair in found.values],
        "dates": {ai: day.isoformat() for ai, day in found.dates},
        "text": found.text or None,
        "key": found.epc_key,
        "code": None,
    }
