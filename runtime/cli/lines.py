"""Lines on standard input, one answer each: hostile bytes are a refusal of their line only."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

import typer

from runtime.cli.exits import usage

# No EPC, key, link or scan is longer; the rest of a longer line is skipped unread.
MAX_LINE_BYTES = 4_096


def _lines(source: BinaryIO) -> Iterator[bytes | None]:
    """Each line without its end (LF or CR LF); None for one that is too long."""
    while chunk := source.readline(MAX_LINE_BYTES + 2):
        whole = chunk.endswith(b"\n")
        line = chunk.removesuffix(b"\n").removesuffix(b"\r") if whole else chunk
        if len(line) <= MAX_LINE_BYTES:
            yield line
            continue
        while not whole and (chunk := source.readline(65_536)):
            whole = chunk.endswith(b"\n")
        yield None


def answer_lines(
    answer: Callable[[str], Mapping[str, object]], *, too_long: str, not_text: str
) -> None:
    """Print one JSON object per line of standard input; what is no UTF-8 gets `not_text`."""
    if sys.stdin.isatty():
        raise usage("give an argument, or lines on standard input")
    for line in _lines(sys.stdin.buffer):
        if line is None:
            found: Mapping[str, object] = {"code": too_long}
        else:
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError:
                found = {"code": not_text}
            else:
                found = answer(text)
        typer.echo(json.dumps(found))
