"""`dockledger epc`: what an EPC says, and the EPC of a name. A refusal exits 3 with its code."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from contracts.gs1.epc import Epc, EpcError, decode_printed, encode_key, hold_code
from contracts.gs1.keys import KeyRefusedError
from contracts.gs1.names import parse_name
from runtime import clock
from runtime.cli.lines import answer_lines

app = typer.Typer(
    help="Decode and encode EPCs; without an argument, each line of standard input.",
    no_args_is_help=True,
)
REFUSED = 3
Form = Literal["96", "long", "+", "++"]
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


def _decoded(line: str) -> dict[str, str | int | None]:
    try:
        return _parts(decode_printed(line))
    except EpcError as refusal:
        return {"code": refusal.code}


@app.command("decode")
def decode_command(
    epc: Annotated[
        str | None, typer.Argument(help="Hex digits; the zero fill may be left out.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Print the identity in every form it has; a Q_ code says that it never moves stock."""
    if epc is None:
        answer_lines(_decoded, too_long="E_EPC_LEN", not_text="E_EPC_HEX")
        return
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


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options of `encode`; None where the name may say it."""

    prefix_length: int | None
    filter: int | None
    form: Form | None
    hostname: str | None
    today: dt.date

    def of_line(self, line: str) -> tuple[str, Wanted]:
        """A line that is JSON, as `epc decode` prints it, says its own name and options."""
        if not line.startswith("{"):
            return line, self
        try:
            document = json.loads(line)
        except (ValueError, RecursionError) as refusal:
            raise EpcError("E_EPC_RANGE") from refusal
        hostname, link = document.get("hostname"), document.get("digital_link")
        scheme, key = document.get("scheme"), document.get("key")
        form: Form | None = None
        if isinstance(scheme, str):
            tail = scheme.rpartition("-")[2]
            form = "++" if scheme.endswith("++") else "+" if scheme.endswith("+") else "long"
            form = "96" if tail == "96" else form
        dated = isinstance(link, str) and document.get("date") is not None
        name = link if dated else key
        if not isinstance(name, str):
            raise EpcError("E_EPC_RANGE")
        return name, replace(
            self,
            prefix_length=_whole(document.get("prefix_length"), self.prefix_length),
            filter=_whole(document.get("filter"), self.filter),
            form=form or self.form,
            hostname=hostname if isinstance(hostname, str) else self.hostname,
        )

    def encode(self, line: str) -> str:
        """The EPC of this name. What the name itself says wins where no option is given."""
        text, wanted = self.of_line(line)
        named = parse_name(text, today=wanted.today)
        form = wanted.form or _form_of(named.scheme)
        plus = form in ("+", "++")
        hostname = wanted.hostname or named.hostname
        return encode_key(
            named.key,
            prefix_length=_first(wanted.prefix_length, named.prefix_length, 7),
            filter_value=_first(wanted.filter, named.filter, 1),
            form=form,
            date=named.date if plus else None,
            hostname=hostname if form == "++" else None,
        )


def _form_of(scheme: str | None) -> Form:
    return "96" if scheme is None or scheme.endswith("-96") else "long"


def _first(*values: int | None) -> int:
    return next((value for value in values if value is not None), 0)


def _whole(value: object, otherwise: int | None) -> int | None:
    if value is None:
        return otherwise
    if not isinstance(value, int) or isinstance(value, bool):
        raise EpcError("E_EPC_RANGE")
    return value


@app.command("encode")
def encode_command(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Normal key (01/09506000134352/21/17), Digital Link, (01)…(21)…, or EPC URI."
        ),
    ] = None,
    *,
    prefix_length: Annotated[
        int | None,
        typer.Option(
            help="Digits of the company prefix, 6 to 12; else the URI's, or 7.", min=6, max=12
        ),
    ] = None,
    filter_value: Annotated[
        int | None, typer.Option("--filter", min=0, max=7, help="Else the URI's, or 1.")
    ] = None,
    form: Annotated[Form | None, typer.Option(help="Else that of the tag URI, or 96.")] = None,
    hostname: Annotated[str | None, typer.Option(help="Of a ++ code; else the link's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the EPC of an item unit, logistic unit, returnable asset or place."""
    today = dt.datetime.fromtimestamp(clock.now_us() / 1_000_000, tz=dt.UTC).date()
    wanted = Wanted(prefix_length, filter_value, form, hostname, today)
    if name is None:
        answer_lines(
            lambda line: _encoded(wanted, line), too_long="E_EPC_RANGE", not_text="E_EPC_RANGE"
        )
        return
    found = _encoded(wanted, name)
    if "code" in found:
        raise _refuse(found["code"], as_json=as_json)
    typer.echo(json.dumps(found) if as_json else found["epc"])


def _encoded(wanted: Wanted, line: str) -> dict[str, str]:
    try:
        return {"epc": wanted.encode(line)}
    except (EpcError, KeyRefusedError) as refusal:
        return {"code": refusal.code}
