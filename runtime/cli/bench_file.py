"""Files of public instances: JSON lines, also gzip; and tables of figures for people."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from core.domain.errors import Refused
from runtime.cli.exits import echo, usage

MAX_LINE = 4 << 20


def read_documents(file: Path) -> Iterator[dict[str, object]]:
    """Every line of the file as an object. Refuses with `bench_format` what is none."""
    try:
        opener = gzip.open if file.suffix == ".gz" else open
        with opener(file, "rb") as source:
            while line := source.readline(MAX_LINE + 1):
                document = json.loads(line) if len(line) <= MAX_LINE else None
                if not isinstance(document, dict):
                    raise Refused("bench_format", "every line is a JSON object of at most 4 MiB")
                yield document
    except (OSError, EOFError, zlib.error) as failure:
        raise usage("the file cannot be read") from failure
    except (ValueError, RecursionError) as failure:
        raise Refused("bench_format", "every line is a JSON object of at most 4 MiB") from failure


def print_table(rows: Sequence[Mapping[str, object]]) -> None:
    """One line a row under the names of the figures; the columns are those of the first row."""
    names = list(rows[0])
    lines = [names] + [[_figure(row[name]) for name in names] for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    for line in lines:
        echo("  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)))


def _figure(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
