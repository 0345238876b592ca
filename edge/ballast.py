"""Ballast: a file that is given up on a full disk so that the spool can still delete.

It is for deleting alone; nothing is stored in the room it leaves.
"""

from __future__ import annotations

import os
from pathlib import Path

BALLAST = 4 * 1024 * 1024


class Ballast:
    """The file, really written, so that its blocks are ours."""

    def __init__(self, path: Path, *, size: int) -> None:
        self._path = path
        self.size = size

    @property
    def there(self) -> bool:
        """Whether it can be given up."""
        return self._path.exists()

    def drop(self) -> None:
        """Give it up."""
        self._path.unlink(missing_ok=True)

    def inflate(self) -> bool:
        """Have it, if the disk has room for it and as much again; True when it is there."""
        if self.there:
            return True
        stat = os.statvfs(self._path.parent)
        if stat.f_bavail * stat.f_frsize < 2 * self.size:
            return False
        part = self._path.with_suffix(".part")
        try:
            with part.open("wb") as file:
                file.write(bytes(self.size))
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            part.unlink(missing_ok=True)
            return False
        part.replace(self._path)
        return True
