"""`dockledger site`: import a site's layout, items and stock, over the HTTP interface."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from runtime.cli.api_calls import DEFAULT_API, Address, AsJson, KeyFile, call, call_text
from runtime.cli.exits import Code, CommandError, echo, emit

app = typer.Typer(help="Import a site's layout, items and stock.", no_args_is_help=True)
MAX_FILE = 20 * 1024 * 1024
DryRun = Annotated[bool, typer.Option("--dry-run", help="Do all of it and keep nothing.")]
Owner = Annotated[str | None, typer.Option(help="Whose goods; needed when the key covers several.")]


@app.command("import-layout")
def import_layout(
    file: Annotated[Path, typer.Argument(help="The layout as one JSON document.")],
    *,
    dry_run: DryRun = False,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Import a layout: all or nothing; the same document again changes nothing."""
    answer = call(
        "POST",
        "/v1/imports/layout",
        api=api,
        key_file=key_file,
        document=_read(file),
        parameters=_parameters(None, dry_run=dry_run),
    )
    _print(answer, as_json)


@app.command("import-items")
def import_items(
    file: Annotated[
        Path, typer.Argument(help="CSV: sku,name,gtin,uom,min,max and any fact of an item.")
    ],
    *,
    owner: Owner = None,
    dry_run: DryRun = False,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Import items from CSV."""
    _print(_send_csv("items", file, _parameters(owner, dry_run=dry_run), api, key_file), as_json)


@app.command("import-stock")
def import_stock(
    file: Annotated[Path, typer.Argument(help="CSV: location,sku,quantity[,lot,epc].")],
    *,
    owner: Owner = None,
    dry_run: DryRun = False,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Set what stands at the named places to what was counted."""
    _print(_send_csv("stock", file, _parameters(owner, dry_run=dry_run), api, key_file), as_json)


@app.command("export-items")
def export_items(
    *,
    owner: Owner = None,
    api: Address = DEFAULT_API,
    key_file: KeyFile = None,
) -> None:
    """Print the items as the CSV that import-items takes."""
    parameters = _parameters(owner, dry_run=False)
    found = call_text("/v1/exports/items", api=api, key_file=key_file, parameters=parameters)
    echo(found.removesuffix("\n"))


def _parameters(owner: str | None, *, dry_run: bool) -> dict[str, str]:
    named = {} if owner is None else {"owner": owner}
    return named | ({"dry_run": "true"} if dry_run else {})


def _send_csv(
    kind: str, file: Path, parameters: dict[str, str], api: str, key_file: Path | None
) -> Any:
    return call(
        "POST",
        f"/v1/imports/{kind}",
        api=api,
        key_file=key_file,
        document=_read(file),
        parameters=parameters,
        headers={"Content-Type": "text/csv"},
    )


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_FILE + 1)
    except OSError as error:
        raise CommandError(
            Code.USAGE, "usage", "the file cannot be read; name another one"
        ) from error
    if len(data) > MAX_FILE:
        raise CommandError(Code.USAGE, "usage", "the file has more than 20 MiB; split it")
    return data


def _print(answer: Any, as_json: bool) -> None:
    if as_json:
        emit(answer)
        return
    for name, count in answer["imported"].items():
        echo(f"{count:>8} {name}")
    if answer.get("dry_run"):
        echo("dry run: nothing was kept")
