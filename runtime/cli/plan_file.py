"""Reading the JSON document of a planner from a file or standard input."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from core.domain.errors import Refused
from runtime.cli.exits import usage

MAX_BYTES = 16 << 20


def read_document(file: str) -> dict[str, Any]:
    """The object in the file, or on standard input for `-`. Refuses with `plan_input`."""
    try:
        if file == "-":
            raw = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(file).open("rb") as source:
                raw = source.read(MAX_BYTES + 1)
    except OSError as failure:
        raise usage("the file cannot be read") from failure
    if len(raw) > MAX_BYTES:
        raise Refused("plan_input", "the document is larger than 16 MiB")
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as failure:
        raise Refused("plan_input", "the document is no JSON") from failure
    if not isinstance(document, dict):
        raise Refused("plan_input", "the document is an object")
    return document
