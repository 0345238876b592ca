"""The portal report for people: what is said, and what is still missing to the next mode."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.cli.main import run
from runtime.cli.portal_api import lines_of


def _answer(**way: Any) -> dict[str, Any]:
    row = {
        "direction": "in",
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
    return {"portal": "dock-1", "bar": bar, "directions": [row]}


def test_a_portal_that_meets_the_bar_says_so() -> None:
    lines = lines_of(_answer())

    assert lines[1].endswith("agreement 99.67%")
    assert lines[2] == "  next mode: the bar is met"


def test_what_is_missing_to_the_bar_is_named() -> None:
    way = {"agreed": 90, "false_accepts": 2, "false_rejects": 8, "agreement": 0.9}

    lines = lines_of(_answer(**way, may_step_up=False))

    assert lines[2] == (
        "  next mode: not yet: 100 more tags with a known truth, agreement of 99.50%,"
        " no false accept"
    )


def test_an_unknown_mode_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["portal", "mode", "dock-1", "rule", "--direction", "in"]) == 2
    assert "observe, propose, book" in capsys.readouterr().err
