"""Every KPI of a known day: exact values from the views, by the reader's role and the interface."""

from __future__ import annotations

import csv
import io

import asyncpg
import pytest

from core.application.kpi import read_kpi, read_kpis, sample_kpis
from core.application.ports.kpi import Point
from core.db.uow import PgUnitOfWorkFactory
from core.domain.kpis import KPIS
from runtime.clock import now_us
from tests.apis import Api, open_api
from tests.builders import SITE
from tests.databases import TestDatabase
from tests.kpi_rows import HOUR, a_day

# name: value, cases, state
SAID: dict[str, tuple[float | None, float | None, str]] = {
    "orders": (43, None, "good"),
    "open_orders": (3, None, "good"),
    "orders_at_risk": (1, None, "warn"),
    "order_cycle": (29.5, 40, "good"),
    "on_time_shipment": (90.0, 40, "bad"),
    "lines_per_hour": (60.0, 30, "good"),
    "backorder_rate": (100 / 3, 3, "few"),
    "short_picks": (100 / 31, 31, "bad"),
    "pick_face_stockouts": (1, None, "warn"),
    "work_waiting": (1, None, "good"),
    "door_visits": (33, None, "good"),
    "perfect_visit": (3000 / 31, 31, "warn"),
    "passes": (41, None, "good"),
    "perfect_pass_rate": (50.0, 2, "few"),
    "undecided_share": (10.0, 40, "bad"),
    "stray_share": (25.0, 8, "few"),
    "verdict_latency": (396.1, 40, "good"),
    "event_latency": (2971.0, 30, "warn"),
    "dock_to_stock": (64 / 31, 31, "good"),
    "exceptions_open": (2, None, "warn"),
    "inventory": (30, None, "good"),
    "space_utilisation": (50.0, 4, "few"),
    "low_stock": (1, None, "warn"),
    "oversell": (1, None, "bad"),
    "ledger_drift": (0, None, "good"),
    "dead_letters": (3, None, "warn"),
    "agents": (1, None, "bad"),
    "devices": (1, None, "bad"),
}


async def _seeded(api: Api) -> int:
    now = now_us()
    async with api.open_unit(SITE) as unit:
        await a_day(unit, now)
    return now


async def test_every_kpi_says_what_the_day_was(database_url: str) -> None:
    async with open_api(database_url) as api:
        await _seeded(api)

        client = await api.client("lead")
        items = (await client.get("/v1/kpis")).json()["items"]

    assert [item["name"] for item in items] == [kpi.name for kpi in KPIS]
    found = {i["name"]: (i["value"], i["cases"], i["state"]) for i in items}
    for name, (value, cases, state) in SAID.items():
        assert found[name] == (pytest.approx(value), cases, state), name


async def test_an_empty_site_has_no_data_and_no_alarm_but_counts_zero(database_url: str) -> None:
    async with open_api(database_url) as api, api.open_unit(SITE) as unit:
        await unit.raw.execute(
            "INSERT INTO site (site_id, name, created_at) VALUES ($1, $1, 0)", SITE
        )
        figures = {f.kpi.name: f for f in await read_kpis(unit, now=now_us(), hours=24)}

    assert figures["open_orders"].reading.value == 0
    assert figures["undecided_share"].state == "none"
    assert figures["verdict_latency"].state == "none"
    # A book that was never checked is not a book without drift.
    assert (figures["ledger_drift"].reading.value, figures["ledger_drift"].state) == (None, "none")


async def test_a_check_of_the_book_that_is_too_old_is_stale(database_url: str) -> None:
    async with open_api(database_url) as api:
        now = await _seeded(api)
        async with api.open_unit(SITE) as unit:
            await unit.raw.execute("UPDATE verify_run SET finished_at = $1", now - 2 * HOUR)
            figure = await read_kpi(unit, "ledger_drift", now=now, hours=24)

    assert (figure.reading.value, figure.state) == (0, "stale")


async def test_a_window_leaves_out_what_was_before_it(database_url: str) -> None:
    async with open_api(database_url) as api:
        await _seeded(api)
        client = await api.client("manager")

        one_hour = (await client.get("/v1/kpis/passes?hours=1")).json()
        day = (await client.get("/v1/kpis/passes")).json()

    assert (one_hour["value"], len(one_hour["rows"])) == (0, 0)
    assert (day["value"], len(day["rows"])) == (41, 41)
    assert day["rows"][0]["state"] == "open"
    assert sum(p["value"] for p in day["trend"]) == 41
    assert "each at its opening" in day["definition"]


