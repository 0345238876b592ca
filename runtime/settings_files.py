"""What a configuration names on disk: certificates, secrets, the spool and its room."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from runtime.settings_raw import Raw
from runtime.settings_schema import KEYS, generic, size_of

_VOLATILE = frozenset({"tmpfs", "ramfs"})
_SQLITE = b"SQLite format 3\0"
_SECRET_LIMIT = 64 * 1024
SPOOL_SCHEMA = 1


def check_room(raw: Raw, *, home: Path) -> None:
    """The spool's cap fits on its disk."""
    path = "edge.spool.max_bytes"
    wanted = size_of(raw.get(path))
    if wanted is not None and wanted > shutil.disk_usage(_existing(home)).free:
        raise raw.error("config-value", path, "more than the free disk space")


def check_files(raw: Raw, *, beside: Path) -> None:
    """Every file that is named is there, not empty, and PEM where it must be."""
    for path, entry in sorted(raw.entries.items(), key=lambda item: item[1].line):
        kind = KEYS[generic(path)].file
        if not kind:
            continue
        file = beside / str(entry.value)
        try:
            regular, size = file.is_file(), file.stat().st_size
        except (OSError, ValueError):
            raise raw.error("config-file", path, "the file it names is not there") from None
        if not regular:
            raise raw.error("config-file", path, "it does not name a regular file")
        if size == 0:
            raise raw.error("config-file", path, "the file it names is empty")
        if not os.access(file, os.R_OK):
            raise raw.error("config-file", path, "this user may not read the file it names")
        if kind == "pem" and b"-----BEGIN " not in file.read_bytes()[: 1024 * 1024]:
            raise raw.error("config-file", path, "the file it names is not PEM")
        if kind == "secret" and not secret_in(file):
            raise raw.error("config-file", path, "the file it names holds no text")


def secret_in(file: Path) -> str:
    """The secret in a file: its text without the line end."""
    with file.open("rb") as handle:
        return handle.read(_SECRET_LIMIT).decode("utf-8", "replace").strip()


def others_can_read(file: Path) -> bool:
    """Whether any user of the machine may read it."""
    return bool(file.stat().st_mode & 0o004)


def spool_path(raw: Raw, *, home: Path) -> Path:
    """Where the spool lies: inside the state directory."""
    given = raw.text("edge.spool.path")
    agent = raw.text("edge.agent") or "agent"
    return home / (given or f"edge/{agent}/spool.db")


def check_spool_place(raw: Raw, *, home: Path, is_edge: bool) -> None:
    """The spool stays in the state directory, on a disk that keeps it, where we may write."""
    path = "edge.spool.path"
    if not is_edge and raw.get(path) is None:
        return
    place = Path(os.path.normpath(spool_path(raw, home=home)))
    root = Path(os.path.normpath(home))
    resolved = place.parent.resolve()
    if not place.is_relative_to(root) or not resolved.is_relative_to(root.resolve()):
        raise raw.error("config-path", path, "keep it inside the state directory")
    if place.is_dir():
        raise raw.error("config-path", path, "it names a directory")
    if not os.access(place if place.exists() else _existing(place.parent), os.W_OK):
        raise raw.error("config-path", path, "this user may not write there")
    volatile = _filesystem(_existing(place.parent)) in _VOLATILE
    if volatile and raw.get("edge.spool.allow_volatile") is not True:
        raise raw.error(
            "config-path", path, "this disk forgets at a restart: move it, or allow_volatile = true"
        )


def check_spool(raw: Raw, *, home: Path) -> None:
    """A spool that exists is one of ours and whole; nothing is changed."""
    place = spool_path(raw, home=home)
    if not place.is_file() or place.stat().st_size == 0:
        return
    verdict = _spool_verdict(place)
    if verdict == "newer":
        raise raw.error("spool-newer", "edge.spool.path", "upgrade this agent")
    if verdict == "corrupt":
        raise raw.error("spool-corrupt", "edge.spool.path", "start with --recover to move it aside")


def _spool_verdict(place: Path) -> str:
    with place.open("rb") as file:
        if file.read(len(_SQLITE)) != _SQLITE:
            return "corrupt"
    try:
        with closing(sqlite3.connect(f"{place.as_uri()}?mode=ro", uri=True, timeout=1)) as con:
            version = con.execute("PRAGMA user_version").fetchone()[0]
            if version > SPOOL_SCHEMA:
                return "newer"
            whole = con.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
            return "ok" if whole and version == SPOOL_SCHEMA else "corrupt"
    except sqlite3.OperationalError:
        return "ok"  # Held by a running agent: that one's opening says so.
    except sqlite3.DatabaseError:
        return "corrupt"


def _existing(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _filesystem(path: Path) -> str:
    """The type of the file system `path` lies on, where the system tells."""
    try:
        mounts = Path("/proc/self/mounts").read_text().splitlines()
    except OSError:
        return ""
    best, kind = "", ""
    real = str(path.resolve())
    for line in mounts:
        _, place, name, *_ = line.split(" ")
        inside = real == place or real.startswith(place.rstrip("/") + "/")
        if inside and len(place) >= len(best):
            best, kind = place, name
    return kind
