"""A group's evidence on its way to the disk, while the database works on the group's rows.

The commit waits for it: what is in the ledger is in the archive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.archive import Archive, Entry


class Keeping:
    """One group's frame, written in a thread of its own; written again only after a failure."""

    def __init__(self, archive: Archive, entries: Sequence[Entry], *, now: int) -> None:
        self._archive = archive
        self._entries = entries
        self._now = now
        self._writing = self._begin()

    def _begin(self) -> asyncio.Task[None]:
        return asyncio.create_task(
            asyncio.to_thread(self._archive.append, self._entries, now=self._now)
        )

    async def kept(self) -> None:
        """Wait until the frame is durable. Raises `ArchiveUnwritable`; the next call tries anew."""
        if self._writing.done() and self._writing.exception() is not None:
            self._writing = self._begin()
        await asyncio.shield(self._writing)

    async def ended(self) -> None:
        """Wait until nothing is being written, whatever came of it."""
        await asyncio.wait((self._writing,))
        if not self._writing.cancelled():
            self._writing.exception()
