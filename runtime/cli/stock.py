"""`dockledger stock`: what can be sold and what lies where, over the HTTP interface."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from runtime.cli.api_calls import DEFAULT_API, Address, AsJson, KeyFile, call
from runtime.cli.exits import echo, emit

app = typer.Typer(help="What can be sold, and what lies where.", no_args_is_help=True)


@app.command("available")
def available(
    sku: Annotated[list[str] | None, typer.Argument(help="SKUs; all when none is named.")] = None,
    *,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Stock by item: on hand, available to promise, promised, reserved, incoming."""
    query = "&".join(f"sku={quote(one, safe='')}" for one in sku or [])
    path = "/v1/availability?limit=500" + (f"&{query}" if query else "")
    found = call("GET", path, api=api, key_file=key_file)
    if as_json:
        emit(found)
        return
    for row in found["items"]:
        echo(
            f"{row['sku']:<20} on hand {row['on_hand']:>6}  available {row['available']:>6}"
            f"  promised {row['promised']:>5}  reserved {row['reserved']:>5}"
            f"  incoming {row['incoming']:>5}"
        )


@app.command("list")
def list_stock(
    *,
    sku: Annotated[str | None, typer.Option(help="Only this item.")] = None,
    location: Annotated[str | None, typer.Option(help="Only this place.")] = None,
    as_of: Annotated[str | None, typer.Option(help="As it was then: an RFC 3339 instant.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 100,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """What lies where."""
    named = {"sku": sku, "location": location, "as_of": as_of, "limit": str(limit)}
    parameters = {name: value for name, value in named.items() if value is not None}
    found = call("GET", "/v1/stock", api=api, key_file=key_file, parameters=parameters)
    if as_json:
        emit(found)
        return
    for row in found["items"]:
        unit = row["handling_unit_key"] or "-"
        echo(
            f"{row['location']:<14} {row['sku']:<20} {row['on_hand']:>6}"
            f"{_reserved(row)}  {row['status']:<10} {unit}"
        )


def _reserved(row: dict[str, Any]) -> str:
    """Known of the present alone."""
    return "" if row["reserved"] is None else f"  reserved {row['reserved']:>5}"
