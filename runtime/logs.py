"""Log lines: one JSON object with an event name and its fields; no secret ever appears in it."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TextIO

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)?$|secret|token|authorization|api_?key|signature$|cookie", re.I
)
_URL_PASSWORD = re.compile(r"(?P<head>[a-z][a-z0-9+.-]*://[^\s/:@]*):[^\s/@]+@", re.I)
_BEARER = re.compile(r"\b(Bearer|Token|Basic)\s+[\w.~+/=-]{6,}", re.I)
HIDDEN = "***"
# Shorter texts would blank out ordinary words.
_SHORTEST_SECRET = 6


class Redactor:
    """Knows which texts must not be printed: by field name, by form, and by value once told."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._values = {s for s in secrets if len(s) >= _SHORTEST_SECRET}

    def add(self, secret: str) -> None:
        """Never print this text again."""
        if len(secret) >= _SHORTEST_SECRET:
            self._values.add(secret)

    def text(self, text: str) -> str:
        """The same text without what is secret in it."""
        for value in self._values:
            text = text.replace(value, HIDDEN)
        return _BEARER.sub(rf"\1 {HIDDEN}", _URL_PASSWORD.sub(rf"\g<head>:{HIDDEN}@", text))

    def field(self, name: str, value: object) -> object:
        """A loggable value of a field, hidden if its name says so."""
        if _SECRET_NAME.search(name):
            return HIDDEN
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, dict):
            return {str(k): self.field(str(k), v) for k, v in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.field("", v) for v in value]
        return self.text(str(value))


class JsonLines(logging.Formatter):
    """`{"at", "level", "log", "event", …extra}`; a traceback is one field of the same line."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the record holds."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "at": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "log": record.name,
            "event": self._redactor.text(record.getMessage()),
        }
        for name, value in vars(record).items():
            if name not in _STANDARD:
                line[name] = self._redactor.field(name, value)
        if record.exc_info:
            line["trace"] = self._redactor.text(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(
    level: str = "info", *, secrets: Iterable[str] = (), stream: TextIO | None = None
) -> Redactor:
    """Send every log line of this process to `stream` (stderr); returns what hides secrets."""
    redactor = Redactor(secrets)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines(redactor))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("mqtt", "httpx", "httpcore", "asyncio", "uvicorn.access", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    return redactor
