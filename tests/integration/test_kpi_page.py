"""The manager's page: values, trend and threshold without a script, rows and CSV behind each."""

from __future__ import annotations

import csv
import io
import re

import httpx

from core.application.kpi import counted
from core.application.ports.kpi import Point
from core.domain.kpis import KPIS
from core.web.kpi import GROUPS, sparkline
from runtime.clock import now_us
from tests.builders import SITE
from tests.kpi_rows import HOUR, a_day
from tests.pages import serve_pages


async def test_the_page_shows_every_kpi_with_value_state_threshold_and_trend(
    database_url: str,
) -> None:
    async with serve_pages(database_url) as (api, address), httpx.AsyncClient() as guest:
        async with api.open_unit(SITE) as unit:
            await a_day(unit, now_us())
        page = (await guest.get(f"{address}/kpi")).text
        one = (await guest.get(f"{address}/kpi/undecided_share")).text
        table = await guest.get(f"{address}/kpi/exceptions_open.csv")
        lost = await guest.get(f"{address}/kpi/nothing")

    for kpi in KPIS:
        assert f'href="/kpi/{kpi.name}.csv?hours=24"' in page, kpi.name
    card = re.search(r'id="undecided_share">(.*?)</article>', page, re.S)
    assert card is not None
    assert "<b>10.0</b> <span>%</span>" in card[1]
    assert "amber ≥ 2 · red ≥ 5 · 40 cases" in card[1]
    assert '<span class="tag bad">act</span>' in card[1]
    assert "<polyline points=" in page
    assert "dockledger boards push --grafana URL" in page
    assert "Passes the tracker left to a person" in one
    assert one.count("<tr>") == 41
    assert len(list(csv.DictReader(io.StringIO(table.text)))) == 2
    assert table.headers["content-disposition"] == 'attachment; filename="exceptions_open.csv"'
    assert lost.status_code == 404


async def test_who_sees_some_owners_only_is_sent_away(database_url: str) -> None:
    async with serve_pages(database_url, guest=False) as (api, address):
        key = await api.key("lead", owners=("acme",))
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(headers=headers) as client:
            page = await client.get(f"{address}/kpi")
        async with httpx.AsyncClient() as stranger:
            asked = await stranger.get(f"{address}/kpi")

    assert (page.status_code, asked.status_code) == (403, 303)
    assert "Units on hand" not in page.text


def test_every_kpi_of_the_catalogue_has_a_place_on_the_page() -> None:
    assert sorted(n for _, names in GROUPS for n in names) == sorted(k.name for k in KPIS)


def test_an_hour_without_a_value_is_a_gap_in_the_trend() -> None:
    trend = [Point(0, 1.0), Point(HOUR, 2.0), Point(2 * HOUR, None), Point(3 * HOUR, 3.0)]

    spark = sparkline(trend, since=0, until=4 * HOUR)

    assert spark is not None
    assert spark["lines"] == ["0.0,33.0 40.0,18.0"]
    assert spark["dots"] == [["120.0", "3.0"]]
    assert sparkline([Point(0, None)], since=0, until=4 * HOUR) is None


def test_an_hour_in_which_nothing_happened_counts_zero() -> None:
    trend = counted([Point(2 * HOUR, 5.0)], since=HOUR + 1, until=4 * HOUR)

    assert trend == [Point(HOUR, 0.0), Point(2 * HOUR, 5.0), Point(3 * HOUR, 0.0)]
