"""A refused configuration: a stable code, the place, and what to do. Values are never repeated."""

from __future__ import annotations

KEY_SHOWN = 64


class ConfigError(Exception):
    """One line for the person at the terminal; `code` is one of the documented config codes."""

    def __init__(self, code: str, *, advice: str, key: str = "", line: int = 0) -> None:
        self.code = code
        self.key = key[:KEY_SHOWN]
        self.line = line
        self.advice = advice
        self.file = ""
        super().__init__(code)

    def at(self, file: str) -> ConfigError:
        """The same error with the file it is about."""
        self.file = file
        return self

    def one_line(self) -> str:
        """`<code>: <file>:<line>: <key>: <what to do>`."""
        return f"{self.code}: {self.file}:{self.line}: {self.key or '-'}: {self.advice}"

    def as_dict(self) -> dict[str, str | int]:
        """The same as an object, for `--json`."""
        return {
            "code": self.code,
            "file": self.file,
            "line": self.line,
            "key": self.key,
            "detail": self.advice,
        }
