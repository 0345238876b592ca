"""Journal: what the smoother does, told as it does it, so that a killed agent can do it again.

Each line has a number, higher than all before it. An observation is known by the number of the line
that says it was emitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from edge.drivers.port import RawRead

Told = Literal["scans", "sensors"]


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the spool stands: it holds every observation up to line `done`, and no line before
    `base` is needed for the others."""

    done: int
    base: int


class Journal(Protocol):
    """Where the lines go. None of these raises or waits for a disk that is full."""

    last: int
    """The number of the latest line."""

    def device(self, name: str) -> int:
        """The device's number in this journal."""

    def read(self, device: int, read: RawRead, offset: int, begins: bool, /) -> int:
        """A raw read went into the open run of its tag and antenna, or begins one; its number.

        `offset` corrects the device's times, in us.
        """

    def emitted(self, run: int, offset: int) -> int:
        """The run that began at number `run` became an observation; its number."""

    def told(self, device: int, kind: Told, reading: bytes, offset: int, received_at: int) -> int:
        """A scan or a sensor edge in its wire form; its number."""

    def flush(self) -> None:
        """Every line so far survives a kill of this process once this returns."""


class NoJournal:
    """Keeps nothing: what is in memory goes with the process."""

    last = 0

    def device(self, name: str) -> int:
        """All are one."""
        return 0

    def read(self, device: int, read: RawRead, offset: int, begins: bool, /) -> int:
        """Not kept."""
        return 0

    def emitted(self, run: int, offset: int) -> int:
        """Not kept."""
        return 0

    def told(self, device: int, kind: Told, reading: bytes, offset: int, received_at: int) -> int:
        """Not kept."""
        return 0

    def flush(self) -> None:
        """Nothing to do."""


NO_JOURNAL = NoJournal()
