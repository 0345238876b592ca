"""Query contract of the boards: every SQL query of the JSON tells a known day rightly."""

from __future__ import annotations

import time
from typing import Any

import asyncpg
import pytest

from core.db.uow import PgUnitOfWorkFactory, build_engine
from dashboards.boards import alerts
from dashboards.panels import POSTGRES
from runtime.clock import now_us
from tests.builders import SITE
from tests.databases import TestDatabase
from tests.grafana_macros import PanelQuery, expand_sql, queries
from tests.kpi_rows import a_day

BUDGET_S = 1.0
SERIES = {"time": "timestamptz", "metric": "text", "value": "float8"}
# By panel: the value of a figure, with the name it is shown under where it has one.
FIGURES: dict[str, tuple[float, str | None]] = {
    "Orders in": (43, None),
    "Open orders": (3, None),
    "Orders at risk": (1, None),
    "Order cycle, median": (29.5, "40 cases"),
    "Shipped on time": (90, "40 cases"),
    "Backorder rate": (100 / 3, "only 3 cases"),
    "Door visits": (33, None),
    "Perfect visits": (3000 / 31, "31 cases"),
    "Handling units read whole": (50, "only 2 cases"),
    "Passes undecided": (10, "40 cases"),
    "Verdict latency, p99": (396.1, "40 cases"),
    "Dock to stock, mean": (64 / 31, "31 cases"),
    "Ledger drift": (0, None),
    "Age of the last check": (5, None),
    "Oversold items": (1, None),
    "Empty faces with reserve": (1, None),
    "Items below reorder point": (1, None),
    "Lines per direct hour": (60, "30 cases"),
    "Open exceptions": (2, None),
    "Devices not live": (1, None),
    "Dead letters": (3, None),
}
ODD = ("short", "over", "wrong")
# By panel: columns of a table or bars, and how many rows the day has.
TABLES: dict[str, tuple[list[str], int]] = {
    "Open orders by state": (["state", "orders"], 3),
    "Orders closest to their cut-off": (["order", "state", "ship_by", "left_min"], 2),
    "Door visits, newest first": (
        [*("opened", "portal", "truck", "state", "minutes"), *("expected", "received"), *ODD],
        33,
    ),
    "Units on hand by kind of place": (["kind", "units"], 2),
    "Empty pick faces": (["location", "sku", "reserve"], 1),
    "Items below reorder point, worst first": (["sku", "name", "available", "min_stock"], 1),
    "Exceptions, critical and oldest first": (
        ["severity", "kind", "subject", "message", "age_min", "acknowledged_by"],
        2,
    ),
    "Readers and sensors": (["device", "agent", "state", "since", "last_read_at"], 2),
}
# By panel: how many there were in all, by the name of the line.
LINES: dict[str, dict[str, float]] = {
    "Orders per hour": {"received": 43, "shipped": 40},
    "Passes per hour by verdict": {"matched": 40, "none": 1},
    "Stray tags by door": {"dock-1": 25},
}
ALL = list(queries(str(POSTGRES.uid)))


@pytest.fixture
async def day(database: TestDatabase) -> int:
    """The seeded day's end in microseconds."""
    now = now_us()
    engine = build_engine(database.app, pool_size=1)
    try:
        async with PgUnitOfWorkFactory(engine)(SITE) as unit:
            await a_day(unit, now)
    finally:
        await engine.dispose()
    return now


async def _run(kpi_url: str, text: str, now: int) -> tuple[dict[str, str], list[Any], float]:
    """Columns with types, rows and seconds, as the reader of boards."""
    sql = expand_sql(text, site=SITE, since_s=now // 1_000_000 - 43_200, until_s=now // 1_000_000)
    connection = await asyncpg.connect(kpi_url)
    try:
        statement = await connection.prepare(sql)
        columns = {a.name: a.type.name for a in statement.get_attributes()}
        began = time.perf_counter()
        rows = await statement.fetch()
        return columns, rows, time.perf_counter() - began
    finally:
        await connection.close()


async def test_every_panel_of_the_shift_says_what_the_day_was(day: int, kpi_url: str) -> None:
    slow: dict[str, float] = {}
    for query in ALL:
        columns, rows, spent = await _run(kpi_url, query.text, day)
        if spent > BUDGET_S:
            slow[query.panel] = spent
        if query.fmt == "time_series":
            assert columns == SERIES, query.panel
        _compare(query, list(columns), rows)

    assert slow == {}


def _compare(query: PanelQuery, columns: list[str], rows: list[Any]) -> None:
    if query.panel in FIGURES:
        value, name = FIGURES[query.panel]
        near = 0.3 if query.panel.startswith("Age") else 1e-6
        assert [float(row["value"]) for row in rows] == pytest.approx([value], abs=near), query
        assert rows[0].get("metric") == name, query
    elif query.panel in TABLES:
        assert (columns, len(rows)) == TABLES[query.panel], query
    else:
        said: dict[str, list[float]] = {}
        for row in rows:
            if row["value"] is not None:
                said.setdefault(row["metric"], []).append(row["value"])
        is_share = query.panel == "Stray tags by door"
        found = {name: (max if is_share else sum)(values) for name, values in said.items()}
        assert found == pytest.approx(LINES[query.panel]), query


def test_every_panel_is_in_the_contract() -> None:
    assert sorted({q.panel for q in ALL}) == sorted([*FIGURES, *TABLES, *LINES])


async def test_an_empty_site_breaks_no_panel(kpi_url: str) -> None:
    failed = []
    for query in ALL:
        columns, rows, _ = await _run(kpi_url, query.text, now_us())
        if not columns or (query.fmt == "time_series" and rows):
            failed.append(query.panel)

    assert failed == []


async def test_a_renamed_column_turns_the_contract_red(
    day: int, kpi_url: str, owner_url: str
) -> None:
    owner = await asyncpg.connect(owner_url)
    try:
        await owner.execute("ALTER VIEW kpi.passes_v1 RENAME COLUMN verdict TO outcome")
    finally:
        await owner.close()
    broken = []
    for query in ALL:
        try:
            await _run(kpi_url, query.text, day)
        except asyncpg.UndefinedColumnError:
            broken.append(query.panel)

    assert broken == ["Passes per hour by verdict"]


async def test_every_alert_rule_asks_what_the_database_can_answer(day: int, kpi_url: str) -> None:
    values = {}
    for rule in alerts.RULES:
        columns, rows, _ = await _run(kpi_url, rule.sql, day)
        numbers = [name for name, kind in columns.items() if kind not in ("text", "varchar")]
        assert numbers == ["value"], rule.uid
        values[rule.uid] = [float(row["value"]) for row in rows]

    assert {uid: sorted(found) for uid, found in values.items()} == {
        "dl-agent-silent": [0, 1],
        "dl-device-not-live": [0, 1],
        "dl-ledger-drift": [0],
        "dl-oversell": [1],
        "dl-orders-at-risk": [1],
        "dl-dead-letters": [3],
    }
