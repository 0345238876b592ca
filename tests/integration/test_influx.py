"""Telemetry on real servers: InfluxDB 1 by /write, /api/v2/write by influxdb-client, outages."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboards.influx import Counters, Telemetry
from dashboards.measurements import AGENT, WORKER, line
from dashboards.spool import DEAD_FILE, Spool
from dashboards.transport import Transport, WriteV1, WriteV2
from runtime.children import die_with_parent
from runtime.clock import monotonic_us, now_us
from runtime.postgres import free_port
from tests.services import require_service
from tests.waiting import eventually

S = 1_000_000
CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{root}/meta"
[data]
  dir = "{root}/data"
  wal-dir = "{root}/wal"
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[monitor]
  store-enabled = false
[continuous_queries]
  enabled = false
"""


class Server:
    """A server of time series that can be stopped and started again on the same port."""

    def __init__(self, argv: list[str], port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._argv = argv
        self._port = port
        self._child: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Return when it listens."""
        self._child = self._spawn()
        await eventually(self._listens, within=30)

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def stop(self) -> None:
        """End it in order."""
        if self._child is not None:
            self._child.terminate()
            self._child.wait(20)
            self._child = None


@contextmanager
def _stopped_after(server: Server) -> Iterator[Server]:
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def influxd(tmp_path: Path) -> Iterator[Server]:
    program = require_service("influxdb")
    port = free_port()
    config = tmp_path / "influxdb.conf"
    config.write_text(CONFIG.format(root=tmp_path, port=port, rpc=free_port()))
    with _stopped_after(Server([program, "-config", str(config)], port)) as server:
        yield server


@pytest.fixture
def victoria(tmp_path: Path) -> Iterator[Server]:
    program = require_service("victoria-metrics")
    port = free_port()
    argv = [program, f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={tmp_path / 'data'}"]
    with _stopped_after(Server(argv, port)) as server:
        yield server


async def influxql(server: Server, query: str) -> list[list[Any]]:
    """The rows of the first series."""
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            f"{server.url}/query", params={"db": "dockledger"}, data={"q": query}
        )
    answer.raise_for_status()
    series = answer.json()["results"][0].get("series")
    rows: list[list[Any]] = series[0]["values"] if series else []
    return rows


async def exported(server: Server, name: str) -> list[dict[str, Any]]:
    """The series of a metric with all their values."""
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.get(f"{server.url}/internal/force_flush")
        answer = await client.get(f"{server.url}/api/v1/export", params={"match[]": name})
    answer.raise_for_status()
    return [json.loads(text) for text in answer.text.splitlines()]


def sink(transport: Transport, path: Path) -> Telemetry:
    return Telemetry(transport, Spool(path, max_bytes=10 * S), clock=monotonic_us)


def lags(first: int, end: int, at: int) -> list[str]:
    site = {"site": "demo"}
    return [line(WORKER, site, {"relay_lag_s": n}, at + n * 1_000) for n in range(first, end)]


async def test_what_influxdb_1_stored_is_read_back_by_influxql(
    influxd: Server, tmp_path: Path
) -> None:
    await influxd.start()
    await influxql(influxd, "CREATE DATABASE dockledger")
    telemetry, at = sink(WriteV1(influxd.url, database="dockledger"), tmp_path / "spool"), now_us()
    place = {"site": "north, a=b", "agent": "dock-1"}
    fields = {"online": 1, "spooled": 12, "free_bytes": 2**53, "clock_offset_ms": -1.5}
    telemetry.hand([line(AGENT, place, fields, at), *lags(0, 2_500, at)])
    await telemetry.step(0)
    assert telemetry.counters == Counters(2_501, 0, 2_501, 0, 0, 0, 0)
    rows = await influxql(
        influxd,
        "SELECT online, spooled, free_bytes, clock_offset_ms FROM agent"
        " WHERE site = 'north, a=b' AND agent = 'dock-1'",
    )
    assert [row[1:] for row in rows] == [[1, 12, 2**53, -1.5]]
    rows = await influxql(influxd, "SELECT count(relay_lag_s), sum(relay_lag_s) FROM worker")
    assert rows[0][1:] == [2_500, sum(range(2_500))]


async def test_one_bad_line_costs_influxdb_1_nothing_but_itself(
    influxd: Server, tmp_path: Path
) -> None:
    await influxd.start()
    await influxql(influxd, "CREATE DATABASE dockledger")
    spool, at = tmp_path / "spool", now_us()
    telemetry = sink(WriteV1(influxd.url, database="dockledger"), spool)
    conflict = f'worker,site=demo relay_lag_s="late" {at}000'
    lines = lags(0, 1_000, at)
    telemetry.hand([*lines[:500], "not a line", *lines[500:], conflict])
    await telemetry.step(0)
    assert telemetry.counters == Counters(1_002, 0, 1_000, 0, 0, 2, 0)
    assert (spool / DEAD_FILE).read_text() == f"not a line\n{conflict}\n"
    rows = await influxql(influxd, "SELECT count(relay_lag_s) FROM worker")
    assert rows[0][1] == 1_000


async def test_an_outage_of_influxdb_1_loses_no_point(influxd: Server, tmp_path: Path) -> None:
    await influxd.start()
    await influxql(influxd, "CREATE DATABASE dockledger")
    telemetry, at = sink(WriteV1(influxd.url, database="dockledger"), tmp_path / "spool"), now_us()
    running = asyncio.create_task(telemetry.run())
    telemetry.hand(lags(0, 100, at))
    await eventually(lambda: telemetry.counters.stored == 100, within=10)
    influxd.stop()
    telemetry.hand(lags(100, 3_000, at))
    await eventually(lambda: telemetry.counters.spooled == 2_900, within=10)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    again = sink(WriteV1(influxd.url, database="dockledger"), tmp_path / "spool")
    again.hand(lags(3_000, 3_100, at))
    await influxd.start()
    running = asyncio.create_task(again.run())
    await eventually(lambda: again.counters.stored == 3_000, within=40)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert again.counters == Counters(100, 2_900, 3_000, 0, 0, 0, 0)
    rows = await influxql(influxd, "SELECT count(relay_lag_s), sum(relay_lag_s) FROM worker")
    assert rows[0][1:] == [3_100, sum(range(3_100))]


async def test_a_database_that_is_missing_is_waited_for(influxd: Server, tmp_path: Path) -> None:
    await influxd.start()
    telemetry = sink(WriteV1(influxd.url, database="dockledger"), tmp_path / "spool")
    telemetry.hand(lags(0, 10, now_us()))
    await telemetry.step(0)
    assert telemetry.counters == Counters(10, 0, 0, 10, 0, 0, 0)
    await influxql(influxd, "CREATE DATABASE dockledger")
    await telemetry.step(2 * S)
    assert telemetry.counters == Counters(10, 0, 10, 0, 0, 0, 0)


async def test_the_second_interface_stores_and_survives_an_outage(
    victoria: Server, tmp_path: Path
) -> None:
    await victoria.start()
    transport = WriteV2(victoria.url, token="t", org="dockledger", bucket="dockledger")
    telemetry, at = sink(transport, tmp_path / "spool"), now_us() // 1_000 * 1_000 - 60 * S
    telemetry.hand(lags(0, 1_500, at))
    await telemetry.step(0)
    assert telemetry.counters == Counters(1_500, 0, 1_500, 0, 0, 0, 0)
    victoria.stop()
    telemetry.hand(lags(1_500, 2_000, at))
    await telemetry.step(S)
    assert telemetry.counters == Counters(2_000, 0, 1_500, 500, 0, 0, 0)
    await victoria.start()
    telemetry.hand(lags(2_000, 2_100, at))
    await telemetry.step(10 * S)
    assert telemetry.counters == Counters(2_100, 0, 2_100, 0, 0, 0, 0)
    (series,) = await exported(victoria, "worker_relay_lag_s")
    assert series["metric"]["site"] == "demo"
    assert sorted(series["values"]) == list(range(2_100))
    assert sorted(series["timestamps"]) == [at // 1_000 + n for n in range(2_100)]


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_server_that_is_not_there_is_only_away(version: str, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    transport: Transport = WriteV1(url, database="d")
    if version == "v2":
        transport = WriteV2(url, token="t", org="o", bucket="b")
    telemetry = sink(transport, tmp_path / "spool")
    telemetry.hand(lags(0, 3, now_us()))
    await telemetry.step(0)
    assert telemetry.counters == Counters(3, 0, 0, 3, 0, 0, 0)
