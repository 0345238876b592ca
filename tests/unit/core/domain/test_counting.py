"""A count is right although goods move while it runs; what motion explains is counted again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.counting import (
    Finding,
    Known,
    LineKey,
    UnitBook,
    Window,
    judge_line,
    judge_lines,
    judge_units,
    units_off,
)

KEY = LineKey("acme", 1, None, None, "available")
OTHER = LineKey("acme", 2, None, None, "available")


@pytest.mark.parametrize(
    ("window", "counted", "variance", "finding"),
    [
        (Window((10,)), 10, 0, "right"),
        (Window((10,)), 8, -2, "less"),
        (Window((10,)), 11, 1, "more"),
        (Window((10, 7)), 10, 0, "right"),
        (Window((10, 7)), 7, 0, "right"),
        (Window((10, 7)), 6, 0, "disturbed"),
        (Window((10, 8, 10)), 8, 0, "right"),
        (Window((10,), leaving=3), 7, 0, "disturbed"),
        (Window((10,), leaving=3), 6, -4, "less"),
        (Window((10,), leaving=3), 11, 1, "more"),
    ],
)
def test_a_line_is_judged_by_every_value_the_book_had(
    window: Window, counted: int, variance: int, finding: Finding
) -> None:
    line = judge_line(KEY, window, counted)

    assert (line.variance, line.finding, line.expected) == (variance, finding, window.now)


def test_what_is_not_named_is_not_there_and_what_the_book_lacks_is_more() -> None:
    lines = judge_lines({KEY: Window((4,))}, {OTHER: 2})

    found = [(line.key, line.variance, line.finding) for line in lines]
    assert found == [(KEY, -4, "less"), (OTHER, 2, "more")]


@given(
    start=st.integers(0, 50),
    changes=st.lists(st.integers(-10, 10), max_size=6),
    seen_after=st.integers(0, 6),
)
def test_an_honest_count_of_a_right_book_never_changes_it(
    start: int, changes: list[int], seen_after: int
) -> None:
    values = [start]
    for change in changes:
        values.append(max(0, values[-1] + change))
    counted = values[min(seen_after, len(values) - 1)]

    assert judge_line(KEY, Window(tuple(values)), counted).variance == 0


def test_tags_that_came_or_went_meanwhile_are_no_difference() -> None:
    book = UnitBook(frozenset({"a", "b"}), frozenset({"came", "went"}))
    known = {
        "far": Known("present"),
        "lost": Known("missing"),
        "sold": Known("gone"),
        "carton": Known("in_order"),
    }

    found = judge_units(book, {"a", "came", "far", "lost", "sold", "carton", "new"}, known)

    assert found == {
        "b": "missing",
        "far": "elsewhere",
        "lost": "back",
        "sold": "unknown",
        "carton": "disturbed",
        "new": "unknown",
    }
    lines = [judge_line(KEY, Window((10,)), 8)]
    assert units_off(lines, found) == 2 + 3
