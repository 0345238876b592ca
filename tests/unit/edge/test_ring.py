"""The ring: what it holds, what bounds it, and when it is not replayed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from edge.drivers.port import RawRead
from edge.journal import Mark
from edge.ring import Ring
from edge.ring_file import KeptLine, ReadLine, blocks, last_line, read_ring, segments
from edge.ring_replay import recover
from edge.ring_segments import Bounds
from edge.ring_start import ring_folder
from tests.unit.edge.box import SMALL, T0, Box

HOUR = 3_600_000_000


def read(n: int, *, epc: bytes = b"\x30\x01") -> RawRead:
    return RawRead(epc, 1, -61.5, T0 + n, T0 + n + 800)


class Clock:
    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> int:
        return self.now


def a_ring(folder: Path, *, clock: Clock | None = None, bounds: Bounds = SMALL) -> Ring:
    ring = Ring(folder, last=last_line(folder), now_us=clock or Clock(), bounds=bounds)
    ring.device("door")
    return ring


def numbers(folder: Path) -> list[int]:
    return [n for one in read_ring(folder) for n in range(one.first, one.first + len(one.lines))]


def test_a_read_comes_back_as_the_driver_told_it(tmp_path: Path) -> None:
    bare = read(1)
    full = RawRead(b"\x30\x02", None, None, T0, T0, 3, "E280", 12.5, 865_700, 27.0, -3.5, "3000")
    ring = a_ring(tmp_path)
    ring.read(0, bare, -5, True)
    ring.read(0, full, 0, False)
    ring.close()

    lines = [line for one in read_ring(tmp_path) for line in one.lines]
    assert [line.read() for line in lines if isinstance(line, ReadLine)] == [bare, full]
    assert lines[0] == ReadLine(0, True, -5, T0 + 801, T0 + 1, b"\x30\x01", 1, -61.5, 1)


def test_a_torn_end_costs_its_block_and_the_next_life_goes_on_behind_it(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    ring = a_ring(whole)
    for n in range(3):
        ring.read(0, read(n), 0, True)
    ring.close()
    (segment,) = segments(whole)
    data = segment.path.read_bytes()
    ends = [0, len(data)]

    for cut in range(len(data) - 1, 0, -7):
        folder = tmp_path / f"cut-{cut}"
        shutil.copytree(whole, folder)
        os.truncate(folder / segment.path.name, cut)
        left = numbers(folder)
        ends.append(len(left))
        assert left == [1, 2, 3][: len(left)]
        ring = a_ring(folder)
        ring.read(0, read(9), 0, True)
        ring.close()
        assert numbers(folder) == [*left, len(left) + 1]
    assert {0, 1, 2} <= set(ends)


def test_a_spoilt_byte_ends_its_segment_and_what_was_open_is_forgotten(tmp_path: Path) -> None:
    ring = a_ring(tmp_path)
    first = ring.read(0, read(0), 0, True)
    ring.read(0, read(1), 0, False)
    ring.emitted(first, 0)
    ring.device("another")
    ring.read(0, read(2, epc=b"\x30\x02"), 0, True)
    ring.close()
    old, _ = segments(tmp_path)
    data = bytearray(old.path.read_bytes())
    data[-3] ^= 1
    old.path.write_bytes(data)

    assert numbers(tmp_path) == [1, 2, 4]
    found = recover(read_ring(tmp_path), Mark(0, 1))
    # The first tag's run may have been told in the spoilt line: to say it again could double it.
    assert [held.run.best.epc for held in found.held] == [b"\x30\x02"]


def test_the_oldest_go_when_there_are_too_many_or_they_are_too_old(tmp_path: Path) -> None:
    clock = Clock()
    ring = a_ring(tmp_path, clock=clock, bounds=Bounds(1 << 20, 24 * HOUR, 0))
    for n in range(30_000):
        ring.read(0, read(n), 0, True)
    held = sum(one.path.stat().st_size for one in segments(tmp_path))
    assert held == ring.held_bytes
    assert 900_000 < held <= 1 << 20
    assert numbers(tmp_path)[-1] == 30_000
    assert numbers(tmp_path) == list(range(numbers(tmp_path)[0], 30_001))

    for one in segments(tmp_path)[:-1]:
        os.utime(one.path, (T0 / 1e6, T0 / 1e6))
    ring = Ring(tmp_path, last=30_000, now_us=clock, bounds=Bounds(1 << 20, 24 * HOUR, 0))
    clock.now = T0 + 25 * HOUR
    os.utime(segments(tmp_path)[-1].path, (clock.now / 1e6, clock.now / 1e6))
    ring.tend()
    assert len(segments(tmp_path)) <= 1


def test_a_disk_without_room_costs_the_ring_and_never_a_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    ring = a_ring(tmp_path, clock=clock, bounds=Bounds(1 << 20, 24 * HOUR, keep_free=1 << 60))
    assert ring.read(0, read(0), 0, True) == 1
    ring.tend()
    assert [ring.read(0, read(n), 0, False) for n in (1, 2)] == [2, 3]

    assert (ring.paused, ring.unwritten_reads, ring.held_bytes) == (True, 2, 0)
    assert segments(tmp_path) == []
    assert [record.getMessage() for record in caplog.records] == ["ring_paused"]

    ring._files._bounds = SMALL
    ring.tend()
    ring.tend()
    told = [(record.getMessage(), getattr(record, "reads", None)) for record in caplog.records]
    assert told[1:] == [("ring_resumed", None), ("ring_reads_unwritten", 2)]
    ring.read(0, read(3), 0, True)
    ring.close()
    assert (ring.paused, numbers(tmp_path)) == (False, [4])


def test_a_write_that_fails_pauses_the_ring(tmp_path: Path) -> None:
    ring = a_ring(tmp_path / "gone")
    shutil.rmtree(tmp_path / "gone")

    ring.read(0, read(0), 0, True)
    assert (ring.paused, ring.unwritten_reads) == (True, 1)


def test_a_device_that_comes_later_has_its_name_in_a_segment_of_its_own(tmp_path: Path) -> None:
    ring = a_ring(tmp_path)
    ring.read(0, read(0), 0, True)
    later = ring.device("zone")
    ring.read(later, read(1), 0, True)
    ring.close()

    assert [one.devices for one in read_ring(tmp_path)] == [["door"], ["door", "zone"]]


def one_read_held(folder: Path) -> Box:
    """A box whose first read is in the spool and whose second is in a run still open."""
    box = Box(folder)
    box.start()
    box.read("door", 1)
    box.now += 20_000
    box.intake.step(box.now)
    box.commit()
    box.read("door", 1)
    return box


def test_a_power_cut_that_took_the_end_of_the_ring_doubles_nothing(tmp_path: Path) -> None:
    box = one_read_held(tmp_path)
    box.kill()
    (segment,) = segments(ring_folder(box.path))
    os.truncate(segment.path, 40)

    box.start()
    assert box.starts[-1].verdict == "torn"
    box.read("door", 2)
    box.finish()
    lost, doubled = box.faults()
    assert (lost, doubled) == (["('door', '30010000', 1) read 1"], [])


def test_an_older_copy_of_the_spool_takes_nothing_from_a_newer_ring(tmp_path: Path) -> None:
    box = one_read_held(tmp_path)
    copy = tmp_path / "copy"
    copy.mkdir()
    for part in tmp_path.glob("spool.db*"):
        if part.is_file():
            shutil.copy(part, copy / part.name)
    box.now += 300_000
    box.intake.step(box.now)
    box.now += 20_000
    box.intake.step(box.now)
    box.commit()
    box.read("door", 2)
    box.kill()
    for part in copy.iterdir():
        shutil.copy(part, tmp_path / part.name)

    box.start()
    assert box.starts[-1].verdict == "newer"
    assert any(
        isinstance(line, KeptLine)
        for segment in segments(ring_folder(box.path))
        for one in blocks(segment)
        for line in one.lines
    )
    box.finish()
    assert len(box.said()) == 1


def test_a_new_spool_takes_nothing_from_an_old_ring(tmp_path: Path) -> None:
    box = one_read_held(tmp_path)
    box.kill()
    for part in tmp_path.glob("spool.db*"):
        if part.is_file():
            part.unlink()

    box.start()
    box.read("door", 2)
    box.kill()
    box.start()
    box.finish()
    assert [one["epc"] for one in box.said()] == ["30020000"]


def test_an_open_run_outlives_messages_that_came_after_it_began(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.start()
    for tag in (1, 1, 2, 3, 4):
        box.now += 20_000
        box.intake.step(box.now)
        box.commit()
        box.read("zone", tag)
    box.now += 20_000
    box.intake.step(box.now)
    box.commit()
    box.kill()

    box.start()
    box.finish()
    assert box.faults() == ([], [])


def test_readings_behind_a_message_that_closed_early_are_not_passed_over(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.start()
    for tag in range(16):
        box.read("door", tag % 8)
    box.now += 100_000
    box.intake.step(box.now)
    box.commit()
    box.now += 150_000
    # Eight runs end at once: two messages of three go to the spool, two readings wait.
    box.intake.step(box.now)
    box.commit()
    box.kill()

    box.start()
    assert len(box.starts[-1].pending) == 2
    box.finish()
    assert box.faults() == ([], [])


@pytest.mark.parametrize("what", ["read", "edge"])
def test_what_the_spool_has_is_not_said_again_after_a_word_of_the_agents_own(
    tmp_path: Path, what: str
) -> None:
    box = Box(tmp_path)
    box.start()
    if what == "read":
        box.read("door", 1)
    else:
        box.edge("door")
    box.now += 20_000
    box.intake.step(box.now)
    box.commit()
    box.kill()
    box.start()
    box.answer()
    box.commit()
    box.kill()

    box.start()
    box.finish()
    assert (box.faults(), box.starts[-1].pending) == (([], []), [])


def test_lines_told_before_a_message_are_written_before_it(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.lazy = True
    box.start()
    box.read("zone", 1)
    box.read("zone", 1)
    box.turn()
    for tag in (2, 3, 4):
        box.read("door", tag)
    box.commit()
    box.kill()

    box.start()
    box.finish()
    assert (box.starts[-1].verdict, box.faults()) == ("whole", ([], []))
