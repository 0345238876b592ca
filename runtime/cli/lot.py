"""Lots: list them, trace one from supplier to customer, recall it with one command, release it."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from runtime.cli.api_calls import DEFAULT_API, Address, AsJson, KeyFile, call
from runtime.cli.exits import Code, echo, emit
from runtime.clock import new_id

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
LotId = Annotated[int, typer.Argument(help="The lot's id, as the list shows it.", min=1)]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with your key's name.")]


@app.command("list")
def list_lots(
    *,
    sku: Annotated[str | None, typer.Option("--sku", help="Only this item.")] = None,
    lot: Annotated[str | None, typer.Option("--lot", help="Only this lot code.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500)] = 100,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Lots with what is on hand of each."""
    named = {"sku": sku, "lot": lot, "limit": str(limit)}
    parameters = {name: value for name, value in named.items() if value is not None}
    found = call("GET", "/v1/lots", api=api, key_file=key_file, parameters=parameters)
    if as_json:
        emit(found)
        return Code.DONE
    for one in found["items"]:
        word = "recalled" if one["recalled_at"] else ""
        hand = f"on hand {one['on_hand']:>6}  available {one['available']:>6}"
        echo(f"{one['id']:>6}  {one['sku']:<20} {one['lot']:<16} {hand}  {word}".rstrip())
    return Code.DONE


@app.command()
def trace(
    lot_id: LotId,
    *,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Where it came from, where it lies, which orders hold some, who was sent some."""
    found = call("GET", f"/v1/lots/{lot_id}/trace", api=api, key_file=key_file)
    if as_json:
        emit(found)
        return Code.DONE
    for row in found["received"]:
        echo(f"received  {row['quantity']:>6}  {row['at']}  {row['asn'] or row['cause']}")
    for row in found["here"]:
        unit = row["handling_unit_key"] or ""
        echo(f"here      {row['on_hand']:>6}  {row['location']}  {row['status']}  {unit}".rstrip())
    for row in found["in_orders"]:
        echo(f"in order  {row['quantity']:>6}  {row['order_number']}  {row['location']}")
    for row in found["shipped"]:
        whom = f"{row['order_number']}  {row['ship_to'] or ''}"
        echo(f"shipped   {row['quantity']:>6}  {row['at']}  {whom}".rstrip())
    return Code.DONE


@app.command()
def recall(
    lot_id: LotId,
    reason: Reason,
    *,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Hold it wherever it lies, and what arrives of it later."""
    return _act("recall", lot_id, reason, api, key_file, as_json=as_json)


@app.command()
def release(
    lot_id: LotId,
    reason: Reason,
    *,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """End its recall: what is on hold becomes available."""
    return _act("release", lot_id, reason, api, key_file, as_json=as_json)


def _act(act: str, lot_id: int, reason: str, api: str, key_file: Any, *, as_json: bool) -> int:
    done = call(
        "POST",
        f"/v1/lots/{lot_id}/{act}",
        api=api,
        key_file=key_file,
        document=json.dumps({"reason": reason}).encode(),
        # The lot's state refuses a second one.
        headers={"Idempotency-Key": f"lot-{new_id()}"},
    )
    if as_json:
        emit(done)
        return Code.DONE
    word = "held" if act == "recall" else "released"
    echo(f"{done['lot']['sku']} {done['lot']['lot']}: {done['moved']} {word}")
    for order in done["in_orders"]:
        echo(f"order {order['order_number']} holds {order['quantity']}: take them out")
    return Code.DONE
