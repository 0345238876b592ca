"""The KPI catalogue: its page, its views, and how a value is judged."""

from __future__ import annotations

import pytest

from core.db.kpi_page import PAGE, comments, page
from core.domain.kpis import BY_NAME, KPIS, Kpi, Reading, State, judge, tuned

SHARE = Kpi("share", "Share", "%", "ratio", "a case", 2.0, 5.0)
WHOLE = Kpi("whole", "Whole", "%", "ratio", "a case", 99.0, 95.0, higher_is_better=True)
RATE = Kpi("rate", "Rate", "lines/h", "ratio", "an hour", 10.0, 5.0, higher_is_better=True)
DRIFT = Kpi("drift", "Drift", "rows", "level", "a run", 1, 1, stale_min=70)


def reading(value: float | None, cases: float = 100, *, age_min: float | None = None) -> Reading:
    return Reading(value, 0, numerator=cases, denominator=cases, age_min=age_min)


@pytest.mark.parametrize(
    ("kpi", "value", "state"),
    [
        (SHARE, 1.9, "good"),
        (SHARE, 2.0, "warn"),
        (SHARE, 5.0, "bad"),
        (WHOLE, 99.1, "good"),
        (WHOLE, 99.0, "warn"),
        (WHOLE, 95.0, "bad"),
        (DRIFT, 0, "good"),
        (DRIFT, 1, "bad"),
    ],
)
def test_a_value_turns_bad_at_its_limit(kpi: Kpi, value: float, state: State) -> None:
    assert judge(kpi, reading(value)) == state


def test_few_cases_are_never_red_and_no_value_is_never_good() -> None:
    assert judge(SHARE, reading(100.0, 29)) == "few"
    assert judge(SHARE, reading(100.0, 30)) == "bad"
    assert judge(SHARE, reading(None)) == "none"


def test_a_rate_counts_what_was_done_and_not_the_hours() -> None:
    many = Reading(4.0, 0, numerator=40, denominator=10)
    few = Reading(4.0, 0, numerator=20, denominator=40)

    assert (judge(RATE, many), judge(RATE, few)) == ("bad", "few")


def test_a_check_that_is_too_old_says_nothing_about_now() -> None:
    assert judge(DRIFT, reading(0, age_min=70)) == "good"
    assert judge(DRIFT, reading(0, age_min=70.1)) == "stale"


def test_a_sites_limits_replace_those_of_the_catalogue_where_they_are_numbers() -> None:
    own = tuned(SHARE, {"kpi": {"share": {"amber": 3, "red": True}, "other": {"red": 1}}})

    assert (own.amber, own.red) == (3.0, 5.0)
    assert tuned(SHARE, {"kpi": "none"}) == SHARE
    assert tuned(SHARE, {}) == SHARE


def test_every_kpi_has_a_view_that_says_its_unit() -> None:
    said = comments()
    units = {"m": "min"}

    for kpi in KPIS:
        assert f"Unit: {units.get(kpi.unit, kpi.unit)}." in said[kpi.view], kpi.name
    assert len(BY_NAME) == len(KPIS)


def test_the_page_is_what_catalogue_and_views_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()
