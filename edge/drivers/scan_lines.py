"""Bytes of a serial scanner to scans: framing, encoding, the substitute for FNC1. Pure.

One line end is stripped and no more; what is no scan is `Unread` with a typed reason, never a scan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

PARTIAL_US: Final = 1_000_000
MAX_CHARS: Final = 256
MAX_LINE_BYTES: Final = 1_024
FNC1: Final = "\x1d"
Reason = Literal["scan-partial", "scan-encoding", "scan-length", "scan-prefix", "scan-empty"]
Encoding = Literal["ascii", "utf-8", "latin-1"]


@dataclass(frozen=True, slots=True)
class ScanFormat:
    """How a scanner was set up. `fnc1` is the printable text it sends for FNC1; "" = 0x1D comes as
    it is (serial) or is lost: never guessed."""

    prefix: bytes = b""
    suffix: bytes = b"\r"
    encoding: Encoding = "ascii"
    fnc1: str = ""
    repeat_ms: int = 0


@dataclass(frozen=True, slots=True)
class Unread:
    """Bytes that are no scan."""

    reason: Reason
    data: bytes = b""


class LineCutter:
    """Cuts a byte stream; `at` is a monotonic clock in us."""

    def __init__(self, form: ScanFormat) -> None:
        self._form = form
        self._held = bytearray()
        self._since = 0
        self._skipping = False

    @property
    def due(self) -> int | None:
        """When the half line that is held becomes unread."""
        return self._since + PARTIAL_US if self._held or self._skipping else None

    def feed(self, data: bytes, at: int) -> list[str | Unread]:
        """Every line that is now whole."""
        out: list[str | Unread] = list(self.expire(at))
        if not self._held:
            self._since = at
        self._held += data
        while (end := self._held.find(self._form.suffix)) >= 0:
            line = bytes(self._held[:end])
            del self._held[: end + len(self._form.suffix)]
            self._since = at
            if self._skipping:
                self._skipping = False
                continue
            out.append(read_line(line, self._form))
        if len(self._held) > MAX_LINE_BYTES:
            if not self._skipping:
                out.append(Unread("scan-length", bytes(self._held[:MAX_CHARS])))
            # The end of the suffix may be the last byte held.
            del self._held[: -len(self._form.suffix)]
            self._skipping = True
        return out

    def expire(self, at: int) -> list[Unread]:
        """The half line, when it has waited too long."""
        due = self.due
        if due is None or at < due:
            return []
        line, skipped = bytes(self._held), self._skipping
        self._held.clear()
        self._skipping = False
        return [] if skipped else [Unread("scan-partial", line[:MAX_CHARS])]


def read_line(line: bytes, form: ScanFormat) -> str | Unread:
    """One framed line without its suffix."""
    if not line.startswith(form.prefix):
        return Unread("scan-prefix", line[:MAX_CHARS])
    body = line[len(form.prefix) :]
    if not body:
        return Unread("scan-empty")
    try:
        text = body.decode(form.encoding)
    except UnicodeDecodeError:
        return Unread("scan-encoding", line[:MAX_CHARS])
    if form.fnc1:
        text = text.replace(form.fnc1, FNC1)
    if len(text) > MAX_CHARS:
        return Unread("scan-length", line[:MAX_CHARS])
    return text


class Repeats:
    """Drops a label that is read again while it stays in view; off (0) by default, since two equal
    scans are two scans. Other codes between them, or a pause, make it a new scan."""

    def __init__(self, form: ScanFormat) -> None:
        self._window_us = form.repeat_ms * 1000
        self._last: tuple[str, int] | None = None
        self.dropped = 0

    def is_repeat(self, code: str, at: int) -> bool:
        """Whether this scan is the last one again; `at` is a monotonic clock in us."""
        last, self._last = self._last, (code, at)
        if last is None or last[0] != code or at - last[1] >= self._window_us:
            return False
        self.dropped += 1
        return True
