"""The evidence archive: what readers get back from whole, torn, doubled and uncommitted frames."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from core.application.ports.tracking import StreamKey
from gateway.archive import HOUR_US, Archive, Entry
from gateway.archive_index import offsets
from gateway.archive_reader import archived, find, lines, segments, write_index
from runtime.roles.gateway import index_aside

NOW = 1_795_000_000_000_000
EPC = "3034257BF7194E4000001A85"
KEY = "01/80614141123458/21/6789"


def an_entry(seq: int, *, epc: str = EPC, payload: bytes | None = None) -> Entry:
    body = payload or b'{"schema":"reads.v1","seq":%d,"reads":[{"epc":"%s"}]}' % (
        seq,
        epc.encode(),
    )
    return Entry("dock-1", 1, seq, NOW + seq, body)


def an_archive(folder: Path, *, epoch: int = 1) -> Archive:
    return Archive(folder, site="demo", cell="site", epoch=epoch, on_close=write_index)


def places(folder: Path, cursor: int | None = None) -> list[int]:
    cursors = None if cursor is None else {StreamKey("dock-1", 1): cursor}
    return [line.seq for line in archived(folder, site="demo", cursors=cursors)]


def test_messages_come_back_byte_for_byte(tmp_path: Path) -> None:
    archive = an_archive(tmp_path)
    archive.append([an_entry(1), an_entry(2)], now=NOW)
    archive.close()

    (segment,) = segments(tmp_path, site="demo")

    assert segment.name == "20261118T11-site-1.jsonl.zst"
    assert [bytes(line.message) for _, line in lines(segment)] == [
        an_entry(1).payload,
        an_entry(2).payload,
    ]


def test_doubles_and_what_lies_beyond_the_cursor_are_dropped(tmp_path: Path) -> None:
    first, second = an_archive(tmp_path), an_archive(tmp_path, epoch=2)
    first.append([an_entry(1), an_entry(2)], now=NOW)
    first.append([an_entry(2), an_entry(3)], now=NOW)
    second.append([an_entry(3), an_entry(4), an_entry(5)], now=NOW)
    first.close()
    second.close()

    assert places(tmp_path, cursor=4) == [1, 2, 3, 4]


def test_epochs_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for epoch, seq in ((9, 1), (10, 2), (11, 3)):
        archive = an_archive(tmp_path, epoch=epoch)
        archive.append([an_entry(seq)], now=NOW)
        archive.close()

    assert places(tmp_path) == [1, 2, 3]


@pytest.mark.parametrize("lost", [1, 7, 40])
def test_a_torn_last_frame_is_cut(tmp_path: Path, lost: int) -> None:
    archive = an_archive(tmp_path)
    archive.append([an_entry(1)], now=NOW)
    archive.append([an_entry(2)], now=NOW)
    archive.close()
    (segment,) = segments(tmp_path, site="demo")
    segment.write_bytes(segment.read_bytes()[:-lost])

    assert places(tmp_path) == [1]


def test_a_new_hour_is_a_new_segment_with_an_index_behind_it(tmp_path: Path) -> None:
    archive = an_archive(tmp_path)
    archive.append([an_entry(1)], now=NOW)
    archive.append([an_entry(2)], now=NOW + HOUR_US)

    first, second = segments(tmp_path, site="demo")

    assert first.with_name(first.name + ".index").exists()
    assert not second.with_name(second.name + ".index").exists()
    assert [line.seq for line in find(first, KEY)] == [1]
    assert [line.seq for line in find(second, KEY)] == [2]
    assert find(first, "01/80614141123458/21/1") == []
    archive.close()


def test_the_gateway_indexes_a_closed_segment_beside_its_work(tmp_path: Path) -> None:
    archive = Archive(tmp_path, site="demo", cell="site", epoch=1, on_close=index_aside)
    archive.append([an_entry(1)], now=NOW)
    archive.close()

    for thread in threading.enumerate():
        if thread.name.startswith("index-"):
            thread.join(10)

    (segment,) = segments(tmp_path, site="demo")
    assert offsets(segment, KEY) == [0]
    assert offsets(segment, KEY + "0") == []


def test_segments_beyond_their_retention_are_removed(tmp_path: Path) -> None:
    archive = Archive(tmp_path, site="demo", cell="site", epoch=1, retention_hours=2)
    for hour in range(5):
        archive.append([an_entry(hour + 1)], now=NOW + hour * HOUR_US)
    archive.close()

    assert places(tmp_path) == [3, 4, 5]


def test_bytes_that_are_no_json_are_kept_too(tmp_path: Path) -> None:
    archive = an_archive(tmp_path)
    archive.append([an_entry(1, payload=b"\xff\n{"), an_entry(2)], now=NOW)
    archive.close()

    found = list(archived(tmp_path, site="demo"))

    assert bytes(found[0].message) == b'{"bytes": "/wp7"}'
    assert found[1].seq == 2
