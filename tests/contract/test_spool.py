"""The spool on a real disk: durable before it is known, bounded, never silently full or broken."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from edge.ballast import BALLAST
from edge.batching import Message
from edge.failpoints import Hit, no_faults
from edge.spool import Spool, inline
from edge.spool_boot import known_boot, recover
from edge.spool_errors import SpoolError, SpoolFullError
from edge.spool_file import SpoolFile, open_spool

T0 = 1_795_000_000_000_000
HOUR = 3_600_000_000


def message(n: int, *, size: int = 40) -> Message:
    return Message("reads", b"%d|" % n + b"x" * size, 1)


def opened(
    path: Path, *, boot: int = 1, max_bytes: int = 64 << 20, hit: Hit = no_faults
) -> SpoolFile:
    return open_spool(path, boot=boot, max_bytes=max_bytes, hit=hit)


def numbers(file: SpoolFile) -> list[int]:
    return [int(row.tail.split(b"|")[0]) for row in file.read(first=0, limit=1_000_000)]


def test_rows_are_numbered_from_one_and_come_back_as_they_were(tmp_path: Path) -> None:
    file = opened(tmp_path / "s.db")
    stored = file.append([message(7), message(8)], now=T0)
    file.close()

    again = opened(tmp_path / "s.db")
    assert [row.id for row in stored] == [1, 2]
    assert again.read(first=1, limit=10) == stored
    assert (again.life.boot, again.life.last, again.life.quiet_from) == (1, 2, 0)


def test_every_copy_taken_at_a_commit_holds_all_that_was_acknowledged(tmp_path: Path) -> None:
    acknowledged: list[int] = []
    copies: list[tuple[Path, int]] = []

    def copy_disk(name: str) -> None:
        if name not in ("edge_before_commit", "edge_after_commit"):
            return
        target = tmp_path / f"copy-{len(copies)}"
        target.mkdir()
        for part in ("s.db", "s.db-wal"):
            shutil.copy(tmp_path / part, target / part)
        known = len(acknowledged) + (3 if name == "edge_after_commit" else 0)
        copies.append((target, known))

    file = opened(tmp_path / "s.db", hit=copy_disk)
    for n in range(0, 90, 3):
        group = [n, n + 1, n + 2]
        file.append([message(i) for i in group], now=T0)
        acknowledged += group

    assert len(copies) == 60
    for folder, known in copies:
        survivor = opened(folder / "s.db")
        assert numbers(survivor)[:known] == list(range(known))
        assert len(numbers(survivor)) <= known + 3
        survivor.close()


def test_a_torn_log_costs_only_what_was_not_acknowledged(tmp_path: Path) -> None:
    file = opened(tmp_path / "s.db")
    for n in range(10):
        file.append([message(n)], now=T0)
    wal = (tmp_path / "s.db-wal").read_bytes()
    base = (tmp_path / "s.db").read_bytes()
    file.append([message(10)], now=T0)
    longer = (tmp_path / "s.db-wal").read_bytes()
    file.close()

    for cut in range(len(wal), len(longer), 997):
        folder = tmp_path / f"cut-{cut}"
        folder.mkdir()
        (folder / "s.db").write_bytes(base)
        (folder / "s.db-wal").write_bytes(longer[:cut])
        survivor = opened(folder / "s.db")
        assert numbers(survivor) == list(range(10))
        survivor.close()


def test_a_full_spool_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    file = opened(tmp_path / "s.db", max_bytes=1 << 20)
    kept = 0
    while True:
        try:
            file.append([message(kept, size=50_000)], now=T0)
        except SpoolFullError:
            break
        kept += 1

    with pytest.raises(SpoolFullError):
        file.append([message(999, size=50_000)], now=T0)
    assert kept >= 15
    assert numbers(file) == list(range(kept))
    assert file.life.last == kept
    assert (tmp_path / "s.db").stat().st_size <= 1 << 20


def test_passed_rows_make_way_before_anything_is_refused(tmp_path: Path) -> None:
    file = opened(tmp_path / "s.db", max_bytes=1 << 20)
    stored = 0
    while stored < 100:
        file.append([message(stored, size=50_000)], now=T0)
        stored += 1
        file.mark_passed(stored, now=T0)

    assert file.life.last == 100
    assert numbers(file)[-1] == 99


async def test_a_full_spool_counts_what_it_refuses_and_drains_afterwards(tmp_path: Path) -> None:
    file = opened(tmp_path / "s.db", max_bytes=1 << 20)
    spool = Spool(file, now_us=lambda: T0, offload=inline)
    for n in range(40):
        spool.submit([message(n, size=50_000)])
        await spool.flush()
    kept = spool.last_seq

    assert spool.full
    assert spool.counters.readings == kept
    assert spool.counters.refused_readings == 40 - kept

    await spool.confirm()
    await spool.passed(kept)
    spool.submit([message(40, size=50_000)])
    await spool.flush()
    assert not spool.full
    assert spool.last_seq == kept + 1
    assert [seq for seq, _ in await spool.fetch(first=kept + 1, limit=5)] == [kept + 1]


def test_passed_rows_stay_one_hour(tmp_path: Path) -> None:
    file = opened(tmp_path / "s.db")
    file.append([message(n) for n in range(10)], now=T0)
    file.mark_passed(6, now=T0 + 1)

    assert file.delete_passed(before=T0 + 1) == 0
    assert file.delete_passed(before=T0 + 2) == 6
    assert numbers(file) == [6, 7, 8, 9]


async def test_the_spool_deletes_an_hour_after_the_cursor_passed(tmp_path: Path) -> None:
    now = [T0]
    spool = Spool(opened(tmp_path / "s.db"), now_us=lambda: now[0], offload=inline)
    spool.submit([message(n) for n in range(5)])
    await spool.flush()
    await spool.passed(4)
    await spool.tend()
    now[0] += HOUR - 1
    await spool.tend()
    assert await spool.oldest_seq() == 1

    now[0] += 20_000_000
    await spool.tend()
    assert await spool.oldest_seq() == 5
    assert spool.unsent == 1


def test_a_second_agent_is_told_that_the_spool_is_locked(tmp_path: Path) -> None:
    file = opened(tmp_path / "s.db")
    code = (
        "import sys\nfrom pathlib import Path\nfrom edge.spool_file import open_spool\n"
        "from edge.spool_errors import SpoolError\nfrom edge.failpoints import no_faults\n"
        "try:\n    open_spool(Path(sys.argv[1]), boot=1, max_bytes=1 << 24, hit=no_faults)\n"
        "except SpoolError as error:\n    sys.stdout.write(error.code)\n"
    )
    other = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "s.db")],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )

    assert other.stdout == "spool-locked"
    file.append([message(1)], now=T0)
    assert numbers(file) == [1]


@pytest.mark.parametrize(
    "content", [b"not a database at all" * 300, b"SQLite format 3\0" + b"\1" * 9000]
)
def test_what_is_no_spool_is_named_corrupt_and_left_as_it_is(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(content)

    with pytest.raises(SpoolError) as refusal:
        opened(path)
    assert refusal.value.code == "spool-corrupt"
    assert path.read_bytes() == content


def test_damage_inside_is_found_at_open(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    file = opened(path)
    file.append([message(n, size=3_000) for n in range(200)], now=T0)
    file.close()
    damaged = bytearray(path.read_bytes())
    damaged[40_960 : 40_960 + 4_096] = b"\xff" * 4_096
    path.write_bytes(damaged)

    with pytest.raises(SpoolError) as refusal:
        opened(path)
    assert refusal.value.code == "spool-corrupt"


def test_another_programs_database_is_no_spool(tmp_path: Path) -> None:
    con = sqlite3.connect(tmp_path / "s.db")
    con.execute("CREATE TABLE other (x)")
    con.close()

    with pytest.raises(SpoolError) as refusal:
        opened(tmp_path / "s.db")
    assert refusal.value.code == "spool-corrupt"


def test_a_spool_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    opened(tmp_path / "s.db").close()
    con = sqlite3.connect(tmp_path / "s.db")
    con.execute("PRAGMA user_version=2")
    con.close()

    with pytest.raises(SpoolError) as refusal:
        opened(tmp_path / "s.db")
    assert refusal.value.code == "spool-newer"


def test_recovery_moves_the_file_aside_and_the_next_boot_is_higher(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    opened(path, boot=4).close()
    path.write_bytes(b"garbage" * 1000)

    aside = recover(path)
    assert aside == tmp_path / "s.db.corrupt-1"
    assert known_boot(path) == 4
    fresh = opened(path, boot=5)
    assert (fresh.life.boot, fresh.life.last) == (5, 0)
    assert known_boot(path) == 5
    assert aside.read_bytes() == b"garbage" * 1000


def test_the_ballast_is_given_up_on_a_full_disk_and_comes_back(tmp_path: Path) -> None:
    file = opened(tmp_path / "s.db")
    ballast = tmp_path / "s.db.ballast"
    assert ballast.stat().st_size == BALLAST

    ballast.unlink()
    assert file.restore_ballast()
    assert ballast.stat().st_size == BALLAST


def test_a_new_boot_renumbers_the_rows_kept_and_drops_the_rest(tmp_path: Path) -> None:
    file = opened(tmp_path / "s.db", boot=3)
    file.append([message(n) for n in range(10)], now=T0)
    file.confirm()
    file.begin_boot(9, base=6, lost=(2, 6), now=T0)
    file.delete_passed(before=T0)
    file.close()

    again = opened(tmp_path / "s.db")
    assert (again.life.boot, again.life.base, again.life.confirmed) == (9, 6, False)
    assert numbers(again) == [6, 7, 8, 9]
    assert again.gaps() == [(3, 2, 6)]
    assert known_boot(tmp_path / "s.db") == 9
