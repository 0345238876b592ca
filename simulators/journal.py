"""What scorers read and the product never sees: JSON lines of frames, outputs, spans and truth.

A line is written once the fact is complete; the newest lines stay in memory for in-process tests.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

KEPT = 20_000
Line = Mapping[str, object]


class Journal:
    """One stream of lines, to a file when there is a directory for it."""

    def __init__(self, directory: Path | None, name: str, *, kept: int = KEPT) -> None:
        self.lines: deque[Line] = deque(maxlen=kept)
        self._file: TextIO | None = None
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
            self._file = (directory / f"{name}.jsonl").open("a", buffering=1, encoding="utf-8")

    def write(self, line: Line) -> None:
        """Append one line."""
        self.lines.append(line)
        if self._file is not None:
            self._file.write(json.dumps(line, separators=(",", ":")) + "\n")

    def close(self) -> None:
        """Close the file; the lines in memory stay."""
        if self._file is not None:
            self._file.close()
            self._file = None
