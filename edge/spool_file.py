"""Spool file: one SQLite database of unsent and lately passed messages. Append before send.

Rows carry an id that never repeats in this file; a message's place in its stream is id - base, so a
new boot is one small transaction. Used from one thread at a time.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

from edge.ballast import BALLAST, Ballast
from edge.batching import Kind, Message
from edge.failpoints import Hit
from edge.journal import Mark
from edge.spool_boot import write_boot
from edge.spool_errors import SpoolError, SpoolFullError
from edge.spool_schema import PAGE, explained, prepare

DELETE_CHUNK = 200
# Beyond the cap for messages, so that marks and new boots can be written into a full spool.
RESERVE_PAGES = 64

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """A spooled message; `id` is its place in the file."""

    id: int
    kind: Kind
    tail: bytes
    readings: int
    at: int


@dataclass(slots=True)
class Life:
    """This life of the spool; beyond id `quiet_from` nothing was sent yet (None = may be sent)."""

    boot: int
    base: int
    last: int
    quiet_from: int | None
    confirmed: bool


class SpoolFile:
    """The open database; build it with `open_spool`."""

    def __init__(self, *, path: Path, con: sqlite3.Connection, max_bytes: int, hit: Hit) -> None:
        self._path = path
        self._con = con
        self._hit = hit
        self._ballast = Ballast(
            path.with_name(path.name + ".ballast"), size=min(BALLAST, max_bytes // 8)
        )
        self._max_pages = max(max_bytes // PAGE, 16)
        con.execute(f"PRAGMA max_page_count={self._max_pages + RESERVE_PAGES}")
        boot, base, last, quiet_from, confirmed = con.execute(
            "SELECT boot, base, last, quiet_from, confirmed FROM life"
        ).fetchone()
        self.life = Life(boot, base, last, quiet_from, bool(confirmed))
        done, ring_base = con.execute("SELECT ring_done, ring_base FROM life").fetchone()
        self.mark = None if done is None else Mark(done, ring_base)
        if quiet_from is None:
            self.life.quiet_from = last
            con.execute("UPDATE life SET quiet_from = ?", (last,))
        self._ballast.inflate()

    # -- appending ---------------------------------------------------------------------------

    def append(self, messages: Sequence[Message], *, now: int) -> list[Row]:
        """Store messages durably in one transaction, or raise `SpoolFullError` and store none."""
        if not self._fits(messages):
            self.delete_passed(before=now + 1)
            if not self._fits(messages):
                raise SpoolFullError
        try:
            return self._append(messages, now=now)
        except sqlite3.OperationalError as error:
            self._give_way(error)
        # The ballast is for deleting, never for storing more.
        self.delete_passed(before=now + 1)
        if not self._fits(messages):
            raise SpoolFullError
        try:
            return self._append(messages, now=now)
        except sqlite3.OperationalError as error:
            self._give_way(error)
            raise SpoolFullError from error

    def _fits(self, messages: Sequence[Message]) -> bool:
        needed = sum(len(message.tail) // (PAGE - 64) + 2 for message in messages)
        (pages,) = self._con.execute("PRAGMA page_count").fetchone()
        (free,) = self._con.execute("PRAGMA freelist_count").fetchone()
        if not self._ballast.inflate():
            return bool(needed <= free)
        return bool(pages - free + needed <= self._max_pages)

    def _give_way(self, error: sqlite3.OperationalError) -> None:
        """On a full disk undo, give up the ballast and take the log in; other errors go on."""
        if self._con.in_transaction:
            self._con.execute("ROLLBACK")
        if not _is_full(error):
            raise error
        self._ballast.drop()
        with contextlib.suppress(sqlite3.OperationalError):
            self._con.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _write(self, work: Callable[[], T]) -> T:
        """One transaction that must succeed on a full disk too."""
        try:
            return self._transact(work)
        except sqlite3.OperationalError as error:
            self._give_way(error)
        return self._transact(work)

    def _transact(self, work: Callable[[], T]) -> T:
        self._con.execute("BEGIN IMMEDIATE")
        result = work()
        self._con.execute("COMMIT")
        return result

    def _append(self, messages: Sequence[Message], *, now: int) -> list[Row]:
        first = self.life.last + 1
        rows = [
            Row(first + index, message.kind, message.tail, message.readings, now)
            for index, message in enumerate(messages)
        ]
        self._con.execute("BEGIN IMMEDIATE")
        self._con.executemany(
            "INSERT INTO message (id, kind, tail, readings, at) VALUES (?, ?, ?, ?, ?)",
            [(row.id, row.kind, row.tail, row.readings, row.at) for row in rows],
        )
        last, newest = rows[-1].id, messages[-1]
        self._con.execute(
            "UPDATE life SET last = ?, ring_done = ?, ring_base = ?",
            (last, newest.done, newest.base),
        )
        self._hit("edge_before_commit")
        self._con.execute("COMMIT")
        self._hit("edge_after_commit")
        self.life.last = last
        self.mark = Mark(newest.done, newest.base)
        return rows

    def put_mark(self, mark: Mark) -> None:
        """Note where the spool stands in the ring, without a message."""
        self._write(
            lambda: self._con.execute(
                "UPDATE life SET ring_done = ?, ring_base = ?", (mark.done, mark.base)
            )
        )
        self.mark = mark

    # -- reading -----------------------------------------------------------------------------

    def read(self, *, first: int, limit: int) -> list[Row]:
        """Rows from id `first` on, in order."""
        found = self._con.execute(
            "SELECT id, kind, tail, readings, at FROM message WHERE id >= ? ORDER BY id LIMIT ?",
            (first, limit),
        )
        return [Row(i, cast(Kind, kind), tail, n, at) for i, kind, tail, n, at in found]

    def oldest(self) -> int:
        """Id of the oldest row kept, or one past the last."""
        (first,) = self._con.execute("SELECT min(id) FROM message").fetchone()
        return self.life.last + 1 if first is None else int(first)

    def at_of(self, row_id: int) -> int | None:
        """When the first row from `row_id` on was spooled."""
        found = self._con.execute(
            "SELECT at FROM message WHERE id >= ? ORDER BY id LIMIT 1", (row_id,)
        ).fetchone()
        return None if found is None else int(found[0])

    def last_mark(self) -> int:
        """The highest id known to be passed."""
        (last,) = self._con.execute("SELECT max(id) FROM mark").fetchone()
        return self.life.base if last is None else max(int(last), self.life.base)

    def free_bytes(self) -> int:
        """Room left under the page cap, and on the disk."""
        (pages,) = self._con.execute("PRAGMA page_count").fetchone()
        (free,) = self._con.execute("PRAGMA freelist_count").fetchone()
        stat = os.statvfs(self._path.parent)
        return int(min((self._max_pages - pages + free) * PAGE, stat.f_bavail * stat.f_frsize))

    def gaps(self) -> list[tuple[int, int, int]]:
        """(boot, first, last) of the ranges of a stream that could not be sent again."""
        return [tuple(row) for row in self._con.execute("SELECT boot, first, last FROM gap")]

    # -- passing and deleting ----------------------------------------------------------------

    def mark_passed(self, row_id: int, *, now: int) -> None:
        """Note that rows up to `row_id` are in the ledger since `now` at the latest."""

        def mark() -> None:
            self._con.execute("DELETE FROM mark WHERE id >= ?", (row_id,))
            self._con.execute("INSERT INTO mark (id, at) VALUES (?, ?)", (row_id, now))

        self._write(mark)

    def unmark(self, row_id: int) -> None:
        """The ledger went back to `row_id`: rows beyond it are unsent again."""
        self._write(lambda: self._con.execute("DELETE FROM mark WHERE id > ?", (row_id,)))

    def delete_passed(self, *, before: int) -> int:
        """Delete rows passed before that time, and those of earlier boots; the newest row stays."""
        (marked,) = self._con.execute("SELECT max(id) FROM mark WHERE at < ?", (before,)).fetchone()
        limit = min(max(marked or 0, self.life.base), self.life.last - 1)
        deleted = 0
        while True:
            self._hit("edge_before_delete")
            done = self._write(lambda: self._delete_chunk(limit))
            deleted += done
            if done < DELETE_CHUNK:
                break
        if marked is not None:
            self._write(lambda: self._con.execute("DELETE FROM mark WHERE id < ?", (marked,)))
        return deleted

    def _delete_chunk(self, limit: int) -> int:
        return self._con.execute(
            "DELETE FROM message WHERE id IN"
            " (SELECT id FROM message WHERE id <= ? ORDER BY id LIMIT ?)",
            (limit, DELETE_CHUNK),
        ).rowcount

    # -- lives -------------------------------------------------------------------------------

    def confirm(self) -> None:
        """The gateway answered for this boot: rows may be sent from now on."""
        self._write(lambda: self._con.execute("UPDATE life SET quiet_from = NULL, confirmed = 1"))
        self.life.quiet_from = None
        self.life.confirmed = True

    def begin_boot(self, boot: int, *, base: int, lost: tuple[int, int] | None, now: int) -> None:
        """Start another life: rows beyond id `base` become 1, 2, … of `boot`."""
        write_boot(self._path, boot)

        def begin() -> None:
            if lost is not None:
                self._con.execute(
                    "INSERT INTO gap (boot, first, last, at) VALUES (?, ?, ?, ?)",
                    (self.life.boot, *lost, now),
                )
            self._con.execute("DELETE FROM mark WHERE id > ?", (base,))
            self._con.execute(
                "UPDATE life SET boot = ?, base = ?, quiet_from = ?, confirmed = 0",
                (boot, base, base),
            )

        self._write(begin)
        self.life.boot, self.life.base = boot, base
        self.life.quiet_from, self.life.confirmed = base, False

    # -- ballast -----------------------------------------------------------------------------

    def restore_ballast(self) -> bool:
        """Give room back to a disk that was full, then keep the ballast again."""
        if not self._ballast.there:
            pages = self._ballast.size // PAGE
            with contextlib.suppress(sqlite3.OperationalError):
                self._con.executescript(f"PRAGMA incremental_vacuum({2 * pages});")
                self._con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return self._ballast.inflate()

    def close(self) -> None:
        """Close the database; its lock goes with it."""
        with contextlib.suppress(sqlite3.OperationalError):
            self._con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._con.close()


def _is_full(error: sqlite3.OperationalError) -> bool:
    primary = error.sqlite_errorcode & 0xFF
    return primary in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


def open_spool(path: Path, *, boot: int, max_bytes: int, hit: Hit) -> SpoolFile:
    """Open the spool, or create it with `boot` when there is none; raises `SpoolError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    con = sqlite3.connect(path, isolation_level=None, timeout=0.2, check_same_thread=False)
    try:
        prepare(con, path=path, boot=boot)
        return SpoolFile(path=path, con=con, max_bytes=max_bytes, hit=hit)
    except sqlite3.DatabaseError as error:
        con.close()
        raise explained(error) from error
    except SpoolError:
        con.close()
        raise
