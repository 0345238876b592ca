"""KPIs as people get them: `dockledger kpi`, who may ask, pages without inline code."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from core.domain.kpis import KPIS
from runtime.cli.main import run
from runtime.clock import now_us
from tests.apis import open_api
from tests.builders import SITE
from tests.kpi_rows import a_day
from tests.pages import serve_pages
from tests.sockets import listening


@dataclass
class Shell:
    """`dockledger kpi` against one served application."""

    where: list[str]

    async def __call__(self, *words: str) -> int:
        """The exit code of a command."""
        return await asyncio.to_thread(run, ["kpi", *words, *self.where])


@pytest.fixture
async def shell(database_url: str, tmp_path: Path) -> AsyncIterator[Shell]:
    async with open_api(database_url) as api:
        async with api.open_unit(SITE) as unit:
            await a_day(unit, now_us())
        key = tmp_path / "lead.key"
        key.write_text(await api.key("lead"), encoding="utf-8")
        async with listening(api) as port:
            yield Shell(["--api", f"http://127.0.0.1:{port}", "--key-file", str(key)])


async def test_every_kpi_is_listed_in_one_line_each(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await shell("list") == 0
    lines = [re.split(r"\s{2,}", line.strip()) for line in capsys.readouterr().out.splitlines()]

    assert [line[0].split()[0] for line in lines] == [kpi.name for kpi in KPIS]
    found = {" ".join(line).split()[0]: " ".join(line) for line in lines}
    assert found["undecided_share"] == "undecided_share 10 % act Passes undecided"
    assert found["perfect_pass_rate"] == (
        "perfect_pass_rate 50 % too few cases Handling units read whole"
    )
    assert found["backorder_rate"] == "backorder_rate 33.33 % too few cases Backorder rate"
    assert found["event_latency"] == "event_latency 2,971 ms watch Event latency, p99"


async def test_a_list_as_json_is_the_answer_of_the_interface(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await shell("list", "--json") == 0
    items = json.loads(capsys.readouterr().out)["items"]

    orders = next(item for item in items if item["name"] == "orders")
    assert (orders["value"], orders["unit"], orders["state"]) == (43, "orders", "good")
    assert (orders["hours"], orders["cases"]) == (24, None)


async def test_one_kpi_is_shown_with_thresholds_meaning_and_trend(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await shell("show", "on_time_shipment") == 0
    head, as_of, limits, meaning, *trend = capsys.readouterr().out.splitlines()

    assert head == "Shipped on time  90 %  act"
    assert as_of.startswith("  as of 20")
    assert as_of.endswith("Z, last 24 h, 40 cases")
    assert limits == "  amber <= 99.7, red <= 98"
    assert meaning == (
        "  Orders shipped by their ship_by over orders shipped. Unit: %."
        " Excludes: orders without ship_by."
    )
    assert trend
    assert all(re.fullmatch(r"  \d{4}-\d\d-\d\dT\d\d:00:00\.0{6}Z  [\d.]+", p) for p in trend)


async def test_a_window_without_facts_shows_no_data(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await shell("show", "verdict_latency", "--hours", "1") == 0
    assert capsys.readouterr().out.splitlines()[0] == "Verdict latency, p99  -  no data"

    assert await shell("show", "verdict_latency", "--hours", "1", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["value"], found["state"], found["trend"]) == (None, "none", [])


@pytest.mark.parametrize(
    ("words", "exit_code", "said"),
    [
        (("show", "nothing"), 3, "dockledger: not-found: "),
        (("show", "../orders"), 2, "dockledger: usage: that is no name of a KPI"),
        (("show", ""), 2, "dockledger: usage: that is no name of a KPI"),
        (("list", "--hours", "0"), 2, "dockledger: usage: "),
    ],
)
async def test_what_is_no_kpi_ends_with_its_code(
    shell: Shell,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    exit_code: int,
    said: str,
) -> None:
    assert await shell(*words) == exit_code
    ended = capsys.readouterr()
    assert ended.err.startswith(said)
    assert ended.out == ""


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("picker", 200),
        ("lead", 200),
        ("manager", 200),
        ("auditor", 200),
        ("owner", 403),
        ("integrator", 403),
    ],
)
async def test_staff_and_auditors_read_kpis_and_nobody_else(
    database_url: str, role: str, status: int
) -> None:
    async with open_api(database_url) as api:
        client = await api.client(role)
        answers = [await client.get(f"/v1/kpis{path}") for path in ("", "/passes")]
        page = await client.get("/kpi")

    assert [answer.status_code for answer in answers] == [status] * 2
    assert page.status_code == status


async def test_the_pages_run_no_inline_code_and_no_inline_style(database_url: str) -> None:
    async with serve_pages(database_url) as (api, address), httpx.AsyncClient() as guest:
        async with api.open_unit(SITE) as unit:
            await a_day(unit, now_us())
        pages = [await guest.get(f"{address}{path}") for path in ("/kpi", "/kpi/orders")]

    for page in pages:
        assert page.status_code == 200
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert "<polyline points=" in page.text
        assert re.search(r"<style|\sstyle=|\son\w+=|javascript:", page.text) is None
        assert re.search(r"<script(?![^>]*\ssrc=)", page.text) is None
    assert "docker compose up" in pages[0].text
    assert "--grafana URL" in pages[0].text
