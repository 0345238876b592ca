"""Query contract of the boards: every InfluxQL query of the JSON on a real InfluxDB."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboards.measurements import AGENT, ANTENNA, API, DEVICE, GATEWAY, VERDICT, WORKER, line
from dashboards.panels import INFLUX
from runtime.postgres import free_port
from tests.grafana_macros import expand_influxql, queries
from tests.integration.test_influx import CONFIG, Server
from tests.services import require_service

SITE = {"site": "demo"}
DOOR = {**SITE, "agent": "dock-1"}
NOW_S = 1_795_000_020
ALL = list(queries(str(INFLUX.uid)))
# By panel and query: the newest value of each line, by the tag it is named after.
SAID: dict[tuple[str, str], dict[str, float]] = {
    ("Agents online", "A"): {"": 0.5},
    ("Readings refused", "A"): {"": 7},
    ("Slowest verdict", "A"): {"": 420},
    ("Longest relay lag", "A"): {"": 1.5},
    ("Readings and messages", "A"): {"": 30},
    ("Readings and messages", "B"): {"": 3},
    ("Commit of a group", "A"): {"": 15},
    ("Commit of a group", "B"): {"": 20},
    ("Refused readings, cursor lag", "A"): {"": 7},
    ("Refused readings, cursor lag", "B"): {"": 9},
    ("Verdict latency by portal", "A"): {"dock-1": 42, "dock-2": 90},
    ("Verdict latency by portal", "B"): {"dock-1": 420, "dock-2": 90},
    ("Requests", "A"): {"": 12},
    ("Requests", "B"): {"": 0},
    ("Request duration, p99", "A"): {"": 31},
    ("Relay lag and work queues", "A"): {"": 1.5},
    ("Relay lag and work queues", "B"): {"": 60},
    ("State of each device", "A"): {"dock-1-r": 2, "dock-2-r": 0},
    ("Readings of each device", "A"): {"dock-1-r": 0},
    ("Reads of each antenna", "A"): {"dock-1-r/1": 90},
    ("Level of each antenna", "A"): {"dock-1-r/1": -55.5},
    ("Alarms of each device", "A"): {"dock-1-r": 1},
    ("Clock of each device", "A"): {"dock-1-r": 250},
    ("State of each agent", "A"): {"dock-1": 1, "dock-2": 0},
    ("Messages in the spool", "A"): {"dock-1": 4},
    ("Oldest message in the spool", "A"): {"dock-1": 2.5},
    ("Free disk of each agent", "A"): {"dock-1": 2**40},
    ("Clock of each agent", "A"): {"dock-1": -1.5},
}


def _points() -> list[str]:
    at = NOW_S * 1_000_000
    told = {"spooled": 4, "free_bytes": 2**40, "clock_offset_ms": -1.5, "age_s": 2.5}
    health = {"state": 2, "reads_s": 0.0, "alarms": 1, "skew_ms": 250.0}
    heard = {"reads": 90, "rssi_dbm": -55.5}
    gateway = {"readings_s": 30.0, "messages_s": 3.0, "group_size": 10.0, "lag_messages": 9}
    api = {"requests_s": 12.0, "errors_s": 0.0, "p99_ms": 31.0}
    worker = {"relay_lag_s": 1.5, "queue_age_s": 60.0, "dead_letters": 7}
    place = {**SITE, "cell": "site"}
    silent = {**SITE, "agent": "dock-2"}
    waits = [("dock-1", 40.0), ("dock-1", 42.0), ("dock-1", 420.0), ("dock-2", 90.0)]
    return [
        line(AGENT, DOOR, {"online": 1, **told}, at),
        line(AGENT, silent, {"online": 0}, at),
        line(DEVICE, {**DOOR, "device": "dock-1-r"}, health, at),
        line(ANTENNA, {**DOOR, "device": "dock-1-r", "antenna": "dock-1-r/1"}, heard, at),
        line(DEVICE, {**silent, "device": "dock-2-r"}, {"state": 0}, at),
        line(GATEWAY, place, {**gateway, "refused": 5, "commit_ms": 10.0}, at),
        line(GATEWAY, place, {**gateway, "refused": 2, "commit_ms": 20.0}, at + 1),
        line(API, SITE, api, at),
        line(WORKER, SITE, worker, at),
        line(AGENT, {"site": "other", "agent": "dock-1"}, {"online": 1, "spooled": 999}, at),
        *(
            line(VERDICT, {**SITE, "portal": portal}, {"latency_ms": ms}, at + n)
            for n, (portal, ms) in enumerate(waits)
        ),
    ]


@pytest.fixture
async def influx(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a fresh server that holds the points above."""
    program, port = require_service("influxdb"), free_port()
    config = tmp_path / "influxdb.conf"
    config.write_text(CONFIG.format(root=tmp_path, port=port, rpc=free_port()))
    server = Server([program, "-config", str(config)], port)
    try:
        await server.start()
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
            await client.post("/query", data={"q": "CREATE DATABASE dockledger"})
            params = {"db": "dockledger", "precision": "ns"}
            stored = await client.post("/write", params=params, content="\n".join(_points()))
            assert stored.status_code == 204, stored.text
            yield client
    finally:
        server.stop()


async def _ask(client: httpx.AsyncClient, text: str) -> list[dict[str, Any]]:
    answer = await client.get("/query", params={"db": "dockledger", "q": text})
    assert answer.status_code == 200, answer.text
    result = answer.json()["results"][0]
    assert "error" not in result, (text, result)
    series: list[dict[str, Any]] = result.get("series", [])
    return series


def _newest(series: dict[str, Any]) -> float | None:
    values = [row[1] for row in series["values"] if row[1] is not None]
    return values[-1] if values else None


async def test_every_panel_of_the_pipeline_says_what_was_written(
    influx: httpx.AsyncClient,
) -> None:
    found: dict[tuple[str, str], dict[str, float]] = {}
    for query in ALL:
        text = expand_influxql(query.text, site="demo", since_s=NOW_S - 3600, until_s=NOW_S + 60)
        lines = {}
        for series in await _ask(influx, text):
            assert series["columns"][0] == "time"
            assert len(series["columns"]) == 2
            newest = _newest(series)
            if newest is not None:
                lines["".join(series.get("tags", {}).values())] = newest
        found[query.panel, query.ref] = lines

    assert found == SAID


async def test_silence_is_a_gap_and_never_a_zero(influx: httpx.AsyncClient) -> None:
    query = next(q for q in ALL if q.panel == "Readings of each device")
    text = expand_influxql(query.text, site="demo", since_s=NOW_S - 3600, until_s=NOW_S + 600)

    values = [row[1] for row in (await _ask(influx, text))[0]["values"]]

    assert [value for value in values if value is not None] == [0]
    assert len(values) > 60


async def test_the_site_can_be_chosen(influx: httpx.AsyncClient) -> None:
    series = await _ask(influx, 'SHOW TAG VALUES FROM "agent" WITH KEY = "site"')

    assert [row[1] for row in series[0]["values"]] == ["demo", "other"]
