"""The configuration file as text: read with care, parsed as TOML, each key with its line."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from pathlib import Path

from runtime.settings_errors import ConfigError

MAX_BYTES = 1024 * 1024
_HEADER = re.compile(r"\s*\[(\[)?\s*([^\[\]]+?)\s*\]")
_ASSIGN = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*[A-Za-z0-9_"'-]+)*)\s*="""
)
_LINE = re.compile(r"at line (\d+)")
_FENCE = re.compile(r'"""|\'\'\'')
_DUPLICATE = ("Cannot overwrite a value", "Cannot declare", "Duplicate inline table key")
_ALSO_DUPLICATE = ("Cannot mutate immutable namespace", "Cannot redefine namespace")


def read_text(path: Path) -> str:
    """The text of a regular file of at most 1 MiB; anything else is refused unread."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise ConfigError("config-not-found", advice="there is no such file") from None
    except PermissionError:
        raise ConfigError("config-permission", advice="let this user read it") from None
    except (OSError, ValueError):
        raise ConfigError("config-not-found", advice="this is no usable file name") from None
    if not stat.S_ISREG(mode):
        raise ConfigError("config-not-a-file", advice="name a regular file")
    try:
        # O_NONBLOCK: should a FIFO have taken its place meanwhile, opening it does not hang.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        raise ConfigError("config-permission", advice="let this user read it") from None
    with os.fdopen(handle, "rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ConfigError("config-too-large", advice="a configuration has at most 1 MiB")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as why:
        line = content.count(b"\n", 0, why.start) + 1
        raise ConfigError("config-encoding", line=line, advice="save it as UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ConfigError("config-encoding", line=line, advice="remove the NUL byte")
    return text


def parse(text: str) -> dict[str, object]:
    """The TOML document, or `config-syntax` / `config-duplicate-key` with its line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as why:
        words = str(why)
        found = _LINE.search(words)
        line = int(found[1]) if found else text.count("\n") + 1
        if any(mark in words for mark in (*_DUPLICATE, *_ALSO_DUPLICATE)):
            key = key_at(text, line)
            raise ConfigError(
                "config-duplicate-key", key=key, line=line, advice="keep one of the two"
            ) from None
        raise ConfigError("config-syntax", line=line, advice="this is not valid TOML") from None
    except RecursionError:
        raise ConfigError("config-syntax", line=1, advice="this is nested too deeply") from None


def _bare(name: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in name.split("."))


class _Scan:
    """Walks the lines and remembers under which table each key stands."""

    def __init__(self, text: str) -> None:
        self.keys: dict[str, int] = {}
        self.at: dict[int, str] = {}
        self._table = ""
        self._counts: dict[str, int] = {}
        inside = ""
        for number, line in enumerate(text.split("\n"), 1):
            fences = _FENCE.findall(line)
            if inside:
                if inside in fences:
                    inside = ""
                continue
            self._line(number, line)
            if len(fences) % 2:
                inside = fences[-1]

    def _line(self, number: int, line: str) -> None:
        header = _HEADER.match(line)
        if header:
            self._open(_bare(header[2]), is_array=bool(header[1]))
            self._note(number, self._table)
            return
        assign = _ASSIGN.match(line)
        if assign:
            name = _bare(assign[1])
            self._note(number, f"{self._table}.{name}" if self._table else name)

    def _open(self, name: str, *, is_array: bool) -> None:
        base = self._inside(name)
        if is_array:
            count = self._counts.get(base, 0)
            self._counts[base] = count + 1
            for longer in [known for known in self._counts if known.startswith(f"{base}[")]:
                if f"{base}[{count}]" in longer:
                    del self._counts[longer]
            base = f"{base}[{count}]"
        self._table = base

    def _inside(self, name: str) -> str:
        """`edge.device.antenna` as `edge.device[2].antenna`: the latest element of each array."""
        path = ""
        parts = name.split(".")
        for index, part in enumerate(parts):
            path = f"{path}.{part}" if path else part
            count = self._counts.get(path, 0)
            if count and index < len(parts) - 1:
                path = f"{path}[{count - 1}]"
        return path

    def _note(self, number: int, path: str) -> None:
        self.keys.setdefault(path, number)
        self.at[number] = path


def lines_of(text: str) -> dict[str, int]:
    """Where each key and table stands; array elements are `edge.device[0].name`."""
    return _Scan(text).keys


def key_at(text: str, line: int) -> str:
    """The key or table that stands on this line."""
    return _Scan(text).at.get(line, "")
