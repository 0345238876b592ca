"""A sign of life per process: a file touched each second; a stopped process shows."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

EVERY_S = 1.0
CHILD_VARIABLE = "DOCKLEDGER_CHILD"


def beat_file(home: Path, child: str) -> Path:
    """Where this process leaves its sign of life."""
    return home / "run" / f"{child}.beat"


@contextlib.asynccontextmanager
async def beating(home: Path, role: str) -> AsyncIterator[None]:
    """Touch the file each second while the event loop turns; under the name the supervisor gave."""
    path = beat_file(home, os.environ.get(CHILD_VARIABLE, role))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    task = asyncio.create_task(_beat(path), name="heartbeat")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _beat(path: Path) -> None:
    while True:
        _touch(path)
        await asyncio.sleep(EVERY_S)


def _touch(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.touch()
