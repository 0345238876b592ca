"""`dockledger barcode`: what a scan says. A refusal exits 3 with its code and the good values."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Annotated

import typer

from contracts.gs1.elements import (
    FNC1,
    Barcode,
    BarcodeError,
    Values,
    parse_barcode,
    parse_hand_entry,
)
from runtime import clock
from runtime.cli.lines import answer_lines

app = typer.Typer(help="Read barcodes by the GS1 rules.", no_args_is_help=True)
REFUSED = 3


@app.callback()
def barcode() -> None:
    """Read barcodes by the GS1 rules."""


@app.command("parse")
def parse_command(
    code: Annotated[
        str | None,
        typer.Argument(help="As the scanner sent it, or bracketed; else lines of standard input."),
    ] = None,
    *,
    today: Annotated[
        dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day that dates relate to.")
    ] = None,
    after_item: Annotated[
        bool, typer.Option(help="An item was scanned just before this one.")
    ] = False,
    fnc1: Annotated[
        str, typer.Option(help="What this scanner sends in place of FNC1 (0x1D), e.g. '^]'.")
    ] = "",
    symbology: Annotated[
        str | None, typer.Option(help="AIM identifier, where the scanner sends it apart: ]C1.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print the values of a scan; control characters come as the shell gives them."""
    day = today.date() if today else _today()

    def read(text: str) -> Barcode:
        scan = text.replace(fnc1, FNC1) if fnc1 else text
        if symbology:
            return parse_barcode(scan, today=day, symbology=symbology, after_item=after_item)
        return parse_hand_entry(scan, today=day, after_item=after_item)

    if code is None:
        answer_lines(lambda line: _answer(read, line), too_long="E_BC_LEN", not_text="E_BC_CHARSET")
        return
    try:
        found = read(code)
    except BarcodeError as refusal:
        if as_json:
            typer.echo(json.dumps(_refused(refusal)))
        else:
            typer.echo(f"dockledger: {refusal.code}", err=True)
        raise typer.Exit(REFUSED) from refusal
    if as_json:
        typer.echo(json.dumps(_parts(found)))
        return
    for name, value in _parts(found).items():
        if value is not None and value != []:
            typer.echo(f"{name:<10} {value}")


def _answer(read: Callable[[str], Barcode], line: str) -> dict[str, object]:
    try:
        return _parts(read(line))
    except BarcodeError as refusal:
        return _refused(refusal)


def _refused(refusal: BarcodeError) -> dict[str, object]:
    """The code, what could be read, and both readings of an ambiguous scan."""
    found: dict[str, object] = {"code": refusal.code, "values": _pairs(refusal.values)}
    if refusal.readings:
        found["readings"] = [_pairs(reading) for reading in refusal.readings]
    return found


def _pairs(values: Values) -> list[list[str]]:
    return [list(pair) for pair in values]


def _today() -> dt.date:
    return dt.datetime.fromtimestamp(clock.now_us() / 1_000_000, tz=dt.UTC).date()


def _parts(found: Barcode) -> dict[str, object]:
    return {
        "kind": found.kind,
        "values": _pairs(found.values),
        "dates": {ai: day.isoformat() for ai, day in found.dates},
        "text": found.text or None,
        "key": found.epc_key,
        "code": None,
    }
