"""One JSON document, read exactly: what two readers could understand differently is refused.

UTF-8 without BOM, no duplicate key at any depth, nesting <= 32, numbers <= 40 characters, finite.
"""

from __future__ import annotations

import json
import math
import re

MAX_DEPTH = 32
MAX_NUMBER = 40
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class JsonRefusedError(ValueError):
    """`code` is E_JSON or E_JSON_DUPKEY."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Document:
    """Hooks of one parse: they note what the parser itself would let pass."""

    def __init__(self) -> None:
        self.repeats = False

    def keep(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            self.repeats = True
        return found

    @staticmethod
    def integer(text: str) -> int:
        if len(text) > MAX_NUMBER:
            raise JsonRefusedError("E_JSON")
        return int(text)

    @staticmethod
    def real(text: str) -> float:
        if len(text) > MAX_NUMBER or not math.isfinite(value := float(text)):
            raise JsonRefusedError("E_JSON")
        return value

    @staticmethod
    def constant(_: str) -> object:
        raise JsonRefusedError("E_JSON")


def parse_exactly(payload: bytes) -> object:
    """The document's value. Raises `JsonRefusedError`; syntax is told before repeated keys."""
    document = _Document()
    decoder = json.JSONDecoder(
        object_pairs_hook=document.keep,
        parse_float=document.real,
        parse_int=document.integer,
        parse_constant=document.constant,
    )
    try:
        text = payload.decode("utf-8")
        if _too_deep(text):
            raise JsonRefusedError("E_JSON")
        value: object = decoder.decode(text)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as refusal:
        raise JsonRefusedError("E_JSON") from refusal
    if document.repeats:
        raise JsonRefusedError("E_JSON_DUPKEY")
    return value


def _too_deep(text: str) -> bool:
    depth = 0
    for mark in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if mark in "[{" else -1
        if depth > MAX_DEPTH:
            return True
    return False
