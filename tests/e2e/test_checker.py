"""The checker can fail: planted losses, doubles and holes are found; it knows no product code."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import zstandard

from tests.e2e import book, checker
from tests.e2e.book import Book, Move
from tests.e2e.checker import Frames, Hole, Read, Seen

EPC = "3036451F3400274C5E747D50"
READS = [Read(EPC, 1, 1_000 + n * 10, 2_000 + n * 10) for n in range(4)]
ONE = Seen(EPC, 1, 1_000, 1_030, 4)


def test_the_checker_imports_nothing_of_the_product() -> None:
    allowed = {"__future__", "json", "collections", "dataclasses", "pathlib", "typing", "uuid"}
    for module in (checker, book):
        tree = ast.parse(Path(str(module.__file__)).read_text())
        names = {
            name.split(".")[0]
            for node in ast.walk(tree)
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [str(node.module)]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert names <= allowed | {"zstandard", "asyncpg"}


def test_reads_inside_one_observation_of_their_count_are_complete() -> None:
    report = checker.compare(Frames(reads=READS), [ONE])

    assert (report.reads, report.observed, report.lost, report.invented) == (4, 4, [], [])


def test_a_read_outside_every_observation_is_lost() -> None:
    report = checker.compare(Frames(reads=READS), [Seen(EPC, 1, 1_000, 1_020, 3)])

    assert report.lost == [READS[3]]


def test_another_antennas_observation_does_not_cover_a_read() -> None:
    report = checker.compare(Frames(reads=READS), [Seen(EPC, 2, 1_000, 1_030, 4)])

    assert report.lost == READS
    assert report.invented == [Seen(EPC, 2, 1_000, 1_030, 4)]


def test_a_count_that_is_too_small_is_a_loss_though_the_span_covers_it() -> None:
    report = checker.compare(Frames(reads=READS), [Seen(EPC, 1, 1_000, 1_030, 3)])

    assert len(report.lost) == 1


def test_an_observation_that_came_twice_is_invented() -> None:
    report = checker.compare(Frames(reads=READS), [ONE, ONE])

    assert report.invented == [ONE]


def test_a_loss_in_what_the_smoother_held_at_a_kill_is_excused_and_counted() -> None:
    frames = Frames(reads=READS, ups=[500, 9_000], downs=[2_031])
    seen = [Seen(EPC, 1, 1_000, 1_010, 2)]
    holes = checker.excuses(frames, [2_030], hold_us=10)

    report = checker.compare(frames, seen, holes)

    assert holes == [Hole(2_020, 9_000, "agent killed")]
    assert (report.lost, report.excused) == ([], {"agent killed": 2})
    assert checker.held_before(frames, seen, [2_030]) == 10


def test_what_nobody_listened_to_is_not_held_before_the_next_kill() -> None:
    frames = Frames(reads=READS, ups=[500, 2_025, 9_000])
    seen = [Seen(EPC, 1, 1_000, 1_000, 1), Seen(EPC, 1, 1_030, 1_030, 1)]

    assert checker.held_before(frames, seen, [2_005, 8_000]) == 0
    assert checker.held_before(frames, seen[:1], [2_005, 8_000]) == 8_000 - 2_030


def test_a_loss_before_what_the_smoother_may_hold_is_none_of_its_excuses() -> None:
    frames = Frames(reads=READS, ups=[500, 9_000])
    holes = checker.excuses(frames, [2_030], hold_us=9)

    report = checker.compare(frames, [Seen(EPC, 1, 1_000, 1_010, 2)], holes)

    assert report.lost == [READS[2]]


def an_archive(folder: Path, seqs: list[int], *, torn: bool = False, other: bool = False) -> Path:
    lines = [
        json.dumps(
            {
                "agent": "dock-1",
                "boot": 1,
                "seq": seq,
                "received_at": 1,
                "message": {"seq": seq, "sent_at": place, "reads": [{"epc": EPC}]},
            }
        ).encode()
        for place, seq in enumerate(seqs)
    ]
    if other:
        lines.append(lines[0].replace(EPC.encode(), b"00"))
    data = b"".join(zstandard.ZstdCompressor().compress(line + b"\n") for line in lines)
    (folder / "20260101T00-site-1.jsonl.zst").write_bytes(data[:-5] if torn else data)
    return folder


def test_the_archive_is_read_once_each_up_to_the_cursor(tmp_path: Path) -> None:
    found = checker.archived(an_archive(tmp_path, [1, 2, 2, 3, 4]), {("dock-1", 1): 3})

    assert list(found["dock-1", 1]) == [1, 2, 3]


def test_a_hole_below_the_cursor_is_found_and_a_dead_letter_fills_one(tmp_path: Path) -> None:
    cursors = {("dock-1", 1): 4}
    found = checker.archived(an_archive(tmp_path, [1, 4]), cursors)

    assert checker.holes_in(found, cursors, [("dock-1", 1, 2)]) == {("dock-1", 1): [3]}


def test_a_torn_last_frame_is_left_out(tmp_path: Path) -> None:
    found = checker.archived(an_archive(tmp_path, [1, 2], torn=True), {("dock-1", 1): 2})

    assert list(found["dock-1", 1]) == [1]


def test_two_bodies_at_one_place_are_an_error(tmp_path: Path) -> None:
    folder = an_archive(tmp_path, [1, 2], other=True)

    with pytest.raises(AssertionError, match="two bodies"):
        checker.archived(folder, {("dock-1", 1): 2})


def a_move(number: int, key: str | None, origin: str, target: str, **more: Any) -> Move:
    kinds = {"SUPPLIER": "supplier", "CUSTOMER": "customer", "DOCK": "dock"}
    facts = {
        "source": "pass",
        "source_key": f"{number}",
        "quantity": 1,
        "item": 7,
        "cause": "pass",
        "step": "receiving",
        "from_unit": None,
        "to_unit": None,
        **more,
    }
    return Move(
        id=number,
        key=key,
        origin=origin,
        target=target,
        from_kind=kinds.get(origin, "staging"),
        to_kind=kinds.get(target, "staging"),
        **facts,
    )


RECEIVED = [a_move(1, "A", "SUPPLIER", "STAGE"), a_move(2, "B", "SUPPLIER", "STAGE")]


def a_book(moves: list[Move], cartons: dict[str, tuple[UUID, str]] | None = None) -> Book:
    return Book({}, [], moves, frozenset({"A", "B", "C"}), cartons or {}, {})


def test_a_book_that_says_what_crossed_agrees_with_the_truth() -> None:
    truth = {"A": "in", "B": "in", "FOREIGN": "in"}

    assert book.against_truth(a_book(RECEIVED), truth, {}) == (2, [])


@pytest.mark.parametrize(
    ("moves", "truth"),
    [
        (RECEIVED[:1], {"A": "in", "B": "in"}),
        (RECEIVED, {"A": "in", "B": "out"}),
        (RECEIVED, {"A": "in"}),
        ([*RECEIVED, a_move(3, "A", "SUPPLIER", "STAGE")], {"A": "in", "B": "in"}),
        ([*RECEIVED, a_move(3, "FOREIGN", "SUPPLIER", "STAGE")], {"A": "in", "B": "in"}),
    ],
    ids=["lost", "carried back", "never crossed", "received twice", "not announced"],
)
def test_a_receipt_that_did_not_happen_or_is_absent_is_found(
    moves: list[Move], truth: dict[str, str]
) -> None:
    assert len(book.against_truth(a_book(moves), truth, {})[1]) == 1


def test_a_unit_that_moves_twice_from_one_place_is_doubled() -> None:
    moves = [RECEIVED[0], a_move(3, "A", "STAGE", "BIN"), a_move(4, "A", "STAGE", "BIN")]

    assert book.doubled(moves) == ["A left STAGE but was at BIN"]
    assert book.doubled([moves[0], moves[0]])[0] == "pass 1 stands 2 times"
    assert book.doubled(moves[:2]) == []


@pytest.mark.parametrize(
    ("state", "loads", "ships", "went", "found"),
    [
        ("gone", 1, 1, "out", 0),
        ("staged", 0, 0, "", 0),
        ("loaded", 1, 0, "out", 0),
        ("staged", 0, 0, "out", 2),
        ("gone", 1, 1, "", 1),
        ("gone", 2, 1, "out", 1),
        ("gone", 1, 2, "out", 1),
    ],
)
def test_a_cartons_way_is_its_tags_way(
    state: str, loads: int, ships: int, went: str, found: int
) -> None:
    unit = UUID(int=1)
    carton: dict[str, Any] = {"from_unit": unit, "to_unit": unit, "quantity": 3}
    moves = [a_move(1, None, "TOTE", "PACK", step="packing", cause="order", **carton)]
    moves += [a_move(2, None, "STAGE", "DOCK", **carton) for _ in range(loads)]
    gone = {**carton, "to_unit": None, "cause": "order", "step": "shipping"}
    moves += [a_move(3, None, "DOCK", "CUSTOMER", **gone) for _ in range(ships)]
    where = {"CARTON": went} if went else {}

    wrong = book.against_truth(a_book(moves, {"CARTON": (unit, state)}), {}, where)[1]

    assert len(wrong) == found
