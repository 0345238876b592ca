"""The portal report for people: what is said, and what is still missing to the next mode."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.domain.portal_report import Bar, ReportRow, bar_of
from runtime.cli.main import run
from runtime.cli.portal_api import lines_of


def _answer(**way: Any) -> dict[str, Any]:
    row = {
        "direction": "in",
        "owner": "*",
        "mode": "observe",
        "since": None,
        "next_mode": "propose",
        "wanting": [],
        "rejects_agreed": 40,
        "passes": 9,
        "undecided": 1,
        "confirmed": 8,
        "dismissed": 0,
        "reversed": 0,
        "tags": 300,
        "agreed": 299,
        "false_accepts": 0,
        "false_rejects": 1,
        "agreement": 299 / 300,
        "may_step_up": True,
        **way,
    }
    bar = {"agreement": 0.995, "tags": 200, "false_accepts": 0}
    return {"portal": "dock-1", "bar": bar, "waiting": 0, "directions": [row]}


def test_a_portal_that_meets_the_bar_says_so() -> None:
    lines = lines_of(_answer())

    assert lines[0].startswith("dock-1 in, all goods: observe since ever, 9 passes")
    assert lines[1].endswith("agreement 99.67%; strays rightly left 40")
    assert lines[2] == "  propose: the bar is met"


def test_what_is_missing_to_the_bar_is_named() -> None:
    row = ReportRow(
        direction="in", owner="acme", mode="propose", since=1,
        agreed=90, false_accepts=2, false_rejects=8,
    )  # fmt: skip
    wanting = row.wanting(Bar())

    lines = lines_of(
        _answer(owner="acme", wanting=wanting, next_mode=row.next_mode, may_step_up=False)
    )

    assert lines[2] == (
        "  book: not yet: 100 more tags with a known truth, agreement of 99.50%, no false accept"
    )


def test_a_site_sets_its_own_bar_and_a_portal_that_books_has_no_next_mode() -> None:
    bar = bar_of({"portal_bar": {"tags": 10, "agreement": 0.9, "false_accepts": 2}})
    fair = ReportRow(direction="in", owner="*", mode="propose", since=1, agreed=18, false_accepts=2)

    assert fair.may_step_up(bar)
    assert not fair.may_step_up(Bar())
    assert not replace(fair, mode="book").may_step_up(bar)
    assert bar_of({"portal_bar": {"tags": "many", "agreement": 7}}) == Bar()


def test_an_unknown_mode_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["portal", "mode", "dock-1", "rule", "--direction", "in"]) == 2
    assert "observe, propose, book" in capsys.readouterr().err