async def test_values_without_history_get_a_trend_from_samples(database_url: str) -> None:
    async with open_api(database_url) as api:
        now = await _seeded(api)
        async with api.open_unit(SITE) as unit:
            kept = await sample_kpis(unit, now=now)
            await sample_kpis(unit, now=now)
            figure = await read_kpi(unit, "open_orders", now=now, hours=24)
            rows = await unit.raw.fetchval("SELECT count(*) FROM kpi_sample")

    assert kept == rows == sum(not kpi.has_window for kpi in KPIS)
    assert figure.trend == [Point(now // 300_000_000 * 300_000_000 // HOUR * HOUR, 3.0)]


async def test_samples_over_their_time_go(database_url: str) -> None:
    async with open_api(database_url) as api:
        now = await _seeded(api)
        async with api.open_unit(SITE) as unit:
            await sample_kpis(unit, now=now - 91 * 24 * HOUR)
            await sample_kpis(unit, now=now)
            oldest = await unit.raw.fetchval("SELECT min(sampled_at) FROM kpi_sample")

    assert oldest == now // 300_000_000 * 300_000_000


async def test_a_site_has_its_own_thresholds(database_url: str) -> None:
    async with open_api(database_url) as api:
        now = await _seeded(api)
        async with api.open_unit(SITE) as unit:
            await unit.raw.execute(
                """UPDATE site SET settings = '{"kpi": {"undecided_share":
                {"amber": 15, "red": 20}, "oversell": {"red": "x"}}}'"""
            )
            figure = await read_kpi(unit, "undecided_share", now=now, hours=24)
            other = await read_kpi(unit, "oversell", now=now, hours=24)

    assert figure.state == "good"
    assert other.kpi.red == 1


async def test_csv_holds_the_rows_and_no_formula(database_url: str) -> None:
    async with open_api(database_url) as api:
        now = await _seeded(api)
        async with api.open_unit(SITE) as unit:
            await unit.raw.execute("UPDATE exception SET message = '=HYPERLINK(1)'")
        client = await api.client("auditor")
        answer = await client.get("/v1/kpis/exceptions_open", headers={"Accept": "text/csv"})
        listed = await client.get("/v1/kpis", headers={"Accept": "text/csv"})

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["message"] for row in rows] == ["'=HYPERLINK(1)"] * 2
    assert {row["kind"] for row in rows} == {"pass.missing", "stock.low"}
    assert len(list(csv.DictReader(io.StringIO(listed.text)))) == len(KPIS)
    assert now > 0


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/kpis?hours=0", 422, "validation"),
        ("/v1/kpis?hours=2161", 422, "validation"),
        ("/v1/kpis?hours=%2B1", 422, "validation"),
        ("/v1/kpis/nothing", 404, "not-found"),
        ("/v1/kpis/passes_v1%3B", 404, "not-found"),
    ],
)
async def test_what_is_asked_wrongly_is_refused(
    database_url: str, path: str, status: int, code: str
) -> None:
    async with open_api(database_url) as api:
        answer = await (await api.client("lead")).get(path)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_keys_of_some_owners_or_other_roles_see_no_kpi_of_the_building(
    database_url: str,
) -> None:
    async with open_api(database_url) as api:
        await _seeded(api)
        some = await (await api.client("lead", owners=("acme",))).get("/v1/kpis")
        shop = await (await api.client("integrator")).get("/v1/kpis")

    assert (some.status_code, shop.status_code) == (403, 403)


async def test_the_reader_of_boards_sees_the_views_and_nothing_else(
    database: TestDatabase, database_url: str
) -> None:
    async with open_api(database_url) as api:
        await _seeded(api)
    reader = await asyncpg.connect(database.kpi)
    try:
        for kpi in KPIS:
            await reader.fetch(f"SELECT * FROM kpi.{kpi.view}")
            comment = await reader.fetchval(
                "SELECT obj_description($1::text::regclass)", f"kpi.{kpi.view}"
            )
            assert "Unit:" in comment, kpi.name
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.fetch("SELECT * FROM public.fulfilment")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.execute("CREATE TABLE kpi.mine ()")
    finally:
        await reader.close()


async def test_another_sites_rows_do_not_count(database_url: str) -> None:
    async with open_api(database_url) as api:
        now = await _seeded(api)
        async with PgUnitOfWorkFactory(api.engine)("other") as unit:
            figures = {
                f.kpi.name: f.reading.value for f in await read_kpis(unit, now=now, hours=24)
            }

    assert {name for name, value in figures.items() if value} == set()
