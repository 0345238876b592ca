"""CSV as imports take it: every way to write a file, every way to spoil one."""

from __future__ import annotations

import pytest

from core.domain.csv_text import parse_csv, text_code, whole_number
from core.domain.errors import Refused


def cells(data: bytes) -> list[dict[str, str]]:
    rows, errors = parse_csv(data, required=("a", "b"), optional=("c",))
    assert errors == []
    return [row.cells for row in rows]


def code(data: bytes) -> str:
    with pytest.raises(Refused) as error:
        parse_csv(data, required=("a", "b"), optional=("c",))
    return error.value.code


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_taken_and_the_last_one_is_no_row(end: str) -> None:
    text = end.join(["a,b", "1,2", "3,4", ""])
    assert cells(text.encode()) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_quotes_commas_and_line_ends_inside_a_cell_stay() -> None:
    assert cells(b'\xef\xbb\xbfb,a\n"x ""y"", z\n2",=1+1') == [{"b": 'x "y", z\n2', "a": "=1+1"}]


def test_empty_cells_count() -> None:
    assert cells(b"a,b,c\n,,\n") == [{"a": "", "b": "", "c": ""}]


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"", "csv-empty"),
        (b"a,b\nB\xe4u,1\n", "csv-encoding"),
        (b'a,b\n"open,1\n', "csv-syntax"),
        (b'a,b\nx"y,1\n', "csv-syntax"),
        (b'a,b\n"x"y,1\n', "csv-syntax"),
        (b"A,B\n1,2\n", "csv-header"),
        (b"a;b\n1;2\n", "csv-header"),
        (b"a,a,b\n1,2,3\n", "csv-header"),
        (b"a, b\n1,2\n", "csv-header"),
        (b"a\n1\n", "csv-header"),
        (b"\n1,2\n", "csv-header"),
        (b"a,b\n", "csv-no-rows"),
    ],
)
def test_a_spoilt_file_is_refused_as_a_whole(data: bytes, wanted: str) -> None:
    assert code(data) == wanted


def test_a_row_with_other_columns_is_named_and_the_others_are_read() -> None:
    rows, errors = parse_csv(b"a,b\n1,2\n\n3\n5,6\n", required=("a", "b"))

    assert [row.number for row in rows] == [1, 4]
    assert [(error.row, error.code) for error in errors] == [
        (2, "row-columns"), (3, "row-columns"),
    ]  # fmt: skip


def test_more_than_the_allowed_rows_are_refused() -> None:
    assert code(b"a,b\n" + b"1,2\n" * 100_001) == "too-many-rows"


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("x", None), ("", "required"), ("  ", "required"), (" x", "whitespace"), ("x" * 11, "length"),
     ("a\x00b", "charset"), ("<script>", None)],
)  # fmt: skip
def test_text_cells_are_judged_in_a_fixed_order(value: str, wanted: str | None) -> None:
    assert text_code(value, high=10) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("7", 7), ("-1", "range"), ("1 000", "integer"), ("1.0", "integer"), ("1" * 19, "integer"),
     ("٣", "integer"), ("", "required"), ("11", "range")],
)  # fmt: skip
def test_numbers_are_ascii_digits_within_their_range(value: str, wanted: int | str) -> None:
    assert whole_number(value, low=0, high=10) == wanted
