"""The output of a child: to a file of bounded size, and line by line with its name if wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Self

MAX_BYTES = 8 * 1024 * 1024
MAX_LINE = 16 * 1024


class ChildLog:
    """`log/{name}.log`, and one older file beside it."""

    def __init__(self, folder: Path, name: str, echo: Callable[[str], None] | None) -> None:
        self.last_line = ""
        self._name = name
        self._path = folder / f"{name}.log"
        self._echo = echo
        self._file = self._path.open("ab")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    async def pump(self, process: asyncio.subprocess.Process) -> None:
        """Take everything the child writes until it ends."""
        stream = process.stdout
        rest = b""
        while stream is not None and (chunk := await stream.read(64 * 1024)):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > MAX_LINE:
                lines, rest = [*lines, rest], b""
            for line in lines:
                self._take(line)
        if rest:
            self._take(rest)

    def _take(self, line: bytes) -> None:
        if self._file.tell() > MAX_BYTES:
            self._file.close()
            self._path.replace(self._path.with_suffix(".log.1"))
            self._file = self._path.open("ab")
        self._file.write(line + b"\n")
        self._file.flush()
        self.last_line = line.decode("utf-8", "replace")[:300]
        if self._echo is not None:
            self._echo(f"{self._name:<10} {self.last_line}")
