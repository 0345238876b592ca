"""The spool on a disk that is really full: an 8 MiB file system of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.batching import Message
from edge.failpoints import no_faults
from edge.spool_errors import SpoolFullError
from edge.spool_file import open_spool

T0 = 1_795_000_000_000_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """An 8 MiB disk; skips by name where none may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)],
        capture_output=True,
        check=False,
        timeout=20,
    )
    if mounted.returncode != 0:
        pytest.skip("this machine mounts no tmpfs")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True, timeout=20)


def message(n: int) -> Message:
    return Message("reads", b"%d|" % n + b"x" * 20_000, 1)


def test_a_full_disk_refuses_then_drains_and_the_ballast_comes_back(small_disk: Path) -> None:
    path = small_disk / "s.db"
    file = open_spool(path, boot=1, max_bytes=16 << 20, hit=no_faults)
    ballast = small_disk / "s.db.ballast"
    assert ballast.stat().st_size == 2 << 20

    kept = 0
    with contextlib.suppress(SpoolFullError):
        while kept < 1_000:
            file.append([message(kept)], now=T0)
            kept += 1
    with pytest.raises(SpoolFullError):
        file.append([message(999)], now=T0)
    assert 100 <= kept < 400
    assert not ballast.exists()
    assert [row.id for row in file.read(first=1, limit=1_000)] == list(range(1, kept + 1))

    file.mark_passed(kept, now=T0)
    assert file.delete_passed(before=T0 + 1) == kept - 1
    for n in range(50):
        file.append([message(kept + n)], now=T0)
    assert file.restore_ballast()
    assert ballast.stat().st_size == 2 << 20
    file.close()

    again = open_spool(path, boot=1, max_bytes=16 << 20, hit=no_faults)
    assert again.life.last == kept + 50
    assert [row.tail.split(b"|")[0] for row in again.read(first=kept + 1, limit=100)] == [
        b"%d" % (kept + n) for n in range(50)
    ]
    again.close()
