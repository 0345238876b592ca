"""How child processes start and private files are written: no orphan, no open mode, one holder."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypedDict

_PR_SET_PDEATHSIG = 1


class Account(NamedTuple):
    """The unprivileged system account a server runs as when we are root."""

    uid: int
    gid: int


class RunAs(TypedDict, total=False):
    """What subprocess needs to change its account."""

    user: int
    group: int
    extra_groups: list[int]


def as_account(account: Account | None) -> RunAs:
    """Arguments for subprocess; none when the account stays ours."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def die_with_parent(signal_number: int) -> Callable[[], None] | None:
    """A child hook that sends itself this signal when its parent dies (Linux; elsewhere none)."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def hook() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return hook


def write_private(path: Path, text: str, *, owner: Account | None = None) -> None:
    """Write a file of mode 0600 that never existed with another mode."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        if owner is not None:
            os.fchown(file.fileno(), owner.uid, owner.gid)
    scratch.replace(path)


async def ended(child: subprocess.Popen[bytes], *, every_s: float = 0.1) -> int:
    """Wait for a child without a thread; its return code."""
    while True:
        code = child.poll()
        if code is not None:
            return code
        await asyncio.sleep(every_s)


class BusyError(Exception):
    """Another process holds this directory."""


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock file for the life of the context; raises `BusyError` at once when it is taken."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise BusyError(f"{path.name} is held by another process") from None
    try:
        yield
    finally:
        os.close(handle)
