"""The spool's tables, how its database is opened, and what an error of opening means."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from edge.spool_boot import sync_folder, write_boot
from edge.spool_errors import SpoolError

SCHEMA = 1
PAGE = 4096

_TABLES = (
    "CREATE TABLE message (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, tail BLOB NOT NULL,"
    " readings INTEGER NOT NULL, at INTEGER NOT NULL)",
    "CREATE TABLE mark (id INTEGER PRIMARY KEY, at INTEGER NOT NULL)",
    "CREATE TABLE life (boot INTEGER NOT NULL, base INTEGER NOT NULL, last INTEGER NOT NULL,"
    " quiet_from INTEGER, confirmed INTEGER NOT NULL)",
    "CREATE TABLE gap (boot INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
    " at INTEGER NOT NULL)",
)


def prepare(con: sqlite3.Connection, *, path: Path, boot: int) -> None:
    """Lock the database, make its tables if it is new, and check it; raises `SpoolError`."""
    con.execute("PRAGMA locking_mode=EXCLUSIVE")
    con.execute(f"PRAGMA page_size={PAGE}")
    con.execute("PRAGMA auto_vacuum=INCREMENTAL")
    con.execute("PRAGMA journal_mode=WAL")
    con.execute("PRAGMA synchronous=FULL")
    # A page may lie in the log and in the file at once; the ballast must outweigh that.
    con.execute("PRAGMA wal_autocheckpoint=128")
    con.execute("PRAGMA journal_size_limit=1048576")
    # Overwriting deleted rows needs as much log as they took, and a full disk has none.
    con.execute("PRAGMA secure_delete=OFF")
    con.execute("PRAGMA temp_store=MEMORY")
    con.execute("BEGIN EXCLUSIVE")
    (version,) = con.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA:
        raise SpoolError("spool-newer", "written by a newer version; upgrade this agent")
    if version == 0:
        if con.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise SpoolError("spool-corrupt", "not a spool; --recover moves it aside")
        write_boot(path, boot)
        for table in _TABLES:
            con.execute(table)
        con.execute("INSERT INTO life VALUES (?, 0, 0, 0, 0)", (boot,))
        con.execute(f"PRAGMA user_version={SCHEMA}")
    if "ring_done" not in {name for _, name, *_ in con.execute("PRAGMA table_info(life)")}:
        # An older agent may open the file again: it leaves these as they are.
        con.execute("ALTER TABLE life ADD COLUMN ring_done INTEGER")
        con.execute("ALTER TABLE life ADD COLUMN ring_base INTEGER")
    con.execute("COMMIT")
    sync_folder(path.parent)
    (verdict,) = con.execute("PRAGMA quick_check(1)").fetchone()
    lives = con.execute("SELECT count(*) FROM life").fetchone()[0]
    if verdict != "ok" or lives != 1:
        raise SpoolError("spool-corrupt", "failed its check; --recover moves it aside")


def explained(error: sqlite3.DatabaseError) -> SpoolError:
    """What an error of the database at opening means for a person."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return SpoolError("spool-locked", "another agent has it open; stop that one first")
    return SpoolError("spool-corrupt", "cannot be read; --recover moves it aside")
