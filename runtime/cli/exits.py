"""How a command ends: exit codes and one line on stderr; never a traceback."""

from __future__ import annotations

import json
import sys
from enum import IntEnum


class Code(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    ANSWER_IS_NO = 1
    USAGE = 2
    REFUSED = 3
    TRY_AGAIN = 4
    BUG = 70
    INTERRUPTED = 130


class CommandError(Exception):
    """Raise it in a command to end with a code and one line."""

    def __init__(self, exit_code: Code, code: str, text: str, **facts: str | int) -> None:
        super().__init__(text)
        self.exit_code = exit_code
        self.code = code
        self.text = text
        self.facts = facts


def usage(text: str) -> CommandError:
    """The command was called wrongly."""
    return CommandError(Code.USAGE, "usage", text)


def say(code: str, text: str, *, as_json: bool, facts: dict[str, str | int] | None = None) -> None:
    """The one line on stderr, or the same as an object."""
    if as_json:
        line = json.dumps({"code": code, "detail": text, **(facts or {})}, ensure_ascii=False)
    else:
        line = f"dockledger: {code}: {text}"
    flat = "".join(c if c.isprintable() else " " for c in line)
    sys.stderr.write(flat + "\n")


def emit(document: object) -> None:
    """Data of a command with `--json`: one document on stdout."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, default=str) + "\n")


def echo(text: str) -> None:
    """Data of a command for people: a line on stdout."""
    sys.stdout.write(text + "\n")
