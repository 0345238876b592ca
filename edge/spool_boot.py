"""The boot number kept beside a spool, and moving a broken spool aside.

A number is written durably before it is used, so no boot is used twice while either file lives.
"""

from __future__ import annotations

import os
from pathlib import Path


def boot_file(path: Path) -> Path:
    """Where the number of the last boot is kept, beside the spool."""
    return path.with_name(path.name + ".boot")


def known_boot(path: Path) -> int | None:
    """The last boot noted beside the spool, or None."""
    try:
        text = boot_file(path).read_text(encoding="ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    return int(text) if text.isdigit() and len(text) < 19 else None


def write_boot(path: Path, boot: int) -> None:
    """Note the boot beside the spool, durably, before it is used."""
    target = boot_file(path)
    part = target.with_name(target.name + ".part")
    with part.open("w", encoding="ascii") as file:
        file.write(f"{boot}\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename or a new file in this folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def recover(path: Path) -> Path | None:
    """Move a spool that cannot be read aside, its log with it; the next open starts a new boot."""
    if not path.exists():
        return None
    number = 1
    while (aside := path.with_name(f"{path.name}.corrupt-{number}")).exists():
        number += 1
    path.replace(aside)
    for suffix in ("-wal", "-shm"):
        log = path.with_name(path.name + suffix)
        if log.exists():
            log.replace(aside.with_name(aside.name + suffix))
    return aside
