"""A TOML document and the environment as flat entries; what does not fit is kept for the checks."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from runtime.settings_errors import ConfigError
from runtime.settings_schema import EXCLUSIVE, KEYS, TABLES, Value, generic

ENV_PREFIX = "DOCKLEDGER__"
_KINDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "text": (lambda v: isinstance(v, str), "a string"),
    "integer": (lambda v: isinstance(v, int) and not isinstance(v, bool), "an integer"),
    "number": (lambda v: isinstance(v, int | float) and not isinstance(v, bool), "a number"),
    "yes-no": (lambda v: isinstance(v, bool), "true or false"),
    "size": (
        lambda v: isinstance(v, int | str) and not isinstance(v, bool),
        'bytes, or text such as "512MiB"',
    ),
    "texts": (
        lambda v: isinstance(v, list) and all(isinstance(e, str) for e in v),
        "a list of strings",
    ),
    "integers": (
        lambda v: isinstance(v, list) and all(type(e) is int for e in v),
        "a list of integers",
    ),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A value as it was given: where it comes from (file, environment) and its line."""

    value: Value
    origin: str
    line: int = 0


@dataclass(slots=True)
class Raw:
    """The whole configuration, flat; `tables` names the sections that are there, even if empty."""

    entries: dict[str, Entry] = field(default_factory=dict)
    tables: dict[str, int] = field(default_factory=dict)
    unknown: list[tuple[int, str]] = field(default_factory=list)
    mistyped: list[tuple[int, str, str]] = field(default_factory=list)

    def get(self, path: str) -> Value | None:
        """The value of a key, if given."""
        entry = self.entries.get(path)
        return entry.value if entry else None

    def text(self, path: str) -> str | None:
        """The value of a text key, if given."""
        value = self.get(path)
        return value if isinstance(value, str) else None

    def line(self, path: str) -> int:
        """The line of a key, or of its table."""
        entry = self.entries.get(path)
        if entry:
            return entry.line
        head = path
        while head:
            if head in self.tables:
                return self.tables[head]
            head = head.rpartition(".")[0]
        return 1

    def elements(self, table: str) -> list[str]:
        """The elements of an array of tables, in order: `edge.device[0]`, …"""
        found = [t for t in self.tables if generic(t) == f"{generic(table)}[]"]
        return [t for t in found if t.startswith(f"{table}[")]

    def error(self, code: str, path: str, advice: str) -> ConfigError:
        """A refusal of this key."""
        return ConfigError(code, key=path, line=self.line(path), advice=advice)


def _walk(node: Mapping[str, object], path: str) -> Iterator[tuple[str, object]]:
    """Every leaf, and every table (as its own mapping), depth first."""
    for name, value in node.items():
        here = f"{path}.{name}" if path else name
        if isinstance(value, dict):
            yield here, value
            yield from _walk(value, here)
        elif isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
            for index, element in enumerate(value):
                yield f"{here}[{index}]", element
                yield from _walk(element, f"{here}[{index}]")
        else:
            yield here, value


def flatten(document: Mapping[str, object], lines: Mapping[str, int]) -> Raw:
    """Sort what the document holds into entries, unknown names and values of the wrong type."""
    raw = Raw()
    for path, value in _walk(document, ""):
        line = lines.get(path, 1)
        if isinstance(value, dict):
            _take_table(raw, path, line)
        else:
            _take_leaf(raw, path, value, Entry("", "file", line))
    return raw


def _take_table(raw: Raw, path: str, line: int) -> None:
    name = generic(path)
    if name in TABLES:
        raw.tables[path] = line
    elif name in KEYS:
        raw.mistyped.append((line, path, f"must be {_KINDS[KEYS[name].kind][1]}"))
    elif f"{name}[]" in TABLES or name.removesuffix("[]") in TABLES:
        raw.mistyped.append((line, path, _table_word(name)))
    elif not any(name.startswith(f"{known}.") for known in KEYS):
        raw.unknown.append((line, path))


def _take_leaf(raw: Raw, path: str, value: object, entry: Entry) -> None:
    name = generic(path)
    if name in KEYS:
        fits, words = _KINDS[KEYS[name].kind]
        if fits(value):
            raw.entries[path] = replace(entry, value=cast(Value, value))
        else:
            raw.mistyped.append((entry.line, path, f"must be {words}"))
    elif name in TABLES or f"{name}[]" in TABLES:
        raw.mistyped.append((entry.line, path, "must be a table"))
    elif not any(name.startswith(f"{known}.") for known in KEYS):
        raw.unknown.append((entry.line, path))


def _table_word(name: str) -> str:
    return "must be an array of tables" if f"{name}[]" in TABLES else "must be one table"


def nearest(path: str) -> str:
    name = generic(path)
    known = [*KEYS, *(t for t in TABLES if not t.endswith("[]"))]
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if not close:
        leaf = name.rpartition(".")[2]
        by_leaf = {key.rpartition(".")[2]: key for key in known}
        close = [by_leaf[w] for w in difflib.get_close_matches(leaf, by_leaf, n=1, cutoff=0.7)]
    return f"unknown key; the nearest is {close[0]}" if close else "unknown key; remove it"


def overlay(raw: Raw, environment: Mapping[str, str]) -> None:
    """Lay `DOCKLEDGER__…` over the file; the other key of an exclusive pair steps back."""
    for variable, text in sorted(environment.items()):
        if not variable.startswith(ENV_PREFIX):
            continue
        path = variable.removeprefix(ENV_PREFIX).lower().replace("__", ".")
        if path not in KEYS:
            raw.unknown.append((0, path))
            continue
        value = _converted(KEYS[path].kind, text)
        _take_leaf(raw, path, value, Entry("", variable))
        head = path
        while head := head.rpartition(".")[0]:
            raw.tables.setdefault(head, 0)
        for pair in EXCLUSIVE:
            if path in pair:
                other = pair[1 - pair.index(path)]
                if raw.entries.get(other, Entry("", "")).origin == "file":
                    del raw.entries[other]


def _converted(kind: str, text: str) -> object:
    """The text as the key's type, or the text itself, which then is of the wrong type."""
    if kind == "yes-no":
        return {"true": True, "false": False}.get(text.lower(), text)
    if kind in {"integer", "size"} and text.lstrip("-").isdecimal():
        return int(text)
    if kind == "number":
        with contextlib.suppress(ValueError):
            return float(text)
    if kind == "texts":
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind == "integers":
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return [int(p) for p in parts] if all(p.isdecimal() for p in parts) else text
    return text
