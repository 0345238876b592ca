"""Roles as processes tell a real InfluxDB what they do, and work on while it is away."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.brokers import NatsBroker
from tests.integration.test_influx import Server, influxd, influxql
from tests.roles import role_site
from tests.waiting import eventually

__all__ = ["influxd"]


async def _answers(url: str) -> bool:
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            return (await client.get(f"{url}/healthz")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


async def _until_there(server: Server, query: str) -> list[list[object]]:
    """The rows of a query once it has some."""
    return await eventually(lambda: influxql(server, query), within=40, every=0.2)


async def test_api_and_worker_tell_what_they_did_also_of_the_time_influxdb_was_away(
    tmp_path: Path, database_url: str, broker: NatsBroker, influxd: Server
) -> None:
    (tmp_path / "roles").mkdir()
    site = role_site(
        tmp_path / "roles", database_url, broker, more=f'[influx]\nurl = "{influxd.url}"\n'
    )
    spool = site.folder / "home" / "telemetry"

    with site.role("api"), site.role("worker"):
        await eventually(lambda: _answers(site.url), within=40, every=0.1)
        # InfluxDB is not there yet: what was counted waits on disk, and the API answers.
        kept = ("api", "worker")
        await eventually(lambda: all(list((spool / n).glob("*.lines")) for n in kept), within=40)
        assert await _answers(site.url)
        await influxd.start()
        await influxql(influxd, 'CREATE DATABASE "dockledger"')

        busy = await _until_there(
            influxd, "SELECT max(requests_s) FROM api WHERE site = 'demo' AND requests_s > 0"
        )
        waiting = await _until_there(
            influxd, "SELECT last(relay_lag_s), last(dead_letters) FROM worker WHERE site = 'demo'"
        )
        await eventually(lambda: not list(spool.rglob("*.lines")), within=40)

    failed = await influxql(influxd, "SELECT max(errors_s) FROM api")
    assert busy[0][1] is not None
    assert waiting[0][2] == 0
    assert failed[0][1] == 0
