"""The configuration an agent was sent, on its own disk: the last good one, and one that is tried.

Each change is one atomic rename, so a power cut leaves the old or the new, never a half.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path
from typing import Final, TypeVar

import msgspec

log = logging.getLogger(__name__)

GOOD, TRIAL = "good.json", "trial.json"
# A document is tried again once if the agent stopped in between; the second stop is its fault.
MAX_ATTEMPTS: Final = 2
K = TypeVar("K", bound=msgspec.Struct)


class Good(msgspec.Struct, frozen=True):
    """A document that has shown that it works; version 0 is the local file."""

    version: int
    document: str


LOCAL: Final = Good(0, "")


class Trial(msgspec.Struct, frozen=True):
    """A document that is being tried, and how many starts have tried it."""

    version: int
    document: str
    attempts: int


class Refusal(msgspec.Struct, frozen=True):
    """The last version that is not run: `refused` or `fallback`, and why."""

    version: int
    state: str
    error: str


class ConfigFolder:
    """The files of one agent. What cannot be read counts as absent and is put aside."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def good(self) -> Good:
        """The last good document, else the local file."""
        return self._read(GOOD, Good) or LOCAL

    def trial(self) -> Trial | None:
        """The document an earlier process tried and neither confirmed nor gave up."""
        return self._read(TRIAL, Trial)

    def refusal(self) -> Refusal | None:
        """What is not run, so that it is not tried again after a restart."""
        return self._read("refused.json", Refusal)

    def begin(self, version: int, document: str, *, attempts: int) -> None:
        """From now on this document is tried."""
        self._write(TRIAL, Trial(version, document, attempts))

    def confirm(self, version: int, document: str) -> None:
        """The tried document is the last good one."""
        self._write(GOOD, Good(version, document))
        self._remove(TRIAL)
        self._remove("refused.json")

    def give_up(self, refusal: Refusal) -> None:
        """The last good document stays; this one is not tried again."""
        self._write("refused.json", refusal)
        self._remove(TRIAL)

    def _read(self, name: str, kind: type[K]) -> K | None:
        path = self._folder / name
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, UnicodeError) as failure:
            log.error("config_unreadable", extra={"file": name, "why": type(failure).__name__})
            with contextlib.suppress(OSError):
                path.rename(path.with_suffix(".broken"))
            return None

    def _write(self, name: str, found: msgspec.Struct) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        new = self._folder / f"{name}.new"
        with new.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(msgspec.json.encode(found))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._folder / name)
        self._sync()

    def _remove(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)
        self._sync()

    def _sync(self) -> None:
        handle = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
