"""`dockledger order`: place orders and follow them, over the HTTP interface."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from runtime import clock
from runtime.cli.api_calls import DEFAULT_API, Address, AsJson, KeyFile, call
from runtime.cli.exits import Code, CommandError, echo, emit

app = typer.Typer(help="Place orders and follow them.", no_args_is_help=True)


@app.command("submit")
def submit(
    file: Annotated[str, typer.Argument(help="A file with one order as JSON; - is stdin.")],
    *,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="Send the same key again to repeat a call safely.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Place one order; a repeated order is the same order."""
    order = call(
        "POST",
        "/v1/orders",
        api=api,
        key_file=key_file,
        document=_read(file),
        headers={"Idempotency-Key": idempotency_key or str(clock.new_id())},
    )
    _print_order(order, as_json)


@app.command("show")
def show(
    order_id: Annotated[str, typer.Argument(help="The order's id.")],
    *,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """One order with its lines and cartons."""
    _print_order(call("GET", f"/v1/orders/{order_id}", api=api, key_file=key_file), as_json)


@app.command("list")
def list_orders(
    *,
    status: Annotated[str | None, typer.Option(help="Only orders in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Orders, newest first."""
    parameters = {"limit": str(limit)} | ({"status": status} if status else {})
    found = call("GET", "/v1/orders", api=api, key_file=key_file, parameters=parameters)
    if as_json:
        emit(found)
        return
    for order in found["items"]:
        echo(f"{order['id']}  {order['status']:<18} {_ids(order)}")


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise CommandError(Code.USAGE, "usage", "the order file cannot be read") from error


def _print_order(order: dict[str, Any], as_json: bool) -> None:
    if as_json:
        emit(order)
        return
    echo(f"order {order['order_number']}  {order['status']}  {_ids(order)}  id {order['id']}")
    for line in order["lines"]:
        counts = "  ".join(
            f"{name} {line[name]}"
            for name in ("ordered", "promised", "reserved", "picked", "packed", "shipped")
        )
        echo(f"  {line['external_line_id']:<4} {line['sku']:<16} {counts}")
    for carton in order["cartons"]:
        echo(f"  carton {carton['sscc']}  {carton['state']}  {carton['location'] or '-'}")


def _ids(order: dict[str, Any]) -> str:
    return f"{order['channel']}/{order['external_order_id']}"
