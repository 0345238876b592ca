"""What can be wrong with a spool, with the codes of the command line (inputs.md 6)."""

from __future__ import annotations

from typing import Literal

SpoolCode = Literal["spool-locked", "spool-corrupt", "spool-newer"]


class SpoolError(Exception):
    """The spool cannot be used as it is; `code` is stable, `remedy` says what to do."""

    def __init__(self, code: SpoolCode, remedy: str) -> None:
        super().__init__(f"{code}: {remedy}")
        self.code = code
        self.remedy = remedy


class SpoolFullError(Exception):
    """There is no room for this message even after giving up rows that were passed."""
