"""`dockledger reader`: look at readers, try them, record and replay what they send."""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from edge.drivers.formats import FORMATS
from edge.drivers.json_mapping import MappingError
from edge.drivers.port import DriverNotice, RawRead, RawScan
from edge.drivers.refusals import Item, Refused
from runtime.cli.exits import usage
from runtime.cli.reader_replay import replay_command
from runtime.cli.reader_trials import record_command, try_command, tune_command

MAX_DOCUMENT: int = 1 << 20
app = typer.Typer(help="Look at what readers send.", no_args_is_help=True)
app.command("test")(try_command)
app.command("record")(record_command)
app.command("tune")(tune_command)
app.command("replay")(replay_command)
with contextlib.suppress(ModuleNotFoundError):
    # An agent's machine has no HTTP client; the list is asked for where one is installed.
    app.command("list")(importlib.import_module("runtime.cli.reader_list").list_command)


@app.callback()
def reader() -> None:
    """Look at what readers send."""


@app.command("decode")
def decode_command(
    *,
    format_: Annotated[str, typer.Option("--format", help=", ".join(FORMATS))],
    mapping: Annotated[Path | None, typer.Option(help="Mapping file of the format json.")] = None,
    topic: Annotated[str, typer.Option(help="Topic the messages came on.")] = "",
) -> None:
    """Print the normal form, or a reason code and a sentence, of each message on standard input."""
    if format_ not in FORMATS:
        raise usage(f"formats are {', '.join(FORMATS)}")
    try:
        text = None if mapping is None else mapping.read_text(encoding="utf-8")
        decoder = FORMATS[format_](text)
    except (OSError, UnicodeDecodeError) as error:
        raise usage(f"the mapping cannot be opened ({type(error).__name__})") from None
    except MappingError as error:
        raise usage(str(error)) from None
    messages = _lines if format_ in {"llrp", "trace", "sparkplug", "barcode"} else _documents
    for message in messages(sys.stdin.buffer):
        if message is None:
            typer.echo(json.dumps(item_line(Refused("E_SIZE"))))
            continue
        # Without a time of its own a message gets none: nothing here says when it arrived.
        for item in decoder.decode(message, 0, topic):
            typer.echo(json.dumps(item_line(item)))


def item_line(item: Item) -> dict[str, object]:
    """An item as printed; what was not reported is null."""
    if isinstance(item, Refused):
        return {"kind": "refused", "code": item.code, "reason": item.sentence}
    if isinstance(item, DriverNotice):
        return {"kind": "notice", "what": item.what, "detail": item.detail, "code": None}
    found = asdict(item)
    del found["received_at"]
    found.pop("polled", None)
    found["occurred_at"] = item.occurred_at or None
    if isinstance(item, RawRead):
        found["epc"] = item.epc.hex().upper()
        return {"kind": "read", **found, "code": None}
    if isinstance(item, RawScan):
        return {"kind": "scan", "text": found.pop("code"), **found, "code": None}
    fields = found.pop("fields")
    return {"kind": "sensor", "sensor": found.pop("kind"), **fields, **found, "code": None}


def _lines(source: BinaryIO) -> Iterator[bytes | None]:
    """Lines that are not blank; None for one over the limit, whose rest is skipped."""
    while chunk := source.readline(MAX_DOCUMENT + 2):
        whole = chunk.endswith(b"\n")
        line = chunk.strip()
        if len(line) > MAX_DOCUMENT:
            while not whole and (chunk := source.readline(65_536)):
                whole = chunk.endswith(b"\n")
            yield None
        elif line:
            yield line


def _documents(source: BinaryIO) -> Iterator[bytes | None]:
    """Lines, or documents printed over several; what closes to no document is lines again."""
    held: list[bytes] = []
    size = depth = 0
    for line in _lines(source):
        if line is None:
            yield from held
            held, size, depth = [], 0, 0
            yield None
            continue
        held.append(line)
        size += len(line)
        depth += _opened(line)
        if depth <= 0 or size > MAX_DOCUMENT:
            yield from _whole(held)
            held, size, depth = [], 0, 0
    yield from held


def _whole(lines: list[bytes]) -> list[bytes]:
    whole = b"\n".join(lines)
    if len(lines) == 1 or len(whole) > MAX_DOCUMENT:
        return lines
    try:
        json.loads(whole)
    except (ValueError, RecursionError):
        return lines
    return [whole]


def _opened(line: bytes) -> int:
    """Brackets opened minus closed, those in strings left out."""
    depth, inside, escaped = 0, False, False
    for byte in line:
        if inside:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                inside = False
        elif byte == 0x22:
            inside = True
        elif byte in b"{[":
            depth += 1
        elif byte in b"}]":
            depth -= 1
    return depth
